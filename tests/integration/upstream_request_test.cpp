// What reaches the origin, how request and response run side by side, and how an exchange ends
// early.
#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"
#include "penstock/http/error.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cstdlib>

namespace penstock::upstream::test {
namespace {

using exchange::phase;
using exchange::reason;

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

error client_left() { return net::errc::peer_gone; }

// Chunked coding, read to its end and decoded.
std::string read_chunked(conversation& from) {
    std::string body;
    for (;;) {
        const std::string line = from.read_until("\r\n");
        const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
        if (line.empty() || size == 0)
            return body;
        body += from.read_exactly(size);
        from.read_exactly(2);
    }
}

struct framing_case {
    const char* name;
    http::method verb;
    const char* verb_text;
    std::vector<std::string> pieces;
    std::optional<std::uint64_t> length;
    std::string expected;  // what follows the request line and Host
};

TEST(UpstreamRequest, IsFramedByWhatIsKnownOfItsBody) {
    const framing_case cases[] = {
        {"get", http::method::get, "GET", {}, std::nullopt, "\r\n"},
        {"get with length 0", http::method::get, "GET", {}, 0, "\r\n"},
        {"post without body",
         http::method::post,
         "POST",
         {},
         std::nullopt,
         "Content-Length: 0\r\n\r\n"},
        {"delete without body", http::method::delete_, "DELETE", {}, std::nullopt, "\r\n"},
        {"length", http::method::post, "POST", {"abc", "de"}, 5, "Content-Length: 5\r\n\r\nabcde"},
        {"get with body", http::method::get, "GET", {"abc"}, 3, "Content-Length: 3\r\n\r\nabc"},
        {"no length",
         http::method::post,
         "POST",
         {"abc", "de"},
         std::nullopt,
         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
    };
    for (const framing_case& item : cases) {
        SCOPED_TRACE(item.name);
        std::string received;
        origin peer([&](conversation& with) {
            const std::string line = std::string(item.verb_text) + " /a?b=c HTTP/1.1\r\n";
            received = with.read_exactly(line.size() + 12 + item.expected.size());
            with.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
        {
            site here(peer.port());
            client by(here.home, item.verb, item.verb_text);
            by.request.head.path = "/a";
            by.request.head.query = "?b=c";
            by.body.announced = item.length;
            for (const std::string& piece : item.pieces)
                by.body.give(piece);
            by.body.end();
            const outcome got = here.fetch_once(by);
            EXPECT_TRUE(got.answered);
        }
        const std::string line = std::string(item.verb_text) + " /a?b=c HTTP/1.1\r\n";
        EXPECT_EQ(received, line + "Host: test\r\n" + item.expected);
    }
}

TEST(UpstreamRequest, HasTheEndpointsHostIfItCameWithoutOne) {
    std::string head;
    origin peer([&](conversation& with) {
        head = with.read_head();
        with.write(small_reply);
    });
    {
        site here(peer.port());
        client by(here.home);
        by.request.head.authority.clear();
        EXPECT_TRUE(here.fetch_once(by).answered);
        EXPECT_EQ(by.request.head.authority, "");
        here.over().retire();
    }
    EXPECT_NE(head.find("Host: 127.0.0.1\r\n"), std::string::npos);
}

// Whoever asked may send it somewhere else.
TEST(UpstreamRequest, BodyOfAFailedAttemptStaysWholeIfNoneOfItWasUsed) {
    for (const bool used : {false, true}) {
        origin peer([&](conversation& with) {
            with.read_head();
            if (used)
                with.read_until("part");
        });
        site here(peer.port());
        client by(here.home, http::method::post, "POST");
        by.body.announced = 8;
        if (used)
            by.body.give("part");
        const outcome got = here.fetch_once(by);
        EXPECT_FALSE(got.answered);
        EXPECT_EQ(got.failure.reason, exchange::reason::connection_terminated);
        EXPECT_EQ(got.failure.body_consumed, used);
        EXPECT_FALSE(by.body.stopped());
        EXPECT_FALSE(by.body.waited_for());
    }
}

TEST(UpstreamRequest, SlowBodyDoesNotUseUpTheFirstByteTime) {
    std::string body;
    origin peer([&](conversation& with) {
        with.read_head();
        body = read_chunked(with);
        with.write(small_reply);
    });
    {
        site here(peer.port());
        here.shared->settings.timeouts.first_byte = 150ms;
        client by(here.home, http::method::post, "POST");
        here.over();
        here.home.spawn(give_slowly(here.home, by, 5, 80ms));
        const outcome got = here.fetch_once(by);
        EXPECT_TRUE(got.answered);
        EXPECT_GE(by.record.ledger.spent(phase::body), 250ms);
        EXPECT_LT(by.record.ledger.spent(phase::first_byte), 100ms);
        here.over().retire();
    }
    EXPECT_EQ(body, "piece piece piece piece piece ");
}

TEST(UpstreamRequest, LargeBodyArrivesWhole) {
    constexpr std::size_t size = std::size_t{6} * 1024 * 1024;
    for (const bool chunked : {false, true}) {
        std::string body;
        origin peer([&](conversation& with) {
            with.read_head();
            body = chunked ? read_chunked(with) : with.read_exactly(size);
            with.write(small_reply);
            (void)with.read_until("never sent");  // until the pool closes it
        });
        std::string sent;
        {
            site here(peer.port());
            client by(here.home, http::method::put, "PUT");
            if (!chunked)
                by.body.announced = size;
            for (char letter = 'a'; sent.size() < size; ++letter) {
                by.body.give(std::string(size / 8, letter));
                sent.append(size / 8, letter);
            }
            by.body.end();
            const outcome got = here.fetch_once(by);
            EXPECT_TRUE(got.answered);
            EXPECT_EQ(here.over().counters().idle.load(), 1U);
            here.over().retire();
        }
        EXPECT_TRUE(body == sent);
    }
}

// Sends a piece only once the one before it came back.
net::task<> talk(cluster& over, client& by, std::string& heard) {
    attempt_options how;
    attempt tried = co_await over.send(by.request, how);
    if (!tried.response)
        co_return;
    exchange::body_source& body = *tried.response->body;
    for (int i = 0; i < 3; ++i) {
        by.body.give("ping" + std::to_string(i));
        for (std::size_t got = 0; got < 5;) {
            const result<std::string_view> data = body.take(64);
            if (!data)
                co_return;
            heard += *data;
            got += data->size();
            if (data->empty())
                (void)co_await body.wait();
        }
    }
    by.body.end();
    while (!body.finished()) {
        if (!body.take(64) || body.finished())
            break;
        (void)co_await body.wait();
    }
    co_await body.close();
}

TEST(UpstreamRequest, RunsBesideTheResponse) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 3; ++i) {
            with.read_until("\r\n");
            const std::string piece = with.read_exactly(5);
            with.read_exactly(2);
            with.write("5\r\n" + piece + "\r\n");
        }
        with.read_until("0\r\n\r\n");
        with.write("0\r\n\r\n");
        EXPECT_TRUE(with.peer_closes());  // its response began before the request was complete
    });
    site here(peer.port());
    client by(here.home, http::method::post, "POST");
    std::string heard;
    run(here.home, talk(here.over(), by, heard));
    EXPECT_EQ(heard, "ping0ping1ping2");
    EXPECT_EQ(here.over().counters().idle.load(), 0U);
    EXPECT_EQ(here.over().active(), 0U);
}

TEST(UpstreamRequest, InterimOtherThanContinueDoesNotEndTheWaitForContinue) {
    gate over;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 103 Early Hints\r\n\r\n");
        with.wait_for(over);
    });
    site here(peer.port());
    here.shared->settings.timeouts.first_byte = 80ms;
    client by(here.home, http::method::post, "POST");
    by.request.expects_continue = true;
    by.request.head.fields.add("Expect", "100-continue");
    by.body.announced = 4;
    const outcome got = here.fetch_once(by);
    EXPECT_FALSE(got.answered);
    EXPECT_EQ(got.failure.why, net::errc::first_byte_timeout);
    over.open();
}

