// Requests that wait at their origin for as long as it takes, many at a time, on the default
// configuration.
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// Answers polls once somebody asks for /go, each in the order in which it came.
constexpr const char* polled =
    "globalThis.polls = globalThis.polls || [];"
    "if (request.url === '/go') { for (const each of polls.splice(0)) each.end('news');"
    "  response.end('gone'); return; }"
    "polls.push(response);";

// Of 130 polls 30 were refused where an endpoint took 100 connections.
TEST(LongPoll, EachOfMoreThanAHundredIsAnswered) {
    constexpr int count = 130;
    const node_origin origin(polled);
    const daemon proxy(proxy_to(origin.address()));
    std::vector<std::unique_ptr<peer>> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(std::make_unique<peer>(proxy.port("web")));
        clients.back()->send("GET /poll HTTP/1.1\r\nHost: a.test\r\n\r\n");
    }
    wait_for_sum(proxy, "penstock_upstream_connections", {"state=\"active\""}, count);
    EXPECT_EQ(curl({proxy.url("web", "/go")}).out, "gone");
    for (const auto& each : clients)
        EXPECT_NE(each->read_until("news").find("HTTP/1.1 200 "), std::string::npos);
}

}  // namespace
}  // namespace penstock::test
