// gRPC through Penstock, with gRPC's own C++ library at both ends.
#include "e2e/clock_site.hpp"
#include "e2e/grpc_site.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// More keys of the upstream, the route and the listener, each with a comma in front.
std::string site(const std::string& origin, const std::string& upstream = "",
                 const std::string& route = "", const std::string& listener = "") {
    return "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"" +
           listener + "}}\nroutes: [{upstream: app" + route +
           "}]\nupstreams: {app: {endpoints: [\"" + origin + "\"], protocol: h2" + upstream +
           "}}\n";
}

TEST(Grpc, CallsAndStreamsComeBackWhole) {
    const grpc_server origin;
    const daemon proxy(site(origin.address()));
    const std::string calls = sanitized() ? "500" : "5000";
    const std::string streams = sanitized() ? "50" : "500";
    EXPECT_EQ(grpc_call(proxy, "unary", calls).out, "ok " + calls + " failed 0\n");
    for (const std::string mode : {"bidi", "download", "upload"})
        EXPECT_EQ(grpc_call(proxy, mode, streams).out, "ok " + streams + " failed 0\n") << mode;
}

// gRPC's interop test `empty_stream`: the client's end is a DATA frame of its own, and the server
// answers only to that.
TEST(Grpc, CallsWithoutAMessageAreAnswered) {
    const grpc_server origin;
    const daemon proxy(site(origin.address()));
    const std::string calls = sanitized() ? "50" : "500";
    EXPECT_EQ(grpc_call(proxy, "empty", calls).out, "ok " + calls + " failed 0\n");
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, grpc_head(), false) + h2::body(1, ""));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 200);
    EXPECT_EQ(seen.body, "");
    EXPECT_EQ(seen.trailer("grpc-status") + seen.field("grpc-status"), "0");
}

// An error of the origin's own, in fields alone. The library has escaped its message.
TEST(Grpc, ErrorOfTheOriginPassesUnchanged) {
    const grpc_server origin;
    const daemon proxy(site(origin.address()));
    const command_result got = grpc_call(proxy, "fail", "10");
    EXPECT_EQ(got.out, "ok 0 failed 10 status 9 x 10\n");
    EXPECT_TRUE(contains(got.err, "status 9: on purpose: 100 % n\xc3\xb6tig\n")) << got.err;
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, grpc_head({}, "/test/Fail")));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 200);
    EXPECT_EQ(seen.heads.size(), 1U);
    EXPECT_TRUE(seen.ended);
    EXPECT_EQ(seen.body, "");
    EXPECT_EQ(seen.field("content-type"), "application/grpc");
    EXPECT_EQ(seen.field("grpc-status"), "9");
    EXPECT_EQ(seen.field("grpc-message"), "on purpose: 100 %25 n%C3%B6tig");
    EXPECT_EQ(seen.field("proxy-status"), "");
}

// The first message is there while the origin waits, whatever the route says about other bodies;
// uploads go on only once the origin has seen the first one.
TEST(Grpc, StreamsAreNotHeldBack) {
    for (const std::string route : {"", ", flush: true"}) {
        const grpc_server origin;
        const daemon proxy(site(origin.address(), "", route));
        process client({PENSTOCK_GRPC_PEER, "held", grpc_target(proxy), "3"});
        client.wait_for("open");
        EXPECT_EQ(grpc_call(proxy, "upload").out, "ok 1 failed 0\n");
        EXPECT_TRUE(client.running());
        EXPECT_EQ(grpc_call(proxy, "go").out, "ok 1 failed 0\n");
        client.wait_for("ok 3 failed 0");
    }
}

// The client has said all that it wants to say, so no silence of it is too long.
TEST(Grpc, StreamOfTheServerMayIdle) {
    const grpc_server origin;
    const daemon proxy(
        site(origin.address(), "", "", ", timeouts: {body_idle: 300ms, keepalive: 300ms}"));
    process client({PENSTOCK_GRPC_PEER, "held", grpc_target(proxy), "1"});
    client.wait_for("open");
    hold_for(700ms);
    EXPECT_EQ(grpc_call(proxy, "go").out, "ok 1 failed 0\n");
    client.wait_for("ok 1 failed 0");
}

TEST(Grpc, OriginThatIsKilledIsUnavailableForEveryOpenStream) {
    grpc_server origin;
    daemon proxy(site(origin.address()));
    process client({PENSTOCK_GRPC_PEER, "hold", grpc_target(proxy), "40"});
    client.wait_for("open");
    origin.running().signal(SIGKILL);
    client.wait_for("ok 0 failed 40 status 14 x 40");
    // And to whoever comes later.
    EXPECT_EQ(grpc_call(proxy, "unary", "3").out, "ok 0 failed 3 status 14 x 3\n");
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"reason=\"connection_terminated\""}) +
                  sum(found, "penstock_requests_total", {"reason=\"http_response_incomplete\""}),
              40);
}

