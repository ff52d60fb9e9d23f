#include "upstream/pool.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace penstock::upstream {
namespace {

constexpr time_point start{std::chrono::hours(1)};

TEST(Place, CountsUpToItsCap) {
    std::atomic<std::uint32_t> count{0};
    place first = place::try_take(count, 2);
    place second = place::try_take(count, 2);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_FALSE(place::try_take(count, 2));
    second.release();
    EXPECT_EQ(count.load(), 1U);
    EXPECT_TRUE(place::try_take(count, 2));
    EXPECT_EQ(count.load(), 1U);
}

TEST(Place, IsGivenBackOnceHoweverItMoves) {
    std::atomic<std::uint32_t> count{0};
    {
        place first = place::try_take(count, 5);
        place second = std::move(first);
        place third;
        third = std::move(second);
        EXPECT_EQ(count.load(), 1U);
        third = place::try_take(count, 5);
        EXPECT_EQ(count.load(), 1U);
    }
    EXPECT_EQ(count.load(), 0U);
}

TEST(Place, IsExactOverThreads) {
    std::atomic<std::uint32_t> count{0};
    std::atomic<bool> over{false};
    const auto work = [&] {
        for (int i = 0; i < 20000; ++i) {
            const place held = place::try_take(count, 3);
            if (count.load() > 3)
                over = true;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back(work);
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_FALSE(over);
    EXPECT_EQ(count.load(), 0U);
}

TEST(IdleAge, IsTheLimitWhileNothingIsKnown) {
    const idle_age tested;
    EXPECT_EQ(tested.usable(90s, start), 90s);
}

TEST(IdleAge, StaysBelowWhatTheOriginAnnounced) {
    idle_age tested;
    tested.announced(5s);
    EXPECT_EQ(tested.usable(90s, start), 4500ms);
    tested.announced(60s);
    EXPECT_EQ(tested.usable(90s, start), 59s);
    tested.announced(600s);
    EXPECT_EQ(tested.usable(90s, start), 90s);
    tested.announced(0s);
    EXPECT_EQ(tested.usable(90s, start), 0s);
}

TEST(IdleAge, LearnsFromTwoClosesAtOneAge) {
    idle_age tested;
    tested.closed(5100ms, start);
    EXPECT_EQ(tested.usable(90s, start), 90s);
    tested.closed(5s, start + 10s);
    EXPECT_EQ(tested.usable(90s, start + 10s), 4500ms);
}

TEST(IdleAge, IgnoresClosesOfEveryAgeAsOfARestart) {
    idle_age tested;
    for (const milliseconds age : {20ms, 20ms, 1500ms, 40000ms, 3000ms, 999ms, 999ms}) {
        tested.closed(age, start);
    }
    EXPECT_EQ(tested.usable(90s, start), 90s);
}

TEST(IdleAge, ForgetsWhatItObserved) {
    idle_age tested;
    tested.closed(10s, start);
    tested.closed(10s, start);
    EXPECT_EQ(tested.usable(90s, start + idle_age::observed_for - 1ns), 9s);
    EXPECT_EQ(tested.usable(90s, start + idle_age::observed_for), 90s);
}

TEST(IdleAge, TakesTheShorterOfAnnouncedAndObserved) {
    idle_age tested;
    tested.announced(60s);
    tested.closed(10s, start);
    tested.closed(10s, start);
    EXPECT_EQ(tested.usable(90s, start), 9s);
}

TEST(FreedDecision, ServesThisWorkerFirst) {
    freed_decision tested;
    EXPECT_EQ(tested.decide(false, false), freed_use::idle);
    EXPECT_EQ(tested.decide(true, false), freed_use::local);
    EXPECT_EQ(tested.decide(true, true), freed_use::local);
    EXPECT_EQ(tested.decide(false, true), freed_use::other);
}

TEST(FreedDecision, LetsNoOtherWorkerStarve) {
    freed_decision tested;
    for (std::uint32_t i = 0; i < freed_decision::local_run_max; ++i) {
        EXPECT_EQ(tested.decide(true, true), freed_use::local);
    }
    EXPECT_EQ(tested.decide(true, true), freed_use::other);
    EXPECT_EQ(tested.decide(true, true), freed_use::local);
}

}  // namespace
}  // namespace penstock::upstream