TEST(UpstreamRequest, WaitsForContinueWithItsClient) {
    std::string head;
    std::string body;
    origin peer([&](conversation& with) {
        head = with.read_head();
        with.write("HTTP/1.1 100 Continue\r\n\r\n");
        body = with.read_exactly(4);
        with.write(small_reply);
        EXPECT_TRUE(with.peer_closes());
    });
    {
        site here(peer.port());
        client by(here.home, http::method::post, "POST");
        by.request.expects_continue = true;
        by.request.head.fields.add("Expect", "100-continue");
        by.body.announced = 4;
        by.on_interim = [&](int status) {
            EXPECT_EQ(status, 100);
            by.body.give("data");
            by.body.end();
        };
        const outcome got = here.fetch_once(by);
        EXPECT_TRUE(got.answered);
        EXPECT_EQ(got.body, "ok");
        EXPECT_EQ(here.over().counters().idle.load(), 1U);
        here.over().retire();
    }
    EXPECT_NE(head.find("Expect: 100-continue\r\n"), std::string::npos);
    EXPECT_EQ(body, "data");
}

TEST(UpstreamRequest, RefusedExpectationLeavesNoHalfSentRequest) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
        EXPECT_TRUE(with.peer_closes());
    });
    site here(peer.port());
    client by(here.home, http::method::post, "POST");
    by.request.expects_continue = true;
    by.request.head.fields.add("Expect", "100-continue");
    by.body.announced = 4;
    const outcome got = here.fetch_once(by);
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.head.status, 417);
    EXPECT_EQ(here.over().counters().idle.load(), 0U);
}

