#include "penstock/net/address_rate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace penstock::net {
namespace {

socket_address at(const std::string& text) { return *socket_address::parse(text, 1); }

TEST(AddressRate, CountsWithinItsSecond) {
    address_rate rate;
    const time_point now{100s};
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(rate.add(at("10.0.0.1"), 3, now + 999ms));
    EXPECT_FALSE(rate.add(at("10.0.0.1"), 3, now + 999ms));
    EXPECT_TRUE(rate.add(at("10.0.0.2"), 3, now + 999ms));
    EXPECT_TRUE(rate.add(at("10.0.0.1"), 3, now + 1000ms));
}

TEST(AddressRate, TakesAnIpv6ClientForItsNetwork) {
    address_rate rate;
    const time_point now{100s};
    EXPECT_TRUE(rate.add(at("2001:db8:0:1::1"), 1, now));
    EXPECT_FALSE(rate.add(at("2001:db8:0:1:ffff::2"), 1, now));
    EXPECT_TRUE(rate.add(at("2001:db8:0:2::1"), 1, now));
    EXPECT_TRUE(rate.add(at("32.1.13.184"), 1, now));  // the same first bytes
}

// Whoever meets another in one table has the other table.
TEST(AddressRate, TellsManyAddressesApart) {
    address_rate rate;
    const time_point now{100s};
    int refused = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::string address =
            "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250);
        refused += rate.add(at(address), 1, now) ? 0 : 1;
    }
    EXPECT_LE(refused, 40);
}

TEST(AddressRate, LetsNoThreadByUncounted) {
    address_rate rate;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&rate] {
            for (int i = 0; i < 10'000; ++i)
                (void)rate.add(at("10.0.0.1"), 1'000'000, time_point{5s});
        });
    }
    for (std::thread& each : threads)
        each.join();
    EXPECT_TRUE(rate.add(at("10.0.0.1"), 40'001, time_point{5s}));
    EXPECT_FALSE(rate.add(at("10.0.0.1"), 40'001, time_point{5s}));
}

}  // namespace
}  // namespace penstock::net
