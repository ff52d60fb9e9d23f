#include "upstream/pool.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <utility>
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

// An idle period that ended at `end` after `age`.
idle_period idled(nanoseconds age, time_point end) { return {end - age, end}; }

// Closes of one connection after the other; returns when the last one was.
time_point close_in_turn(idle_age& of, const std::vector<nanoseconds>& ages,
                         time_point at = start) {
    for (const nanoseconds age : ages) {
        at += age + 1ms;
        of.closed(idled(age, at), at);
    }
    return at;
}

// Connections that are seen to be open after `age`, one after the other.
time_point outlive_in_turn(idle_age& of, nanoseconds age, std::size_t times, time_point at) {
    for (std::size_t i = 0; i < times; ++i) {
        at += age + 1ms;
        of.outlived(idled(age, at));
    }
    return at;
}

TEST(IdleAge, IsTheLimitWhileNothingIsKnown) {
    const idle_age tested;
    EXPECT_EQ(tested.usable(90s), 90s);
    EXPECT_EQ(tested.safe(90s, start), 90s);
}

TEST(IdleAge, StaysBelowWhatTheOriginAnnounced) {
    idle_age tested;
    const std::vector<std::pair<std::chrono::seconds, nanoseconds>> cases{
        {5s, 4500ms}, {60s, 59s}, {600s, 90s}, {0s, 0s}};
    for (const auto& [announced, expected] : cases) {
        tested.announced(announced);
        EXPECT_EQ(tested.usable(90s), expected);
        EXPECT_EQ(tested.safe(90s, start), expected);
    }
}

TEST(IdleAge, LearnsFromTwoClosesAtOneAge) {
    idle_age tested;
    tested.closed(idled(5100ms, start), start);
    EXPECT_EQ(tested.safe(90s, start), 90s);
    tested.closed(idled(5s, start + 10s), start + 10s);
    EXPECT_EQ(tested.safe(90s, start + 10s), 4500ms);
    // What can be repeated may go on to find out.
    EXPECT_EQ(tested.usable(90s), 90s);
}

TEST(IdleAge, LearnsFromTwoClosesOneSoonAfterTheOther) {
    idle_age tested;
    time_point now = close_in_turn(tested, {2ms, 4ms});
    EXPECT_EQ(tested.safe(90s, now), 0s);
    // Else each of them may have been a restart.
    idle_age other;
    now = close_in_turn(other, {2ms});
    now = close_in_turn(other, {4ms}, now + idle_age::restarts_apart);
    EXPECT_EQ(other.safe(90s, now), 90s);
}

TEST(IdleAge, LearnsFromThreeClosesAtAnyScaleOfTime) {
    for (const milliseconds age : {5ms, 20ms, 200ms, 1000ms, 75'000ms}) {
        idle_age tested;
        const time_point now = close_in_turn(tested, {age, age * 21 / 20, age});
        EXPECT_LT(tested.safe(90s, now), age);
        // As long as a request may be on its way, no connection is young enough.
        EXPECT_EQ(tested.safe(90s, now) > age / 2, age > idle_age::flight) << age.count();
    }
}

TEST(IdleAge, IgnoresClosesOfEveryAgeAsOfARestart) {
    idle_age tested;
    for (const milliseconds age : {20ms, 20ms, 1500ms, 40000ms, 3000ms, 999ms, 999ms}) {
        tested.closed(idled(age, start), start);
    }
    EXPECT_EQ(tested.safe(90s, start), 90s);
    // Those whose requests were on their way had idled before.
    for (int i = 1; i < 8; ++i)
        tested.closed({start - i * 1ms, start - i * 900us}, start);
    EXPECT_EQ(tested.safe(90s, start), 90s);
}

TEST(IdleAge, IsNotLedAstrayByOneRestart) {
    idle_age tested;
    const time_point now = close_in_turn(tested, {60s, 60s, 60s, 30ms, 60s});
    EXPECT_EQ(tested.safe(90s, now), 59s);
}

// Whatever its luck: what an origin that may leave at any moment gets is fresh.
TEST(IdleAge, TrustsNoConnectionOfAnOriginThatLeavesAtAnyMoment) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        std::uniform_int_distribution<int> patience(0, 5000);
        idle_age tested;
        time_point now = start;
        for (int i = 0; i < 300; ++i) {
            const std::chrono::microseconds age(patience(random));
            now += age;
            // Half of them are seen to be alive meanwhile, as late as can be.
            if (i % 2 == 0)
                tested.outlived(idled(age, now));
            tested.closed(idled(age, now), now);
            if (i >= 10) {
                ASSERT_EQ(tested.safe(90s, now), 0ms) << seed << ' ' << i;
            }
            now += 300us;
        }
    }
}

