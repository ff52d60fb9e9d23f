// F-6 and F-7 of the list of attacks: what happens when memory runs short, and what one address may
// take. The limits are set to where this process is, so that no gigabytes have to be spent.
#include "e2e/clock_site.hpp"
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string get(std::string_view target) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

class AttackMemory : public testing::Test {
 protected:
    [[nodiscard]] std::string configuration(const std::string& memory) const {
        return "workers: 1\n"
               "admin: {bind: \"127.0.0.1:0\"}\n"
               "log: {access: {path: \"-\"}}\n"
               "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
               "routes: [{upstream: app}]\n"
               "upstreams: {app: {endpoints: [\"" +
               origin.address() + "\"]}}\nshedding: {memory: " + memory + "}\n";
    }
    // Sets the limit to so much more than what is in use, and waits until it is noticed.
    void limit_to(double times_in_use, std::string_view word) {
        const double used = static_cast<double>(private_bytes());
        const auto limit = static_cast<std::uint64_t>(used * times_in_use);
        proxy.write_configuration(configuration(std::to_string(limit)));
        proxy.running().signal(SIGHUP);
        if (word == "reloaded")
            proxy.running().wait_for(word, patience, reloads_++);
        else
            proxy.running().wait_for(word);
    }
    [[nodiscard]] std::uint64_t private_bytes() {
        std::ifstream file("/proc/" + std::to_string(proxy.running().pid()) + "/statm");
        std::uint64_t size = 0;
        std::uint64_t resident = 0;
        std::uint64_t shared = 0;
        file >> size >> resident >> shared;
        return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }

    steered_origin origin;
    daemon proxy{configuration("1GiB")};
    int reloads_ = 0;
};

TEST_F(AttackMemory, F6_AtNinetyFivePercentConnectionsEndWithTheirResponse) {
    // Three percent of a small process are little, so that a reload may miss them.
    bool ended = false;
    for (int tries = 0; tries < 30 && !ended; ++tries) {
        peer before(proxy.port("web"));
        before.send(get("/one"));
        EXPECT_FALSE(read_response(before).field("Connection"));
        limit_to(1 / 0.965, "reloaded");
        before.send(get("/two"));
        const http_response seen = read_response(before);
        ended = seen.status == 200 && seen.field("Connection") == "close";
        if (ended) {
            EXPECT_EQ(before.wait_closed(), closing::eof);
            EXPECT_FALSE(origin.heard("two").empty());
        }
        limit_to(10, "reloaded");
    }
    EXPECT_TRUE(ended);
    peer after(proxy.port("web"));
    after.send(get("/three"));
    EXPECT_FALSE(read_response(after).field("Connection"));
}

TEST_F(AttackMemory, F6_AtNinetyEightPercentRequestsAreRefused) {
    limit_to(0.5, "requests are refused");
    for (int i = 0; i < 3; ++i) {
        peer client(proxy.port("web"));
        client.send(get("/refused"));
        const http_response seen = read_response(client);
        EXPECT_EQ(seen.status, 503);
        EXPECT_EQ(seen.field("Proxy-Status"), "penstock; error=shed_memory");
        EXPECT_TRUE(seen.field("Retry-After"));
        EXPECT_EQ(seen.field("Connection"), "close");
    }
    EXPECT_TRUE(origin.heard("refused").empty());
    const samples found = wait_for_sum(proxy, "penstock_shed_total", {"signal=\"memory\""}, 3);
    EXPECT_EQ(sum(found, "penstock_shed_total"), 3);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"reason=\"shed_memory\""}), 3);
    limit_to(10, "which is well");
    peer client(proxy.port("web"));
    client.send(get("/served"));
    EXPECT_EQ(read_response(client).status, 200);
}

// One daemon for each way to say no.
struct address_site {
    explicit address_site(const std::string& over)
        : proxy(
              "workers: 2\n"
              "admin: {bind: \"127.0.0.1:0\"}\n"
              "listeners: {web: {bind: \"127.0.0.1:0\", limits: {connections_per_address: 3, "
              "over_limit: " +
              over +
              "}}}\n"
              "routes: [{respond: {body: fine}}]\n") {}
    // A connection that holds its place.
    peer hold() {
        peer made(proxy.port("web"));
        made.send(get("/"));
        EXPECT_EQ(read_response(made).status, 200);
        return made;
    }
    daemon proxy;
};

TEST(AttackAddresses, F7_OneAddressHasNoMoreThanItsConnections) {
    address_site site("refuse");
    std::vector<peer> held;
    for (int i = 0; i < 3; ++i)
        held.push_back(site.hold());
    for (int i = 0; i < 5; ++i) {
        peer another(site.proxy.port("web"));
        const http_response seen = read_response(another);
        EXPECT_EQ(seen.status, 429);
        EXPECT_EQ(seen.field("Proxy-Status"), "penstock; error=address_cap");
        EXPECT_TRUE(seen.field("Retry-After"));
        EXPECT_EQ(another.wait_closed(), closing::eof);
    }
    const samples found = wait_for_sum(site.proxy, "penstock_connections_refused_total",
                                       {"reason=\"address_cap\""}, 5);
    EXPECT_EQ(sum(found, "penstock_connections_refused_total"), 5);
    // Those that have a place are as well served as ever, and a place that is left is free again.
    held[0].send(get("/"));
    EXPECT_EQ(read_response(held[0]).status, 200);
}

