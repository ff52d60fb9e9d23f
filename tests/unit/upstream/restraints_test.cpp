#include "upstream/restraints.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

net::address_key address(std::uint32_t number) {
    const std::string text = "10." + std::to_string(number >> 16U & 255U) + "." +
                             std::to_string(number >> 8U & 255U) + "." +
                             std::to_string(number & 255U);
    return net::address_key_of(*net::socket_address::parse(text, 0));
}

client_id client(std::uint32_t number) { return {address(number), number}; }

restraints::decision address_limit(std::uint32_t most, std::uint32_t full, time_point until) {
    restraints::decision made;
    made.address = {most, full, until};
    return made;
}

restraints::decision connection_limit(std::uint32_t most, std::uint32_t full, time_point until) {
    restraints::decision made;
    made.connection = {most, full, until};
    return made;
}

share_board::entry heard(std::uint32_t number, time_point until, std::uint32_t full = 8) {
    share_board::entry one;
    one.address = address(number);
    one.most = 4;
    one.full = full;
    one.held_back_until = until;
    return one;
}

TEST(Restraints, AllowWhatIsBelowTheLimit) {
    restraints tested;
    tested.add(client(1), address_limit(4, 8, start + 10s));
    tested.add(client(2), connection_limit(4, 8, start + 10s));
    for (const std::uint32_t held : {3U, 4U, 5U}) {
        EXPECT_EQ(tested.allow_address(address(1), held, 8, start), held < 4) << held;
        EXPECT_EQ(tested.allow_connection(2, held, 8, start), held < 4) << held;
        EXPECT_TRUE(tested.allow_address(address(2), held, 8, start));
        EXPECT_TRUE(tested.allow_connection(1, held, 8, start));
    }
}

TEST(Restraints, AllowMoreOnceAQuarterIsFree) {
    restraints tested;
    tested.add(client(1), address_limit(4, 8, start + 10s));
    EXPECT_FALSE(tested.allow_address(address(1), 4, 6, start));
    EXPECT_TRUE(tested.allow_address(address(1), 4, 5, start));
}

TEST(Restraints, EndAtTheirTime) {
    restraints tested;
    tested.add(client(1), address_limit(4, 8, start + 10s));
    EXPECT_FALSE(tested.allow_address(address(1), 4, 8, start + 10s - 1ns));
    EXPECT_TRUE(tested.allow_address(address(1), 4, 8, start + 10s));
    tested.forget_expired(start + 10s - 1ns);
    EXPECT_FALSE(tested.empty());
    EXPECT_EQ(tested.full(), 8U);
    tested.forget_expired(start + 10s);
    EXPECT_TRUE(tested.empty());
    EXPECT_EQ(tested.full(), 0U);
}

TEST(Restraints, OfOtherWorkersReplaceWhatTheySaidBefore) {
    restraints tested;
    tested.hear({heard(1, start + 10s), heard(2, start)}, start);
    EXPECT_FALSE(tested.allow_address(address(1), 4, 8, start));
    EXPECT_TRUE(tested.allow_address(address(2), 4, 8, start));
    tested.hear({heard(2, start + 10s)}, start);
    EXPECT_TRUE(tested.allow_address(address(1), 4, 8, start));
    EXPECT_FALSE(tested.allow_address(address(2), 4, 8, start));
    tested.hear({}, start);
    EXPECT_TRUE(tested.empty());
}

// Two workers that repeat what they hear would remember it for ever.
TEST(Restraints, OfOtherWorkersAreNotToldAgain) {
    restraints first;
    restraints second;
    first.add(client(1), address_limit(4, 8, start + 10s));
    std::vector<share_board::entry> said;
    first.tell(said, start);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].most, 4U);
    EXPECT_EQ(said[0].full, 8U);
    EXPECT_EQ(said[0].held_back_until, start + 10s);
    second.hear(said, start);
    EXPECT_FALSE(second.allow_address(address(1), 4, 8, start));
    std::vector<share_board::entry> repeated;
    second.tell(repeated, start);
    EXPECT_TRUE(repeated.empty());
}

TEST(Restraints, ThatHaveExpiredAreNotTold) {
    restraints tested;
    tested.add(client(1), address_limit(4, 8, start));
    std::vector<share_board::entry> said;
    tested.tell(said, start - 1ns);
    EXPECT_EQ(said.size(), 1U);
    tested.tell(said, start);
    EXPECT_EQ(said.size(), 1U);
}

TEST(Restraints, KnowTheMostThatWasHeldWhileTheyLast) {
    restraints tested;
    tested.add(client(1), address_limit(4, 400, start + 1s));
    tested.add(client(2), connection_limit(4, 200, start + 10s));
    EXPECT_EQ(tested.full(), 400U);
    tested.forget_expired(start + 1s);
    EXPECT_EQ(tested.full(), 200U);
    tested.hear({heard(3, start + 2s, 300)}, start + 1s);
    EXPECT_EQ(tested.full(), 300U);
    tested.hear({}, start + 1s);
    EXPECT_EQ(tested.full(), 200U);
}

TEST(Restraints, AreAsManyAsTheyMayBe) {
    restraints tested;
    std::vector<share_board::entry> others;
    const auto limit = static_cast<std::uint32_t>(restraints::kept_max);
    for (std::uint32_t i = 0; i <= limit; ++i) {
        tested.add(client(i), address_limit(4, 8, start + 10s));
        tested.add(client(i), connection_limit(4, 8, start + 10s));
        others.push_back(heard(limit + 1 + i, start + 10s));
    }
    tested.hear(others, start);
    std::vector<share_board::entry> said;
    tested.tell(said, start);
    EXPECT_EQ(said.size(), restraints::kept_max);
    EXPECT_FALSE(tested.allow_address(address(limit - 1), 4, 8, start));
    EXPECT_TRUE(tested.allow_address(address(limit), 4, 8, start));
    EXPECT_FALSE(tested.allow_connection(limit - 1, 4, 8, start));
    EXPECT_TRUE(tested.allow_connection(limit, 4, 8, start));
    EXPECT_FALSE(tested.allow_address(address(2 * limit), 4, 8, start));
    EXPECT_TRUE(tested.allow_address(address(2 * limit + 1), 4, 8, start));
    // One that is known may still be changed.
    tested.add(client(0), address_limit(9, 8, start + 10s));
    EXPECT_TRUE(tested.allow_address(address(0), 8, 8, start));
}

}  // namespace
}  // namespace penstock::upstream
