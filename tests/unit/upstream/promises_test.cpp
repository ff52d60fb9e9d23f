#include "upstream/promises.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

net::address_key address(const std::string& text) {
    return net::address_key_of(*net::socket_address::parse(text, 0));
}

share_board::entry waits(const std::string& text, std::uint32_t waiting, std::uint32_t eligible) {
    share_board::entry one;
    one.address = address(text);
    one.waiting = waiting;
    one.eligible = eligible;
    return one;
}

TEST(Promises, AreTakenOutOfWhatWaits) {
    promises tested;
    tested.add(address("10.0.0.1"), start + 1s);
    tested.add(address("10.0.0.1"), start + 1s);
    std::vector<share_board::entry> others{waits("10.0.0.2", 3, 3), waits("10.0.0.1", 3, 3)};
    tested.subtract_from(others, start);
    EXPECT_EQ(others[0].waiting, 3U);
    EXPECT_EQ(others[1].waiting, 1U);
    EXPECT_EQ(others[1].eligible, 1U);
}

TEST(Promises, SpreadOverTheWorkersOfAnAddress) {
    promises tested;
    for (int i = 0; i < 3; ++i)
        tested.add(address("10.0.0.1"), start + 1s);
    std::vector<share_board::entry> others{waits("10.0.0.1", 1, 1), waits("10.0.0.1", 1, 0)};
    tested.subtract_from(others, start);
    EXPECT_EQ(others[0].waiting, 0U);
    EXPECT_EQ(others[0].eligible, 0U);
    EXPECT_EQ(others[1].waiting, 0U);
    EXPECT_EQ(others[1].eligible, 0U);
}

TEST(Promises, EndAtTheirTime) {
    promises tested;
    tested.add(address("10.0.0.1"), start + 100ms);
    std::vector<share_board::entry> before{waits("10.0.0.1", 1, 1)};
    std::vector<share_board::entry> after = before;
    tested.subtract_from(before, start + 100ms - 1ns);
    EXPECT_EQ(before[0].waiting, 0U);
    tested.subtract_from(after, start + 100ms);
    EXPECT_EQ(after[0].waiting, 1U);
}

TEST(Promises, AreFullAtTheirLimitUntilOneEnds) {
    promises tested;
    for (std::size_t i = 0; i + 1 < promises::limit; ++i)
        tested.add(address("10.0.0.1"), start + 1s);
    EXPECT_FALSE(tested.full());
    tested.add(address("10.0.0.2"), start + 10ms);
    EXPECT_TRUE(tested.full());
    std::vector<share_board::entry> others;
    tested.subtract_from(others, start + 10ms);
    EXPECT_FALSE(tested.full());
    tested.clear();
    others.push_back(waits("10.0.0.1", 1, 1));
    tested.subtract_from(others, start + 10ms);
    EXPECT_EQ(others[0].waiting, 1U);
}

}  // namespace
}  // namespace penstock::upstream