TEST(UpstreamRequest, ClientsBrokenBodyIsTheClientsFault) {
    struct {
        const char* name;
        error why;
        reason expected;
    } const cases[] = {
        {"gone", net::errc::peer_gone, reason::client_gone},
        {"slow", net::errc::body_timeout, reason::body_timeout},
        {"bad chunk", http::errc::bad_chunk, reason::http_request_error},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        std::string body;
        {
            origin peer([&](conversation& with) {
                with.read_head();
                body = with.read_until("nothing more comes");
            });
            {
                site here(peer.port());
                client by(here.home, http::method::post, "POST");
                by.body.give("abc");
                by.body.fail(item.why);
                const outcome got = here.fetch_once(by);
                EXPECT_FALSE(got.answered);
                EXPECT_EQ(got.failure.why, item.why);
                EXPECT_EQ(got.failure.reason, item.expected);
            }
        }  // the script has ended, and with it its use of `body`
        // The end of a chunked body must never be seen.
        EXPECT_EQ(body.find("0\r\n\r\n"), std::string::npos);
    }
}

TEST(UpstreamRequest, OriginThatTakesNothingRunsIntoTheWriteTimeout) {
    gate over;
    origin peer([&](conversation& with) {
        with.read_head();
        with.wait_for(over);
    });
    site here(peer.port());
    here.shared->settings.timeouts.idle = 80ms;
    client by(here.home, http::method::post, "POST");
    for (int i = 0; i < 40; ++i)
        by.body.give(std::string(1024 * 1024, 'x'));
    by.body.end();
    const outcome got = here.fetch_once(by);
    EXPECT_FALSE(got.answered);
    EXPECT_EQ(got.failure.why, net::errc::write_timeout);
    EXPECT_EQ(got.failure.reason, reason::connection_write_timeout);
    EXPECT_TRUE(got.failure.body_consumed);
    EXPECT_GE(by.record.ledger.spent(phase::send), 70ms);
    over.open();
}

