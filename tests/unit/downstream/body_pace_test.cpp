#include "downstream/body_pace.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream {
namespace {

const time_point start{1000s};

// Waits `length` and then takes `count` bytes in.
bool wait_and_take(body_pace& pace, time_point& now, nanoseconds length, std::size_t count) {
    (void)pace.begin_wait(now);
    now += length;
    pace.end_wait(now);
    return pace.take_in(count, now);
}

TEST(BodyPace, GivesEachByteTheWholeIdleTime) {
    body_pace pace(30s);
    EXPECT_EQ(pace.begin_wait(start), start + 30s);
    pace.end_wait(start + 19s);
    EXPECT_TRUE(pace.take_in(1, start + 19s));
    EXPECT_EQ(pace.begin_wait(start + 40s), start + 70s);
}

// As over HTTP/2, where they come while somebody waits for them.
TEST(BodyPace, DoesNotAddTheWaitUpThatBytesHaveEnded) {
    body_pace pace(30s);
    EXPECT_EQ(pace.begin_wait(start), start + 30s);
    EXPECT_TRUE(pace.take_in(10'000, start + 19s));
    pace.end_wait(start + 19s);
    EXPECT_EQ(pace.begin_wait(start + 19s), start + 49s);
    // The time counts for the rate nevertheless.
    EXPECT_FALSE(pace.take_in(1, start + 39s));
}

TEST(BodyPace, AddsWaitsWithoutABytesUp) {
    body_pace pace(30s);
    (void)pace.begin_wait(start);
    pace.end_wait(start + 20s);
    EXPECT_EQ(pace.begin_wait(start + 100s), start + 110s);
    pace.end_wait(start + 120s);
    EXPECT_EQ(pace.begin_wait(start + 200s), start + 200s);
}

TEST(BodyPace, RefusesLessThanTheLeastRate) {
    for (const std::size_t each : {499U, 500U, 501U}) {
        body_pace pace(30s);
        time_point now = start;
        bool fast = true;
        for (int second = 0; second < 20; ++second)
            fast = wait_and_take(pace, now, 1s, each) && fast;
        EXPECT_EQ(fast, each >= 500) << each;
    }
}

// A gRPC call that is answered may have something to say now and then only.
TEST(BodyPace, OnceRelaxedLooksAtSilenceAlone) {
    body_pace pace(30s);
    time_point now = start;
    pace.relax();
    for (int second = 0; second < 60; ++second)
        ASSERT_TRUE(wait_and_take(pace, now, 1s, 1));
    EXPECT_EQ(pace.begin_wait(now), now + 30s);
}

TEST(BodyPace, JudgesNothingBeforeTheWindowIsFull) {
    body_pace pace(30s);
    time_point now = start;
    EXPECT_TRUE(wait_and_take(pace, now, 19s, 1));
    EXPECT_FALSE(wait_and_take(pace, now, 1s, 1));
}

TEST(BodyPace, BeginsAnewAfterEachWindow) {
    body_pace pace(30s);
    time_point now = start;
    EXPECT_TRUE(wait_and_take(pace, now, 20s, 100000));
    EXPECT_TRUE(wait_and_take(pace, now, 19s, 1));
    EXPECT_FALSE(wait_and_take(pace, now, 1s, 1));
}

TEST(BodyPace, IgnoresTimeInWhichNobodyWaited) {
    body_pace pace(30s);
    time_point now = start;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(wait_and_take(pace, now, 1ms, 1));
        now += 60s;
    }
}

}  // namespace
}  // namespace penstock::downstream