// Item 17: until the first idle connection ends, or as long as one may idle if none does.
TEST(AttackAddresses, F7_RetryAfterSaysWhenAPlaceIsFree) {
    const auto retry_after = [](const std::string& limits, const std::string& path) {
        const gate over;
        scripted_origin origin([&over](peer& client, int) {
            while (read_request_head(client)) {
                client.wait_for(over);
                client.send(ok_response("late"));
            }
        });
        daemon proxy(
            "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
            "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {keepalive: 1h}, "
            "limits: {over_limit: refuse, " +
            limits +
            "}}}\nroutes: [{match: {path: {exact: /fine}}, respond: {body: fine}}, "
            "{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
            origin.address() + "\"]}}\n");
        peer held(proxy.port("web"));
        held.send(get(path));
        if (path == "/fine")
            EXPECT_EQ(read_response(held).status, 200);
        else
            origin.wait_for_connections(1);
        peer another(proxy.port("web"));
        const http_response seen = read_response(another);
        over.open();
        return std::stoi(std::string(seen.field("Retry-After").value_or("0")));
    };
    for (const std::string limits : {"connections: 1", "connections_per_address: 1"}) {
        EXPECT_EQ(retry_after(limits, "/busy"), 3600) << limits;
        const int idle = retry_after(limits, "/fine");
        EXPECT_LE(idle, 3600) << limits;
        EXPECT_GT(idle, 3000) << limits;
    }
}

// Of either protocol, and from the end of its last request on.
TEST(AttackAddresses, F7_RetryAfterKnowsHowLongAClientHasIdled) {
    moved_clock time(
        "workers: 1\nroutes: [{respond: {body: fine}}]\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {keepalive: 1h}, "
        "limits: {over_limit: refuse, connections: 1}}}\n");
    const auto ask = [&] {
        peer another(time.proxy().port("web"));
        const http_response seen = read_response(another);
        return std::stoi(std::string(seen.field("Retry-After").value_or("0")));
    };
    // Once the client idles it has the hour, of which a thousand seconds then pass.
    const auto expect_less = [&] {
        EXPECT_EQ(ask(), 3600);
        time.advance(1000s);
        const time_limit limit(patience);
        int left = ask();
        while (left > 2600 && !limit.passed())
            left = ask();
        EXPECT_TRUE(left > 2500 && left <= 2600) << left;
    };
    {
        peer held(time.proxy().port("web"));
        held.send(get("/"));
        EXPECT_EQ(read_response(held).status, 200);
        expect_less();
        held.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(held.wait_closed(), closing::eof);
    }
    h2_client held(time.proxy().port("web"));
    held.send(h2::head(1, h2::get("/")));
    EXPECT_EQ(held.response(1).status(), 200);
    // The worker has turned since, and knows that the exchange is over.
    for (int i = 0; i < 2; ++i) {
        held.send(h2::frame(h2::ping, 0, 0, "12345678"));
        do {
            ASSERT_TRUE(held.read());
        } while (held.last.type != h2::ping);
    }
    expect_less();
}

TEST(AttackAddresses, F7_WhoLeavesMakesRoomHoweverHeLeaves) {
    address_site site("refuse");
    for (int round = 0; round < 5; ++round) {
        std::vector<peer> held;
        for (int i = 0; i < 3; ++i)
            held.push_back(site.hold());
        held[0].close();
        held[1].reset();
        held[2].half_close();
        EXPECT_NE(held[2].wait_closed(), closing::reset);
        const time_limit limit(patience);
        while (sum(scrape(site.proxy), "penstock_connections", {"listener=\"web\""}) > 0)
            ASSERT_FALSE(limit.passed());
    }
}

TEST(AttackAddresses, F7_WithoutWordsTheyAreReset) {
    address_site site("wait");
    std::vector<peer> held;
    for (int i = 0; i < 3; ++i)
        held.push_back(site.hold());
    peer another(site.proxy.port("web"));
    EXPECT_EQ(another.wait_closed(), closing::reset);
    // The places are not the listener's: others are not kept waiting.
    held.pop_back();
    const time_limit limit(patience);
    while (sum(scrape(site.proxy), "penstock_connections", {"listener=\"web\""}) > 2)
        ASSERT_FALSE(limit.passed());
    held.push_back(site.hold());
}

// Of one address over every connection, worker and protocol; a new connection is no new allowance.
TEST(AttackLimits, F7_RequestsOfOneAddressWithinASecond) {
    daemon proxy(
        "workers: 2\n"
        "admin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", limits: {requests_per_address: 10}}}\n"
        "routes: [{respond: {body: fine}}]\n");
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
        peer client(proxy.port("web"));
        client.send(get("/"));
        const http_response seen = read_response(client);
        if (seen.status == 200)
            continue;
        ASSERT_EQ(seen.status, 429);
        EXPECT_EQ(seen.field("Proxy-Status"), "penstock; error=address_rate");
        EXPECT_EQ(seen.field("Retry-After"), "1") << "the next second is another one";
        ++refused;
    }
    EXPECT_GE(refused, 1);
    h2_client other(proxy.port("web"));
    std::string all;
    for (std::uint32_t id = 1; id < 60; id += 2)
        all += h2::head(id, h2::get("/"));
    other.send(all);
    int of_h2 = 0;
    for (std::uint32_t id = 1; id < 60; id += 2)
        of_h2 += other.response(id).status() == 429 ? 1 : 0;
    EXPECT_GE(of_h2, 1);
    // The next second is another one.
    const time_limit limit(patience);
    for (int status = 0; status != 200;) {
        ASSERT_FALSE(limit.passed());
        peer client(proxy.port("web"));
        client.send(get("/"));
        status = read_response(client).status;
    }
    const samples found = wait_for_sum(proxy, "penstock_requests_total",
                                       {"reason=\"address_rate\""}, refused + of_h2);
    EXPECT_GE(sum(found, "penstock_requests_total", {"reason=\"none\""}), 10);
}

}  // namespace
}  // namespace penstock::test
