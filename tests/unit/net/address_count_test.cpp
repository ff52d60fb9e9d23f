#include "penstock/net/address_count.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace penstock::net {
namespace {

socket_address from(const std::string& host, std::uint16_t port = 1000) {
    return *socket_address::parse(host, port);
}

TEST(AddressCount, LetsAsManyInAsItMay) {
    for (const std::uint64_t most : {1U, 2U, 5U}) {
        address_count counts;
        for (std::uint64_t i = 0; i < most; ++i)
            EXPECT_TRUE(counts.enter(from("10.0.0.1", static_cast<std::uint16_t>(i + 1)), most));
        EXPECT_FALSE(counts.enter(from("10.0.0.1"), most));
        EXPECT_TRUE(counts.enter(from("10.0.0.1"), most + 1)) << "the limit was raised";
        EXPECT_FALSE(counts.enter(from("10.0.0.1"), most)) << "and lowered again";
    }
}

TEST(AddressCount, GivesAPlaceBack) {
    address_count counts;
    EXPECT_TRUE(counts.enter(from("10.0.0.1"), 1));
    EXPECT_FALSE(counts.enter(from("10.0.0.1"), 1));
    counts.leave(from("10.0.0.1", 7));
    EXPECT_TRUE(counts.enter(from("10.0.0.1"), 1));
}

TEST(AddressCount, KnowsAnAddressOnlyWhileItIsConnected) {
    address_count counts;
    EXPECT_FALSE(counts.enter(from("10.0.0.1"), 0));
    EXPECT_EQ(counts.addresses(), 0U);
    for (int i = 0; i < 1000; ++i) {
        const auto one = from("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
        EXPECT_TRUE(counts.enter(one, 1));
    }
    EXPECT_EQ(counts.addresses(), 1000U);
    for (int i = 0; i < 1000; ++i)
        counts.leave(from("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
    EXPECT_EQ(counts.addresses(), 0U);
}

TEST(AddressCount, TakesAnIpv6NetworkOf64BitsForOneClient) {
    address_count counts;
    EXPECT_TRUE(counts.enter(from("2001:db8:1:2::1"), 1));
    EXPECT_FALSE(counts.enter(from("2001:db8:1:2:ffff:ffff:ffff:ffff"), 1));
    EXPECT_TRUE(counts.enter(from("2001:db8:1:3::1"), 1));
    EXPECT_TRUE(counts.enter(from("2001:db8:1:1:ffff:ffff:ffff:ffff"), 1));
    EXPECT_EQ(counts.addresses(), 3U);
}

TEST(AddressCount, TellsAddressesApart) {
    address_count counts;
    for (const char* const host : {"10.0.0.1", "10.0.0.2", "1.0.0.10", "0.0.0.0",
                                   "::", "::1:0:0:0:0", "a00:1::", "0:0:a00:1::"})
        EXPECT_TRUE(counts.enter(from(host), 1)) << host;
}

TEST(AddressCount, IsExactOverManyThreads) {
    address_count counts;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5000; ++round) {
                if (!counts.enter(from("10.0.0.1"), 3))
                    continue;
                const int now = inside.fetch_add(1) + 1;
                int seen = most.load();
                while (seen < now && !most.compare_exchange_weak(seen, now))
                    continue;
                inside.fetch_sub(1);
                counts.leave(from("10.0.0.1"));
            }
        });
    }
    for (std::thread& each : threads)
        each.join();
    EXPECT_LE(most.load(), 3);
    EXPECT_GE(most.load(), 1);
    EXPECT_EQ(counts.addresses(), 0U);
}

}  // namespace
}  // namespace penstock::net
