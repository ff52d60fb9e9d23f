// HTTP/2 connections that are asked to go, at the end of the process and of their listener: GOAWAY
// in two steps (RFC 9113 §6.8), and whatever was taken up until then is finished.
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace penstock::test {
namespace {

constexpr std::uint32_t no_error = 0;
constexpr std::uint32_t every_stream = 0x7fffffff;

// Answers /slow once the gate is open, and everything else at once.
class slow_origin {
 public:
    void answer() const { open_.open(); }
    [[nodiscard]] std::string address() const { return origin_.address(); }
    // A request for /slow is there.
    void wait_for_one(const h2_client& with) const { with.wire.wait_for(asked_); }

 private:
    gate open_;
    gate asked_;
    scripted_origin origin_{[this](peer& client, int) {
        while (const std::optional<http_request> request = read_request(client)) {
            const bool slow = request->target == "/slow";
            if (slow) {
                asked_.open();
                client.wait_for(open_);
            }
            client.send(ok_response(slow ? "slow" : "fast"));
        }
    }};
};

std::string configuration(const std::string& listeners, const std::string& origin) {
    return "admin: {bind: \"127.0.0.1:0\"}\nlisteners: {" + listeners +
           "}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" + origin + "\"]}}\n";
}

void wait_for_goaways(h2_client& of, std::size_t count) {
    while (of.goaways.size() < count)
        ASSERT_TRUE(of.read());
}

void expect_asked_to_go(h2_client& client) {
    wait_for_goaways(client, 1);
    EXPECT_EQ(client.goaways[0].number(), every_stream);
    EXPECT_EQ(client.goaways[0].number(4), no_error);
}

// Behind `expect_asked_to_go`, with stream 1 open: the client has opened another one when it was
// asked, and may find that it came too late on a machine that is busy.
void expect_end_of_busy(h2_client& client, const slow_origin& origin) {
    client.send(h2::head(3, h2::get("/fast")));
    wait_for_goaways(client, 2);
    const std::uint32_t last = client.goaways[1].number();
    EXPECT_TRUE(last == 1 || last == 3) << last;
    EXPECT_EQ(client.goaways[1].number(4), no_error);
    EXPECT_FALSE(client.responses[1].over());
    origin.answer();
    EXPECT_EQ(client.response(1).status(), 200);
    EXPECT_EQ(client.response(1).body, "slow");
    if (last == 3) {
        EXPECT_EQ(client.response(3).body, "fast");
    }
    while (client.read()) {
    }
    EXPECT_EQ(client.goaways.size(), 2U);
    EXPECT_FALSE(client.responses[1].reset.has_value());
    client.wire.close();
}

void expect_end_of_idle(h2_client& client, std::uint32_t last) {
    expect_asked_to_go(client);
    while (client.read()) {
    }
    ASSERT_EQ(client.goaways.size(), 2U);
    EXPECT_EQ(client.goaways[1].number(), last);
    EXPECT_EQ(client.goaways[1].number(4), no_error);
    client.wire.close();
}

TEST(H2Drain, FinishesStreamsBetweenTwoGoaways) {
    const slow_origin origin;
    daemon proxy(configuration("web: {bind: \"127.0.0.1:0\"}", origin.address()));
    h2_client busy(proxy.port("web"));
    busy.send(h2::head(1, h2::get("/slow")));
    h2_client idle(proxy.port("web"));
    idle.send(h2::head(1, h2::get("/fast")));
    EXPECT_EQ(idle.response(1).body, "fast");
    origin.wait_for_one(busy);
    proxy.running().signal(SIGTERM);
    expect_asked_to_go(busy);
    expect_end_of_idle(idle, 1);
    EXPECT_THROW(peer{proxy.port("web")}, test_error);
    expect_end_of_busy(busy, origin);
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_NE(proxy.running().err().find("drained"), std::string::npos) << proxy.running().err();
}

TEST(H2Drain, OfARemovedListenerLeavesTheOthersAlone) {
    const slow_origin origin;
    const std::string more = "more: {bind: \"127.0.0.1:0\"}";
    daemon proxy(configuration("web: {bind: \"127.0.0.1:0\"}, " + more, origin.address()));
    h2_client busy(proxy.port("web"));
    busy.send(h2::head(1, h2::get("/slow")));
    h2_client idle(proxy.port("web"));
    idle.send(h2::head(1, h2::get("/fast")));
    EXPECT_EQ(idle.response(1).body, "fast");
    h2_client other(proxy.port("more"));
    other.send(h2::head(1, h2::get("/fast")));
    EXPECT_EQ(other.response(1).body, "fast");
    origin.wait_for_one(busy);
    proxy.write_configuration(configuration(more, origin.address()));
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reloaded: generation 2");
    expect_asked_to_go(busy);
    expect_end_of_idle(idle, 1);
    EXPECT_THROW(peer{proxy.port("web")}, test_error);
    expect_end_of_busy(busy, origin);
    other.send(h2::head(3, h2::get("/fast")));
    EXPECT_EQ(other.response(3).body, "fast");
    EXPECT_TRUE(other.goaways.empty());
    other.wire.close();
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

}  // namespace
}  // namespace penstock::test
