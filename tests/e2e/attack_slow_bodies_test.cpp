// ATTACKS F-2 as a whole: clients that hold every connection of a listener by bodies that hardly
// move. Each may be an honest one, so they end only while others want their places.
#include "e2e/clock_site.hpp"
#include "e2e/grpc_site.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string site(int connections, const std::string& app, const std::string& calls) {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {body_idle: 1h}, limits: "
           "{connections: " +
           std::to_string(connections) +
           "}}}\nroutes: [{match: {path: {exact: /look}}, respond: {}},"
           " {match: {path: {exact: /test/Answered}}, upstream: calls}, {upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           app + "\"], protocol: h2}, calls: {endpoints: [\"" + calls + "\"], protocol: h2}}\n";
}

// Reads all that comes; answers with the head of a call, if it answers.
scripted_origin::script listening(bool answers) {
    return [answers](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            if (answers)
                wire.send(h2::head(
                    stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false));
        }
    };
}

// Has a request with a byte of its body sent, and its SETTINGS acknowledged.
std::unique_ptr<h2_client> slow_h2(const daemon& proxy, const h2::field_list& head) {
    auto made = std::make_unique<h2_client>(proxy.port("web"));
    while (made->settings.empty() && made->read()) {
    }
    made->send(h2::head(1, head, false) + h2::body(1, "x", false));
    return made;
}

double open_connections(const daemon& proxy) {
    return sum(scrape(proxy), "penstock_connections", {"listener=\"web\""});
}

TEST(SlowBodies, KeepNoHonestClientOut) {
    constexpr int most = 24;
    scripted_origin app(listening(false));
    moved_clock time(site(most, app.address(), app.address()));
    daemon& proxy = time.proxy();
    std::vector<std::unique_ptr<peer>> slow;
    std::vector<std::unique_ptr<h2_client>> slow_http2;
    for (int round = 0; round < 3; ++round) {
        for (auto free = most - static_cast<int>(open_connections(proxy)); free > 0; --free) {
            if (free % 2 == 0) {
                slow_http2.push_back(slow_h2(proxy, h2::post("/up")));
                continue;
            }
            slow.push_back(std::make_unique<peer>(proxy.port("web")));
            slow.back()->send(
                "POST /up HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                "1\r\nx\r\n");
        }
        // Later on some of them leave as others come.
        if (round == 0)
            wait_for_sum(proxy, "penstock_connections", {"listener=\"web\""}, most);
        peer honest(proxy.port("web"));
        honest.send("GET /look HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        time.advance(21s);
        EXPECT_NE(honest.read_until("\r\n\r\n").find(" 200 "), std::string::npos) << round;
        // Their clients do not read the answers, and are not waited for any longer.
        time.advance(5s);
        const time_limit limit(patience);
        while (open_connections(proxy) > most * 3 / 4)
            ASSERT_FALSE(limit.passed());
    }
    const samples all = scrape(proxy);
    // No more than were in the way: in each round a quarter, and one for the honest client, which
    // may be looked at while it is served.
    EXPECT_GE(sum(all, "penstock_requests_total", {"reason=\"body_timeout\""}), most / 4);
    EXPECT_LE(sum(all, "penstock_requests_total", {"reason=\"body_timeout\""}), 3 * (most / 4 + 1));
    EXPECT_EQ(sum(all, "penstock_connections_refused_total"), 0);
}

// A connection of HTTP/2 takes its place until the last of its bodies has ended.
TEST(SlowBodies, OfOneConnectionEndTogether) {
    constexpr int most = 8;
    constexpr int streams = 20;
    scripted_origin app(listening(false));
    moved_clock time(site(most, app.address(), app.address()));
    daemon& proxy = time.proxy();
    std::vector<std::unique_ptr<h2_client>> slow;
    for (int i = 0; i < most; ++i) {
        slow.push_back(slow_h2(proxy, h2::post("/up")));
        for (std::uint32_t id = 3; id < 2 * streams; id += 2)
            slow.back()->send(h2::head(id, h2::post("/up"), false) + h2::body(id, "x", false));
    }
    wait_for_sum(proxy, "penstock_upstream_http2_streams", {}, most * streams);
    peer honest(proxy.port("web"));
    honest.send("GET /look HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    // That it waits has been seen.
    EXPECT_TRUE(grows_quiet(proxy.running().pid()));
    time.advance(21s);
    EXPECT_NE(honest.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
    double cut = 0;
    for (const time_limit limit(patience); cut < most / 4 * streams && !limit.passed();)
        cut = sum(scrape(proxy), "penstock_requests_total", {"reason=\"body_timeout\""});
    EXPECT_GE(cut, most / 4 * streams);
    EXPECT_LE(cut, (most / 4 + 1) * streams);
}

// A content type is easily claimed: calls end after everything else. Those that their origin has
// answered never do.
TEST(SlowBodies, CallsEndLastAndAnsweredOnesNever) {
    scripted_origin app(listening(false));
    scripted_origin calls(listening(true));
    moved_clock time(site(2, app.address(), calls.address()));
    daemon& proxy = time.proxy();
    const auto answered = slow_h2(proxy, grpc_head({}, "/test/Answered"));
    while (answered->responses[1].status() == 0)
        ASSERT_TRUE(answered->read());
    const auto other = slow_h2(proxy, grpc_head());
    other->send(h2::head(3, h2::post("/up"), false) + h2::body(3, "x", false));
    wait_for_sum(proxy, "penstock_upstream_http2_streams", {}, 3);
    time.advance(21s);
    while (!other->responses[3].over())
        ASSERT_TRUE(other->read());
    EXPECT_EQ(other->responses[3].status(), 408);
    EXPECT_FALSE(other->responses[1].over());
    EXPECT_EQ(other->response(1).field("proxy-status"), "penstock; error=body_timeout");
    // The connection goes with its requests, as others want its place.
    EXPECT_EQ(other->goaways.empty(), false);
    other->wire.close();
    const peer another(proxy.port("web"));
    wait_for_sum(proxy, "penstock_connections", {"listener=\"web\""}, 2);
    for (int i = 0; i < 3; ++i) {
        time.advance(9s);
        answered->send(h2::frame(h2::ping, 0, 0, "12345678"));
        while (answered->read() && answered->last.type != h2::ping) {
        }
    }
    EXPECT_FALSE(answered->responses[1].over());
}

}  // namespace
}  // namespace penstock::test
