#include "downstream/body_pace.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream {
namespace {

const time_point start{1000s};

// Waits `length` and then takes `count` bytes in.
void wait_and_take(body_pace& pace, time_point& now, nanoseconds length, std::size_t count) {
    (void)pace.begin_wait(now);
    now += length;
    pace.end_wait(now);
    pace.take_in(count, now);
}

TEST(BodyPace, GivesEachByteTheWholeIdleTime) {
    body_pace pace(30s);
    EXPECT_EQ(pace.begin_wait(start), start + 30s);
    pace.end_wait(start + 19s);
    pace.take_in(1, start + 19s);
    EXPECT_EQ(pace.begin_wait(start + 40s), start + 70s);
}

// As over HTTP/2, where they come while somebody waits for them.
TEST(BodyPace, DoesNotAddTheWaitUpThatBytesHaveEnded) {
    body_pace pace(30s);
    EXPECT_EQ(pace.begin_wait(start), start + 30s);
    pace.take_in(10'000, start + 19s);
    pace.end_wait(start + 19s);
    EXPECT_EQ(pace.begin_wait(start + 19s), start + 49s);
    // The time counts for the rate nevertheless.
    pace.take_in(0, start + 39s);
    EXPECT_EQ(pace.rate(start + 39s), 256U);
}

TEST(BodyPace, AddsWaitsWithoutABytesUp) {
    body_pace pace(30s);
    (void)pace.begin_wait(start);
    pace.end_wait(start + 20s);
    EXPECT_EQ(pace.begin_wait(start + 100s), start + 110s);
    pace.end_wait(start + 120s);
    EXPECT_EQ(pace.begin_wait(start + 200s), start + 200s);
}

TEST(BodyPace, MeasuresEachWindow) {
    for (const std::size_t each : {499U, 500U, 501U}) {
        body_pace pace(30s);
        time_point now = start;
        for (int second = 0; second < 20; ++second)
            wait_and_take(pace, now, 1s, each);
        EXPECT_EQ(pace.rate(now), each);
    }
}

// Also while it is waited for, and nothing comes.
TEST(BodyPace, MeasuresSilence) {
    body_pace pace(60s);
    (void)pace.begin_wait(start);
    EXPECT_EQ(pace.rate(start + 20s - 1ns), std::nullopt);
    EXPECT_EQ(pace.rate(start + 20s), 0U);
    EXPECT_EQ(pace.rate(start + 40s), 0U);
}

// A gRPC call that is answered may have something to say now and then only.
TEST(BodyPace, OnceRelaxedLooksAtSilenceAlone) {
    body_pace pace(30s);
    time_point now = start;
    pace.relax();
    for (int second = 0; second < 60; ++second)
        wait_and_take(pace, now, 1s, 1);
    EXPECT_EQ(pace.rate(now), std::nullopt);
    EXPECT_EQ(pace.begin_wait(now), now + 30s);
}

TEST(BodyPace, MeasuresNothingBeforeTheWindowIsFull) {
    body_pace pace(30s);
    time_point now = start;
    wait_and_take(pace, now, 19s, 1);
    EXPECT_EQ(pace.rate(now), std::nullopt);
    wait_and_take(pace, now, 1s, 1);
    EXPECT_EQ(pace.rate(now), 0U);
}

// The latest window counts, until the present one is better already.
TEST(BodyPace, BeginsAgainAfterEachWindow) {
    body_pace pace(30s);
    time_point now = start;
    wait_and_take(pace, now, 20s, 100'000);
    EXPECT_EQ(pace.rate(now), 5'000U);
    wait_and_take(pace, now, 19s, 1);
    EXPECT_EQ(pace.rate(now), 5'000U);
    wait_and_take(pace, now, 1s, 1);
    EXPECT_EQ(pace.rate(now), 0U);
    wait_and_take(pace, now, 1s, 20'000);
    EXPECT_EQ(pace.rate(now), 1'000U);
}

TEST(BodyPace, IgnoresTimeInWhichNobodyWaited) {
    body_pace pace(30s);
    time_point now = start;
    for (int i = 0; i < 100; ++i) {
        wait_and_take(pace, now, 1ms, 1);
        now += 60s;
    }
    EXPECT_EQ(pace.rate(now), std::nullopt);
}

}  // namespace
}  // namespace penstock::downstream