// TCP_USER_TIMEOUT of the connection to this port; -1 = there is none.
int user_timeout_towards(std::uint16_t port) {
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const bool connected = ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
                               peer.sin_family == AF_INET && ntohs(peer.sin_port) == port;
        unsigned value = 0;
        size = sizeof value;
        if (connected && ::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size) == 0)
            return static_cast<int>(value);
    }
    return -1;
}

// Linux counts the time in which a receiver has no room, and such an origin of HTTP/1 is there: a
// tunnel may wait for it for an hour.
TEST(UpstreamRequest, TcpGivesUpNoOriginThatHasNoRoom) {
    for (const milliseconds configured : {0ms, 12'345ms}) {
        origin peer([](conversation& with) {
            (void)with.read_head();
            with.write("HTTP/1.1 204 No Content\r\n\r\n");
            (void)with.read_head();
        });
        site here(peer.port());
        here.shared->settings.kernel.user_timeout = configured;
        EXPECT_TRUE(here.get().answered);
        EXPECT_EQ(user_timeout_towards(peer.port()), configured.count());
        here.over().retire();
    }
}

TEST(UpstreamRequest, UnwritableHeadReachesNobody) {
    origin peer([](conversation& with) { EXPECT_TRUE(with.peer_closes()); });
    site here(peer.port());
    client by(here.home);
    by.request.head.fields.add("X-Split", "a\r\nX-Injected: b");
    const outcome got = here.fetch_once(by);
    EXPECT_FALSE(got.answered);
    EXPECT_EQ(got.failure.reason, reason::proxy_internal_error);
    EXPECT_FALSE(got.failure.request_sent);
}

net::task<> abort_when_sent(net::worker& home, client& by) {
    const std::function<bool()> waits = [&] {
        return by.record.ledger.current() == phase::first_byte;
    };
    const bool waiting = co_await eventually(home, waits);
    EXPECT_TRUE(waiting);
    by.aborted.fire(client_left());
}

TEST(UpstreamRequest, AbortCancelsItAtTheOrigin) {
    origin peer([&](conversation& with) {
        with.read_head();
        EXPECT_TRUE(with.peer_closes());
    });
    site here(peer.port());
    client by(here.home);
    here.home.spawn(abort_when_sent(here.home, by));
    const outcome got = here.fetch_once(by);
    EXPECT_FALSE(got.answered);
    EXPECT_EQ(got.failure.why, client_left());
    EXPECT_EQ(got.failure.reason, reason::client_gone);
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
}

net::task<> leave_early(cluster& over, client& by, bool abort) {
    attempt_options how;
    attempt tried = co_await over.send(by.request, how);
    EXPECT_TRUE(tried.response && tried.response->body);
    if (!tried.response || !tried.response->body)
        co_return;
    if (abort)
        by.aborted.fire(client_left());
    tried.response->body->stop();
    co_await tried.response->body->close();
}

TEST(UpstreamRequest, UnwantedRestIsDrainedIfSmallElseCut) {
    struct {
        const char* name;
        std::size_t size;
        bool abort;
        bool reused;
    } const cases[] = {
        {"small", 64 * 1024, false, true},
        {"too large", 200 * 1024, false, false},
        {"client gone", 1000, true, false},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer([&](conversation& with) {
            while (!with.read_head().empty()) {
                with.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(item.size) +
                           "\r\n\r\n" + std::string(item.size, 'x'));
            }
        });
        site here(peer.port());
        client by(here.home);
        run(here.home, leave_early(here.over(), by, item.abort));
        EXPECT_EQ(here.over().counters().idle.load(), item.reused ? 1U : 0U);
        here.over().retire();
    }
}