// The same at another scale, where a few closes in a row may look regular.
TEST(IdleAge, SeldomTrustsAConnectionOfAnIrregularOrigin) {
    constexpr int closes = 20'000;
    std::mt19937 random(1);
    std::uniform_int_distribution<int> patience(0, 50);
    idle_age tested;
    time_point now = start;
    int trusted = 0;
    for (int i = 0; i < closes; ++i) {
        now += 1ms;
        const milliseconds age(patience(random));
        now += age;
        tested.closed(idled(age, now), now);
        trusted += tested.safe(90s, now) > 5ms ? 1 : 0;
    }
    EXPECT_LT(trusted, closes / 20);
}

TEST(IdleAge, KeepsItsDistanceAsTheOriginIsIrregular) {
    idle_age tested;
    time_point now = close_in_turn(tested, {2s, 4s, 6s, 8s, 10s, 12s, 14s, 16s});
    EXPECT_EQ(tested.safe(90s, now), 0s);
    now = close_in_turn(tested, {10s, 11s, 10s, 11s, 10s, 11s, 10s, 11s}, now);
    EXPECT_EQ(tested.safe(90s, now), 7200ms);
}

TEST(IdleAge, FollowsAnOriginThatIsConfiguredAnew) {
    idle_age tested;
    time_point now = close_in_turn(tested, std::vector<nanoseconds>(8, 60s));
    now = close_in_turn(tested, {20ms, 20ms}, now);
    EXPECT_LT(tested.safe(90s, now), 20ms);
    now = close_in_turn(tested, std::vector<nanoseconds>(6, 20ms), now);
    EXPECT_EQ(tested.safe(90s, now), 15ms);
    // To a longer time, which connections that live on show first.
    now = outlive_in_turn(tested, 500ms, idle_age::closes_max * idle_age::outlivers, now);
    EXPECT_FALSE(tested.suspects());
    now = close_in_turn(tested, {60s, 60s, 60s}, now);
    EXPECT_EQ(tested.safe(90s, now), 59s);
}

TEST(IdleAge, IsUnlearntFromConnectionsThatLiveOn) {
    idle_age tested;
    time_point now = close_in_turn(tested, {3ms, 5ms, 1ms, 4ms, 2ms});
    EXPECT_EQ(tested.safe(90s, now), 0ms);
    // No longer than some have been seen to.
    now = outlive_in_turn(tested, 8ms, 100, now);
    EXPECT_EQ(tested.safe(90s, now), 0ms);
    // Of those that idle at the same time one counts.
    now += 50ms;
    for (int i = 0; i < 100; ++i)
        tested.outlived(idled(30ms, now));
    EXPECT_EQ(tested.safe(90s, now), 0ms);
    // As many as it takes until one close is left.
    now = outlive_in_turn(tested, 30ms, 4 * idle_age::outlivers - 2, now);
    EXPECT_EQ(tested.safe(90s, now), 0ms);
    now = outlive_in_turn(tested, 30ms, 1, now);
    EXPECT_EQ(tested.safe(90s, now), 90s);
}

TEST(IdleAge, IsNotUnlearntWhileTheOriginGoesOnClosing) {
    idle_age tested;
    time_point now = close_in_turn(tested, {1ms, 1ms, 1ms, 1ms});
    for (int i = 0; i < 100; ++i) {
        now = outlive_in_turn(tested, 300ms, idle_age::outlivers - 1, now);
        now = close_in_turn(tested, {1ms}, now);
        ASSERT_EQ(tested.safe(90s, now), 0ms) << i;
    }
}

TEST(IdleAge, StrayClosesFarApartDoNotAddUp) {
    idle_age tested;
    time_point now = start;
    for (int i = 0; i < 5; ++i) {
        now = close_in_turn(tested, {10ms + i * 100ms}, now);
        EXPECT_EQ(tested.safe(90s, now), 90s);
        now = outlive_in_turn(tested, 20s, idle_age::outlivers, now);
        EXPECT_FALSE(tested.suspects());
    }
}

TEST(IdleAge, ForgetsWhatItObserved) {
    idle_age tested;
    const time_point now = close_in_turn(tested, {10s, 10s});
    EXPECT_EQ(tested.safe(90s, now), 9s);
    const time_point first = start + 10s + 1ms;
    EXPECT_EQ(tested.safe(90s, first + idle_age::observed_for - 1ns), 9s);
    EXPECT_EQ(tested.safe(90s, first + idle_age::observed_for), 90s);
}

TEST(IdleAge, TakesTheShorterOfAnnouncedAndObserved) {
    idle_age tested;
    tested.announced(60s);
    const time_point now = close_in_turn(tested, {10s, 10s});
    EXPECT_EQ(tested.safe(90s, now), 9s);
    EXPECT_EQ(tested.usable(90s), 59s);
    tested.announced(5s);
    EXPECT_EQ(tested.safe(90s, now), 4500ms);
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
