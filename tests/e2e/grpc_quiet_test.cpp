// gRPC streams that are quiet for long: real clients and servers, a clock that a test moves, and
// origins that count the PINGs. (A server of gRPC ends a connection that asks more than twice
// within five minutes of silence: "too many pings".)
#include "e2e/clock_site.hpp"
#include "e2e/grpc_site.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr std::uint32_t enhance_your_calm = 11;

// One worker, so that an answer of it shows that it has looked at the time.
std::string site(const std::string& origin, const std::string& listener = "",
                 const std::string& upstream = "") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"" +
           listener +
           "}}\nroutes: [{match: {path: {exact: /look}}, respond: {}}, {upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"], protocol: h2" + upstream + "}}\n";
}

// The servers' own time does not move, so their answers to PINGs come late.
const std::string unhurried = ", http2: {ping_timeout: 1h}";

// The worker has turned since.
void look(const daemon& proxy) {
    peer asks(proxy.port("web"));
    for (int i = 0; i < 2; ++i) {
        asks.send("GET /look HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_NE(asks.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
    }
}

// In steps below every wait that ends well, as that for the answer to a PING.
void pass(moved_clock& time, std::chrono::seconds all, std::chrono::seconds step) {
    for (std::chrono::seconds passed{0}; passed < all; passed += step) {
        time.advance(step);
        look(time.proxy());
    }
}

// The server has one message to say after ten minutes in which nobody says anything; its client has
// said all.
TEST(GrpcQuiet, StreamOfACppServerLivesForTenMinutes) {
    const grpc_server origin;
    moved_clock time(site(origin.address(), "", unhurried));
    process client({PENSTOCK_GRPC_PEER, "held", grpc_target(time.proxy()), "2"});
    client.wait_for("open");
    pass(time, 600s, 10s);
    EXPECT_TRUE(client.running());
    EXPECT_EQ(grpc_call(time.proxy(), "go").out, "ok 1 failed 0\n");
    client.wait_for("ok 2 failed 0");
}

class GrpcQuietLibrary : public testing::TestWithParam<grpc_library> {};

// A stream that either side may use at any time.
TEST_P(GrpcQuietLibrary, StreamOfBothSidesLivesForTenMinutes) {
    const grpc_server origin(GetParam());
    moved_clock time(site(origin.address(), "", unhurried));
    std::vector<std::string> command = grpc_peer(grpc_library::python);
    for (const std::string& more : {std::string("hold"), grpc_target(time.proxy())})
        command.push_back(more);
    process client(command);
    client.wait_for("open");
    pass(time, 600s, 10s);
    ASSERT_TRUE(client.running()) << time.proxy().running().out() << client.out();
    client.signal(SIGUSR1);
    client.wait_for("back");
    client.wait_for("ended 0");
}

INSTANTIATE_TEST_SUITE_P(Server, GrpcQuietLibrary,
                         testing::Values(grpc_library::cpp, grpc_library::python),
                         [](const auto& of) {
                             return of.param == grpc_library::cpp ? "Cpp" : "Python";
                         });

// Both sides may be quiet for as long as those of a tunnel.
TEST(GrpcQuiet, StreamEndsWithTunnelIdle) {
    const grpc_server origin;
    moved_clock time(site(origin.address()));
    h2_client client(time.proxy().port("web"));
    client.send(h2::head(1, grpc_head(), false) +
                h2::body(1, std::string("\0\0\0\0\1x", 6), false));
    EXPECT_EQ(client.body(1, 6).body.size(), 6U);
    look(time.proxy());
    time.advance(3599s);
    look(time.proxy());
    client.send(h2::body(1, std::string("\0\0\0\0\1y", 6), false));
    EXPECT_EQ(client.body(1, 12).body.size(), 12U);
    look(time.proxy());
    time.advance(3599s);
    look(time.proxy());
    EXPECT_FALSE(client.responses[1].over());
    time.advance(3601s);
    look(time.proxy());
    EXPECT_EQ(client.response(1).reset, 8U);
    wait_for_sum(time.proxy(), "penstock_requests_total", {"reason=\"tunnel_timeout\""}, 1);
}

// What is no call is quiet for `timeouts.idle` at most, whatever its origin calls it.
TEST(GrpcQuiet, OtherResponsesKeepTheirDeadline) {
    scripted_origin origin([](peer& wire, int) {
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        wire.send(
            h2::head(stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false) +
            h2::body(stream, "part", false));
        (void)server.request();
    });
    moved_clock time(site(origin.address()));
    h2_client client(time.proxy().port("web"));
    client.send(h2::head(1, h2::get("/")));
    EXPECT_EQ(client.body(1, 4).body, "part");
    // It waits for more by now.
    look(time.proxy());
    time.advance(61s);
    look(time.proxy());
    EXPECT_TRUE(client.response(1).reset.has_value());
    wait_for_sum(time.proxy(), "penstock_requests_total", {"reason=\"connection_read_timeout\""},
                 1);
}

// Nor is a call over HTTP/1 one: nothing but this deadline would end it.
TEST(GrpcQuiet, CallsOverHttp1KeepTheirDeadline) {
    scripted_origin origin([](peer& wire, int) {
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        wire.send(
            h2::head(stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false) +
            h2::body(stream, "part", false));
        (void)server.request();
    });
    moved_clock time(site(origin.address()));
    peer client(time.proxy().port("web"));
    client.send(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\n"
        "Content-Length: 0\r\n\r\n");
    (void)client.read_until("part");
    look(time.proxy());
    time.advance(61s);
    look(time.proxy());
    wait_for_sum(time.proxy(), "penstock_requests_total", {"reason=\"connection_read_timeout\""},
                 1);
    (void)client.wait_closed();
}

// What an origin answers with GOAWAY(ENHANCE_YOUR_CALM).
enum class complaint { none, ping, first_ping, request };

// An origin that writes down its PINGs.
class asked_origin {
 public:
    explicit asked_origin(complaint about)
        : about_(about), origin_([this](peer& wire, int) { serve(wire); }) {}
    [[nodiscard]] std::string address() const { return origin_.address(); }
    // Over all connections.
    bool wait_for_pings(int count) {
        std::unique_lock lock(guard_);
        return changed_.wait_for(lock, patience, [&] { return pings_ >= count; });
    }

 private:
    int count(int more) {
        const std::lock_guard lock(guard_);
        pings_ += more;
        changed_.notify_all();
        return pings_;
    }
    static std::string goaway(std::uint32_t last) {
        return h2::frame(h2::goaway, 0, 0, h2::number(last) + h2::number(enhance_your_calm));
    }
    void serve(peer& wire) {
        h2_server server(wire);
        std::uint32_t stream = 0;
        while (server.read()) {
            if (server.last.type == h2::headers) {
                stream = server.last.stream;
                // In one write: the next call must find that this connection takes no more.
                wire.send(h2::head(stream,
                                   {{":status", "200"},
                                    {"content-type", "application/grpc"},
                                    {"pings", std::to_string(count(0))}},
                                   false) +
                          (about_ == complaint::request ? goaway(stream) : std::string()));
            }
            if (server.last.type != h2::ping || server.last.has(h2::ack))
                continue;
            std::string answer = h2::frame(h2::ping, h2::ack, 0, server.last.payload);
            if (about_ == complaint::ping)
                answer += goaway(stream);
            // Without a call nobody asks over this connection any more.
            if (about_ == complaint::first_ping && count(0) == 0)
                answer += goaway(stream) + h2::body(stream, "");
            // A PING that is counted has its answer.
            wire.send(answer);
            count(1);
        }
    }

    complaint about_;
    std::mutex guard_;
    std::condition_variable changed_;
    int pings_ = 0;
    scripted_origin origin_;
};

// Opens a call that stays open, and returns how many PINGs its origin had seen before it.
class quiet_calls {
 public:
    explicit quiet_calls(const daemon& proxy) : client_(proxy.port("web")) {}
    std::string open() {
        next_ += 2;
        client_.send(h2::head(next_ - 2, grpc_head(), false));
        const h2_response& seen = client_.responses[next_ - 2];
        while (seen.heads.empty() && client_.read()) {
        }
        return seen.field("pings");
    }

 private:
    h2_client client_;
    std::uint32_t next_ = 1;
};

TEST(GrpcQuiet, SilenceIsAskedAboutOnceInFiveMinutes) {
    asked_origin origin(complaint::none);
    moved_clock time(site(origin.address()));
    quiet_calls calls(time.proxy());
    EXPECT_EQ(calls.open(), "0");
    for (int i = 0; i < 2; ++i) {
        pass(time, 290s, 10s);
        time.advance(9s);
        look(time.proxy());
        // What the origin says to this one is news of it.
        EXPECT_EQ(calls.open(), std::to_string(i));
        pass(time, 290s, 10s);
        time.advance(10s);
        ASSERT_TRUE(origin.wait_for_pings(i + 1));
        EXPECT_EQ(calls.open(), std::to_string(i + 1));
    }
}

TEST(GrpcQuiet, OriginThatAsksForCalmIsAskedHalfAsOften) {
    asked_origin origin(complaint::ping);
    moved_clock time(site(origin.address()));
    quiet_calls calls(time.proxy());
    EXPECT_EQ(calls.open(), "0");
    pass(time, 290s, 10s);
    time.advance(10s);
    ASSERT_TRUE(origin.wait_for_pings(1));
    // Over another connection from here on.
    EXPECT_EQ(calls.open(), "1");
    pass(time, 590s, 10s);
    time.advance(9s);
    look(time.proxy());
    EXPECT_EQ(calls.open(), "1");
    pass(time, 590s, 10s);
    time.advance(10s);
    EXPECT_TRUE(origin.wait_for_pings(2));
}

// A guard against floods says the same of streams that clients cancel.
TEST(GrpcQuiet, OriginThatWasNeverAskedMeansSomethingElse) {
    asked_origin origin(complaint::request);
    moved_clock time(site(origin.address()));
    quiet_calls calls(time.proxy());
    // Each over another connection.
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(calls.open(), "0");
    // 600 s at least, if it were taken for a complaint.
    pass(time, 400s, 10s);
    EXPECT_TRUE(origin.wait_for_pings(4));
}

TEST(GrpcQuiet, OriginThatComplainsNoMoreIsAskedAsOftenAsBefore) {
    asked_origin origin(complaint::first_ping);
    moved_clock time(site(origin.address(), ", timeouts: {tunnel_idle: 24h}",
                          ", http2: {ping_timeout: 1h, streams: 1}"));
    quiet_calls calls(time.proxy());
    EXPECT_EQ(calls.open(), "0");
    pass(time, 300s, 100s);
    ASSERT_TRUE(origin.wait_for_pings(1));
    // Eight answers are known as the ninth PING is sent.
    EXPECT_EQ(calls.open(), "1");
    for (int pings = 2; pings <= 10; ++pings) {
        // The answer to the one before has been read.
        look(time.proxy());
        pass(time, 600s, 100s);
        ASSERT_TRUE(origin.wait_for_pings(pings));
    }
    // A connection that is made now has the shorter interval; the one before keeps its own.
    EXPECT_EQ(calls.open(), "10");
    pass(time, 300s, 100s);
    ASSERT_TRUE(origin.wait_for_pings(11));
    EXPECT_EQ(calls.open(), "11");
}

}  // namespace
}  // namespace penstock::test