net::task<> tunnel(cluster& over, client& by, std::string& heard) {
    attempt_options how;
    attempt tried = co_await over.send(by.request, how);
    EXPECT_TRUE(tried.response && tried.response->upgraded);
    if (!tried.response || !tried.response->upgraded)
        co_return;
    // From here on the request's body is the client's raw bytes.
    scripted_body raw(*net::worker::current());
    by.request.body = &raw;
    raw.give("hello");
    exchange::body_source& body = *tried.response->body;
    while (!body.finished()) {
        const result<std::string_view> data = body.take(64);
        EXPECT_TRUE(data);
        if (!data)
            break;
        heard += *data;
        if (heard == "welcome hello")
            raw.end();
        if (!data->empty() || body.finished())
            continue;
        const result<void> waited = co_await body.wait();
        EXPECT_TRUE(waited);
        if (!waited)
            break;
    }
    co_await body.close();
}

TEST(UpstreamRequest, WebsocketBecomesATunnelWithHalfClose) {
    std::string head;
    origin peer([&](conversation& with) {
        head = with.read_head();
        with.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\n\r\nwelcome ");
        with.write(with.read_exactly(5));
        EXPECT_TRUE(with.peer_closes());
        with.write(", bye");
    });
    {
        site here(peer.port());
        client by(here.home);
        by.request.wants_websocket = true;
        std::string heard;
        run(here.home, tunnel(here.over(), by, heard));
        EXPECT_EQ(heard, "welcome hello, bye");
        EXPECT_EQ(here.over().counters().idle.load(), 0U);
        EXPECT_EQ(here.over().active(), 0U);
    }
    EXPECT_NE(head.find("Upgrade: websocket\r\n"), std::string::npos);
}

TEST(UpstreamRequest, OtherAnswersToAnUpgrade) {
    struct {
        const char* name;
        std::string_view reply;
        bool answered;
    } const cases[] = {
        {"plain response", small_reply, true},
        {"other protocol", "HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", false},
        {"no token", "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", false},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer([&](conversation& with) {
            with.read_head();
            with.write(item.reply);
            with.read_head();
        });
        site here(peer.port());
        client by(here.home);
        by.request.wants_websocket = true;
        const outcome got = here.fetch_once(by);
        EXPECT_EQ(got.answered, item.answered);
        EXPECT_FALSE(got.upgraded);
        if (!got.answered) {
            EXPECT_EQ(got.failure.reason, reason::unexpected_upgrade);
        }
        here.over().retire();
    }
}

// Opens a gate 30 ms after the exchange has come to the phase that it holds up.
net::task<> hold_up(net::worker& home, client& by, phase during, gate& held) {
    const std::function<bool()> there = [&] { return by.record.ledger.current() == during; };
    (void)co_await eventually(home, there);
    const time_point at = home.now() + 30ms;
    const std::function<bool()> passed = [&] { return home.now() >= at; };
    (void)co_await eventually(home, passed);
    held.open();
}

TEST(UpstreamRequest, PhasesSumToTheTotal) {
    gate head;
    gate rest;
    origin peer([&](conversation& with) {
        with.read_head();
        with.wait_for(head);
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        with.wait_for(rest);
        with.write("cd");
    });
    site here(peer.port());
    client by(here.home);
    here.home.spawn(hold_up(here.home, by, phase::first_byte, head));
    here.home.spawn(hold_up(here.home, by, phase::response, rest));
    EXPECT_TRUE(here.fetch_once(by).answered);
    const exchange::ledger& ledger = by.record.ledger;
    nanoseconds sum{0};
    for (std::size_t i = 0; i < exchange::phase_count; ++i)
        sum += ledger.spent(static_cast<phase>(i));
    EXPECT_EQ(sum, ledger.total());
    EXPECT_GE(ledger.spent(phase::first_byte), 29ms);
    EXPECT_GE(ledger.spent(phase::response), 29ms);
    here.over().retire();
}

}  // namespace
}  // namespace penstock::upstream::test
