// The phase ledger from outside: a delay that is put into one phase shows in that phase and in
// no other, in the log line and in /metrics, and the phases of a request add up to its duration.
#include "support/certificate.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// A sanitizer slows everything else down, so the delay has to stand out more.
milliseconds delay() { return sanitized() ? 250ms : 50ms; }

const std::vector<std::string> phases{"tls",  "head",       "body",     "admission",
                                      "dns",  "pool_wait",  "connect",  "upstream_tls",
                                      "send", "first_byte", "response", "client_blocked",
                                      "loop", "retry"};

struct spent {
    std::map<std::string, double> by_phase;  // microseconds; 0 = not in the line
    double total = 0;
    std::string line;
};

spent read_line(daemon& proxy) {
    spent found;
    found.line = proxy.running().wait_for("\"phases_us\"");
    const std::string phases_text = found.line.substr(found.line.find("\"phases_us\""));
    for (const std::string& phase : phases) {
        found.by_phase[phase] = std::max(number_in(phases_text, phase), 0.0);
    }
    found.total = number_in(found.line, "duration_us");
    return found;
}

// The delay is in `phase`, every other phase is far below it, and all of them add up. Another
// process of this machine may hold up a phase for as long as the delay, or the proxy so that it
// sees the delay only when half of it is over: a round may be disturbed; three in a row may not.
void expect_delay_in(const std::string& phase, const std::function<spent()>& round,
                     milliseconds length = delay()) {
    const double injected = static_cast<double>(length.count()) * 1000;
    spent last;
    for (int i = 0; i < 3; ++i) {
        last = round();
        double sum = 0;
        double others = 0;
        for (const auto& [name, value] : last.by_phase) {
            sum += value;
            others += name == phase ? 0 : value;
        }
        // Each phase is cut to whole microseconds.
        EXPECT_NEAR(sum, last.total, static_cast<double>(phases.size())) << last.line;
        // The delay begins with the sender, the wait when the proxy has seen that nothing is there.
        if (last.by_phase[phase] >= injected * 0.8 && others < injected / 2) {
            return;
        }
    }
    ADD_FAILURE() << "the delay does not show in " << phase << " alone: " << last.line;
}

// Runs `act` as a client of a proxy in front of `origin`, and gives the line of its one request.
spent one_request(const std::string& configuration, const std::function<void(daemon&)>& act,
                  const std::string& metric_phase) {
    daemon proxy(configuration);
    act(proxy);
    spent found = read_line(proxy);
    const samples metrics = wait_for_sum(proxy, "penstock_request_duration_seconds_count", {}, 1);
    for (const std::string& phase : phases) {
        const double seconds =
            sum(metrics, "penstock_request_phase_seconds_sum", {"phase=\"" + phase + "\""});
        EXPECT_NEAR(seconds * 1e6, found.by_phase[phase], 1.0) << phase;
    }
    EXPECT_GT(found.by_phase[metric_phase], 0) << found.line;
    return found;
}

void get(daemon& proxy) {
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 200);
}

scripted_origin::handler hello() {
    return [](const http_request&) { return ok_response("hello"); };
}

TEST(Phases, SlowFirstByteShowsThere) {
    scripted_origin origin(scripted_origin::answer([](const http_request&) {
        hold_for(delay());
        return ok_response("hello");
    }));
    expect_delay_in("first_byte",
                    [&] { return one_request(proxy_to(origin.address()), get, "first_byte"); });
}

TEST(Phases, SlowResponseBodyShowsThere) {
    scripted_origin origin([](peer& client, int) {
        while (read_request(client)) {
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            hold_for(delay());
            client.send("world");
        }
    });
    expect_delay_in("response",
                    [&] { return one_request(proxy_to(origin.address()), get, "response"); });
}

TEST(Phases, SlowRequestHeadShowsThere) {
    scripted_origin origin(scripted_origin::answer(hello()));
    const auto slow_head = [](daemon& proxy) {
        peer client(proxy.port("web"));
        client.send("GET / HTTP/1.1\r\nHo");
        hold_for(delay());
        client.send("st: a.test\r\n\r\n");
        EXPECT_EQ(read_response(client).status, 200);
    };
    expect_delay_in("head",
                    [&] { return one_request(proxy_to(origin.address()), slow_head, "head"); });
}

TEST(Phases, SlowRequestBodyShowsThere) {
    scripted_origin origin(scripted_origin::answer(hello()));
    const auto slow_body = [](daemon& proxy) {
        peer client(proxy.port("web"));
        client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab");
        hold_for(delay());
        client.send("cd");
        EXPECT_EQ(read_response(client).status, 200);
    };
    expect_delay_in("body",
                    [&] { return one_request(proxy_to(origin.address()), slow_body, "body"); });
}

TEST(Phases, SlowReaderShowsAsClientBlocked) {
    const std::string large(std::size_t{16} << 20, 'x');
    scripted_origin origin([&](peer& client, int) {
        while (read_request(client)) {
            client.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) +
                        "\r\n\r\n");
            client.send(large);
        }
    });
    const auto slow_reader = [&](daemon& proxy) {
        connect_options small;
        small.receive_buffer = 4096;
        peer client(proxy.port("web"), small);
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        client.put_back(client.read_exactly(1024));
        hold_for(delay() * 10);
        EXPECT_EQ(read_response(client).status, 200);
    };
    expect_delay_in(
        "client_blocked",
        [&] { return one_request(proxy_to(origin.address()), slow_reader, "client_blocked"); },
        delay() * 10);
}