// `grpc-timeout` is the deadline of the whole exchange, whether or not the origin is told of it;
// the origin hears of its end.
TEST(Grpc, DeadlineOfTheClientIsKept) {
    scripted_origin origin([](peer& client, int) {
        (void)client.read_exactly(h2::preface.size());
        client.send(h2::frame(h2::settings, 0, 0));
        (void)client.wait_closed();
    });
    for (const std::string route : {"", ", request_headers: {remove: [grpc-timeout]}"}) {
        daemon proxy(site(origin.address(), "", route));
        h2_client client(proxy.port("web"));
        client.send(h2::head(1, grpc_head({{"grpc-timeout", "200m"}})));
        const h2_response& seen = client.response(1);
        EXPECT_EQ(seen.status(), 200);
        EXPECT_EQ(seen.field("content-type"), "application/grpc");
        EXPECT_EQ(seen.field("grpc-status"), "4");
        EXPECT_EQ(seen.field("grpc-message"), "deadline");
        EXPECT_EQ(seen.heads.size(), 1U);
        EXPECT_EQ(seen.body, "");
        proxy.running().wait_for("\"penstock.reason\":\"deadline\"");
    }
}

// It is the library's own field that we go by: the client is stopped, so that nobody else can have
// ended the call.
TEST(Grpc, DeadlineOfTheLibraryIsKept) {
    gate asked;
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        if (server.request() != 0)
            asked.open();
        (void)server.request();
        EXPECT_EQ(server.reset, 8U);
    });
    daemon proxy(site(origin.address()));
    process client({PENSTOCK_GRPC_PEER, "deadline", grpc_target(proxy), "1000"});
    peer watching(proxy.port("web"));
    watching.wait_for(asked);
    client.signal(SIGSTOP);
    const std::string line = proxy.running().wait_for("\"url.path\":\"/test/Silent\"");
    EXPECT_EQ(text_in(line, "penstock.reason"), "deadline");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 200);
    client.signal(SIGCONT);
    client.wait_for("ok 0 failed 1 status 4 x 1");
    EXPECT_EQ(origin.failures(), std::vector<std::string>());
}

TEST(Grpc, DeadlineBehindTheHeadEndsTheStreamWithItsStatus) {
    scripted_origin origin([](peer& wire, int) {
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        wire.send(
            h2::head(stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false) +
            h2::body(stream, "part", false));
        (void)server.request();
        EXPECT_EQ(server.reset, 8U);
    });
    const daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, grpc_head({{"grpc-timeout", "300m"}})));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.body, "part");
    EXPECT_TRUE(seen.ended);
    EXPECT_EQ(seen.trailer("grpc-status"), "4");
}

// Both sides of an answered call speak as they have something to say. (Of another upload the same
// is too slow: H2Upload.)
TEST(Grpc, AnsweredCallMayComeAtAnyPace) {
    const grpc_server origin;
    moved_clock time(site(origin.address(), ", http2: {ping_interval: 1h}"));
    h2_client client(time.proxy().port("web"));
    const std::string message("\0\0\0\0\1x", 6);
    client.send(h2::head(1, grpc_head(), false));
    std::size_t bytes = 0;
    for (int i = 0; i < 4; ++i) {
        client.send(h2::body(1, message, false));
        bytes += message.size();
        EXPECT_EQ(client.body(1, bytes).body.size(), bytes);
        // More than the window in which 500 bytes a second are asked for, less than `body_idle`.
        if (i == 0)
            time.advance(25s);
    }
    client.send(h2::body(1, ""));
    EXPECT_EQ(client.response(1).trailer("grpc-status"), "0");
}

// As a call is that says something every 20 seconds, where 30 are allowed.
TEST(Grpc, AnsweredCallMayPauseAgainAndAgain) {
    const grpc_server origin;
    moved_clock time(site(origin.address(), ", http2: {ping_interval: 1h}"));
    h2_client client(time.proxy().port("web"));
    const std::string message("\0\0\0\0\1x", 6);
    client.send(h2::head(1, grpc_head(), false));
    std::size_t bytes = 0;
    for (int i = 0; i < 3; ++i) {
        client.send(h2::body(1, message, false));
        bytes += message.size();
        const h2_response& seen = client.responses[1];
        while (seen.body.size() < bytes && !seen.over())
            ASSERT_TRUE(client.read());
        ASSERT_EQ(seen.trailer("grpc-message"), "");
        ASSERT_EQ(seen.body.size(), bytes);
        time.advance(20s);
        // Time to find that it is too late, if it were.
        hold_for(300ms);
    }
    client.send(h2::body(1, ""));
    EXPECT_EQ(client.response(1).trailer("grpc-status"), "0");
}

TEST(Grpc, FailuresOfOurOwnAreFieldsAlone) {
    const refusing_port nobody;
    const daemon proxy(site("127.0.0.1:" + std::to_string(nobody.port()), "",
                            ", match: {path: {prefix: /test}}, limits: {body: 10}"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, grpc_head()));
    EXPECT_EQ(client.response(1).field("grpc-status"), "14");
    EXPECT_EQ(client.response(1).field("grpc-message"), "connection_refused");
    EXPECT_EQ(client.response(1).field("proxy-status"), "penstock; error=connection_refused");
    client.send(h2::head(3, grpc_head({}, "/other/Method")));
    EXPECT_EQ(client.response(3).field("grpc-status"), "12");
    client.send(h2::head(5, grpc_head({{"content-length", "11"}}), false));
    EXPECT_EQ(client.response(5).field("grpc-status"), "8");
    // Who does not speak gRPC gets what everybody gets.
    client.send(h2::head(7, h2::get("/test")));
    EXPECT_EQ(client.response(7).status(), 502);
    const std::string h1 =
        curl({"-i", "-H", "Content-Type: application/grpc", proxy.url("web", "/test")}).out;
    EXPECT_TRUE(contains(h1, " 502 ")) << h1;
}

}  // namespace
}  // namespace penstock::test
