#include "http/h2_narrow_period.hpp"

#include <gtest/gtest.h>

namespace penstock::http {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

// How long a period that began at `at` is.
nanoseconds length(const h2_narrow_period& of, time_point at) {
    for (nanoseconds each = 0ms; each <= 2 * h2_narrow_period::most; each += 1ms) {
        if (of.over(at + each))
            return each;
    }
    return -1ms;
}

TEST(H2NarrowPeriod, IsOverAtFirst) {
    const h2_narrow_period tested;
    EXPECT_TRUE(tested.over(start));
    EXPECT_TRUE(tested.long_past(start));
}

TEST(H2NarrowPeriod, DoublesUpToTheMost) {
    h2_narrow_period tested;
    time_point now = start;
    for (const nanoseconds expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        tested.extend(now, true);
        EXPECT_EQ(length(tested, now), expected);
        now += h2_narrow_period::most - 1ns;
    }
}

TEST(H2NarrowPeriod, IsShortAgainAfterAQuietTime) {
    h2_narrow_period tested;
    tested.extend(start, true);
    tested.extend(start + 60ms, true);
    EXPECT_EQ(length(tested, start + 60ms), 100ms);
    const time_point later = start + 60ms + h2_narrow_period::most;
    EXPECT_FALSE(tested.long_past(later - 1ns));
    EXPECT_TRUE(tested.long_past(later));
    tested.extend(later, true);
    EXPECT_EQ(length(tested, later), h2_narrow_period::least);
}

TEST(H2NarrowPeriod, LastsFromWhenRoomWasLastWanting) {
    h2_narrow_period tested;
    tested.extend(start, true);
    tested.extend(start + 40ms, false);
    EXPECT_FALSE(tested.over(start + 50ms));
    EXPECT_TRUE(tested.over(start + 90ms));
}

}  // namespace
}  // namespace penstock::http