// Passes bytes on in both directions until one side closes.
void relay_until_closed(peer& left, peer& right) {
    pollfd both[2] = {{left.fd(), POLLIN, 0}, {right.fd(), POLLIN, 0}};
    while (::poll(both, 2, static_cast<int>(patience.count())) > 0) {
        peer& from = both[0].revents != 0 ? left : right;
        const std::string bytes = from.read_some();
        if (bytes.empty()) {
            return;
        }
        (&from == &left ? right : left).send(bytes);
    }
}

TEST(Phases, SlowUpstreamHandshakeShowsThere) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    // A relay in front of a TLS origin holds the origin's first flight back.
    scripted_origin origin(scripted_origin::answer(hello()), files);
    scripted_origin relay([&](peer& client, int) {
        peer server(origin.port());
        std::string hello_bytes = client.read_some();
        hold_for(delay());
        server.send(hello_bytes);
        relay_until_closed(client, server);
    });
    expect_delay_in("upstream_tls", [&] {
        return one_request(proxy_to(relay.address(), "tls: {verify: false}"), get, "upstream_tls");
    });
}

// A listening socket whose queue is full: its kernel stays silent, and asks of the client's kernel
// are repeated after a second. That is the shortest delay of a connect that needs no network of its
// own.
class late_port {
 public:
    late_port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        at_.sin_family = AF_INET;
        at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at_;
        ::bind(fd_.get(), address(), size);
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at_), &size);
        ::listen(fd_.get(), 0);
        // Connections to the own machine are made within connect(); the first that is not made
        // shows that the queue is full.
        for (bool full = false; !full;) {
            descriptor filler(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            ::connect(filler.get(), address(), size);
            full = !wait_fd(filler.get(), POLLOUT, time_limit(0ms));
            if (!full) {
                fillers_.push_back(std::move(filler));
            }
        }
    }
    [[nodiscard]] std::uint16_t port() const { return ntohs(at_.sin_port); }

    // Waits until a connection attempt was left unanswered, then answers everything.
    void serve_one() {
        const time_limit limit(patience);
        while (!attempt_is_waiting()) {
            if (limit.passed()) {
                throw test_error("nobody connects");
            }
        }
        for (std::size_t i = 0; i < fillers_.size(); ++i) {
            (void)accept_one();
        }
        peer client(accept_one(), nullptr, -1);
        (void)read_request(client);
        client.send(ok_response("hello"));
    }

 private:
    [[nodiscard]] const sockaddr* address() const {
        return reinterpret_cast<const sockaddr*>(&at_);
    }
    [[nodiscard]] descriptor accept_one() const {
        if (!wait_fd(fd_.get(), POLLIN, time_limit(patience))) {
            throw test_error("no connection");
        }
        return descriptor(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    // A socket in state SYN_SENT (02) towards this port.
    [[nodiscard]] bool attempt_is_waiting() const {
        char mark[32];
        std::snprintf(mark, sizeof mark, "0100007F:%04X 02 ", port());
        std::ifstream table("/proc/net/tcp");
        const std::string text{std::istreambuf_iterator<char>(table), {}};
        return text.find(mark) != std::string::npos;
    }

    sockaddr_in at_{};
    descriptor fd_;
    std::vector<descriptor> fillers_;
};

TEST(Phases, SlowConnectShowsThere) {
    const auto round = [] {
        late_port origin;
        const auto slow_connect = [&](daemon& proxy) {
            peer client(proxy.port("web"));
            client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
            origin.serve_one();
            EXPECT_EQ(read_response(client).status, 200);
        };
        return one_request(proxy_to("127.0.0.1:" + std::to_string(origin.port())), slow_connect,
                           "connect");
    };
    expect_delay_in("connect", round, 900ms);
}

TEST(Phases, WaitForAPooledConnectionShowsThere) {
    const gate queued;
    scripted_origin origin([&](peer& client, int) {
        while (const auto request = read_request(client)) {
            if (request->target == "/first") {
                client.wait_for(queued);
            }
            client.send(ok_response("hello"));
        }
    });
    daemon proxy(proxy_to(origin.address(), "pool: {connections: 1, queue_timeout: 20s}"));
    peer first(proxy.port("web"));
    first.send("GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n");
    origin.wait_for_connections(1);
    peer second(proxy.port("web"));
    second.send("GET /second HTTP/1.1\r\nHost: a.test\r\n\r\n");
    wait_for_sum(proxy, "penstock_upstream_queue", {}, 1);
    hold_for(delay());
    queued.open();
    EXPECT_EQ(read_response(first).status, 200);
    EXPECT_EQ(read_response(second).status, 200);
    const std::string line = proxy.running().wait_for("\"url.path\":\"/second\"");
    EXPECT_GE(number_in(line, "pool_wait"), 50'000) << line;
}

}  // namespace
}  // namespace penstock::test
