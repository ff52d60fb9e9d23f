#include "penstock/net/deadline_turn.hpp"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds longest = deadline_turn::time_max / 4;  // what one turn counts for

// After how many turns that leave something to do deadlines are judged.
int turns_until_judged(deadline_turn& tested, nanoseconds busy) {
    for (int turn = 1; turn <= 2 * deadline_turn::turns_max; ++turn) {
        if (tested.ends(false, busy))
            return turn;
    }
    return 0;
}

TEST(DeadlineTurn, EndsWithATurnThatLeavesNothing) {
    deadline_turn tested;
    EXPECT_TRUE(tested.ends(true, 1us));
    EXPECT_FALSE(tested.ends(false, 1us));
    EXPECT_TRUE(tested.ends(true, 1us));
}

TEST(DeadlineTurn, WaitsForSoManyTurnsAtMost) {
    deadline_turn tested;
    EXPECT_EQ(turns_until_judged(tested, 1us), deadline_turn::turns_max);
    EXPECT_EQ(turns_until_judged(tested, 1us), deadline_turn::turns_max);
}

TEST(DeadlineTurn, WaitsForSoMuchWorkAtMost) {
    deadline_turn tested;
    EXPECT_EQ(turns_until_judged(tested, longest), 4);
    EXPECT_EQ(turns_until_judged(tested, longest - 1ns), 5);
    EXPECT_EQ(turns_until_judged(tested, longest / 2), 8);
}

// Whatever stopped the process within a turn, three more are left to read what came meanwhile.
TEST(DeadlineTurn, OneLongTurnIsNotTheWholeWait) {
    deadline_turn tested;
    EXPECT_EQ(turns_until_judged(tested, 1h), 4);
}

TEST(DeadlineTurn, StartsAgainOnceItHasEnded) {
    deadline_turn tested;
    EXPECT_FALSE(tested.ends(false, longest));
    EXPECT_FALSE(tested.ends(false, longest));
    EXPECT_FALSE(tested.ends(false, longest));
    EXPECT_TRUE(tested.ends(true, longest));
    EXPECT_EQ(turns_until_judged(tested, longest), 4);
}

}  // namespace
}  // namespace penstock::net
