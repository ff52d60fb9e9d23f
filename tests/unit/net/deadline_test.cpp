#include "penstock/net/deadline.hpp"

#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace penstock::net {
namespace {

constexpr nanoseconds tick = deadline_wheel::tick;
constexpr nanoseconds round_time = tick * static_cast<std::int64_t>(deadline_wheel::slots);
// In the middle of a tick, far from a round number.
constexpr time_point start{std::chrono::hours(7) + 13ms};

class alarm final : public deadline {
 public:
    std::function<void()> then = [] {};
    int rung = 0;
    error why;

 private:
    void on_expire(error reason) noexcept override {
        ++rung;
        why = reason;
        // A copy, since it may destroy *this.
        const std::function<void()> run = then;
        run();
    }
};

TEST(DeadlineWheel, ExpiresOnceWithItsReason) {
    deadline_wheel wheel(start);
    alarm one;
    one.arm(wheel, start + 100ms, errc::head_timeout);
    EXPECT_TRUE(one.armed());
    EXPECT_EQ(one.at(), start + 100ms);
    EXPECT_EQ(wheel.advance(start + 99ms), 0U);
    EXPECT_EQ(wheel.advance(start + 200ms), 1U);
    EXPECT_EQ(one.rung, 1);
    EXPECT_EQ(one.why, errc::head_timeout);
    EXPECT_FALSE(one.armed());
    EXPECT_EQ(wheel.advance(start + 20s), 0U);
    EXPECT_EQ(wheel.size(), 0U);
}

// Every distance from "now" to beyond two rounds, at every phase of a tick.
TEST(DeadlineWheel, IsNeverEarlyAndLateByATickAtMost) {
    for (const nanoseconds phase :
         {nanoseconds(0), nanoseconds(1), tick / 2, tick - nanoseconds(1)}) {
        const time_point begin{std::chrono::hours(3) + phase};
        deadline_wheel wheel(begin);
        std::vector<std::unique_ptr<alarm>> all;
        for (nanoseconds after{0}; after < 2 * round_time + 5 * tick; after += 7 * tick / 3) {
            all.push_back(std::make_unique<alarm>());
            all.back()->arm(wheel, begin + after, errc::closed);
        }
        std::vector<time_point> due;
        for (const auto& one : all)
            due.push_back(one->at());
        for (time_point now = begin; now < begin + 3 * round_time; now += tick / 4) {
            wheel.advance(now);
            for (std::size_t i = 0; i < all.size(); ++i) {
                const bool rung = all[i]->rung > 0;
                ASSERT_FALSE(rung && due[i] > now) << i << " is early";
                ASSERT_TRUE(rung || now < due[i] + tick + tick / 4) << i << " is late";
            }
        }
    }
}

TEST(DeadlineWheel, TellsWhenToLookAgain) {
    for (nanoseconds after = 1ms; after < 2 * round_time; after += 37ms) {
        deadline_wheel wheel(start);
        EXPECT_EQ(wheel.next_visit(), never);
        alarm one;
        one.arm(wheel, start + after, errc::closed);
        // Following next_visit alone, as the loop does, meets the deadline in time.
        time_point now = start;
        int visits = 0;
        while (one.rung == 0 && visits < 10) {
            ASSERT_GT(wheel.next_visit(), now);
            now = wheel.next_visit();
            wheel.advance(now);
            ++visits;
        }
        ASSERT_EQ(one.rung, 1);
        EXPECT_GE(now, start + after);
        EXPECT_LE(now, start + after + tick);
        EXPECT_LE(visits, 3);
    }
}

TEST(DeadlineWheel, IsAStoreWhenPutOff) {
    deadline_wheel wheel(start);
    alarm one;
    one.arm(wheel, start + 50ms, errc::closed);
    for (int i = 1; i <= 100; ++i) {
        const time_point now = start + i * 30ms;
        one.arm(wheel, now + 50ms, errc::body_timeout);
        EXPECT_EQ(wheel.advance(now), 0U);
        EXPECT_EQ(wheel.size(), 1U);
    }
    EXPECT_EQ(wheel.advance(start + 100 * 30ms + 100ms), 1U);
    EXPECT_EQ(one.why, errc::body_timeout);
}

TEST(DeadlineWheel, MovesAnEntryThatIsDueEarlier) {
    deadline_wheel wheel(start);
    alarm one;
    one.arm(wheel, start + 60s, errc::closed);
    one.arm(wheel, start + 40ms, errc::head_timeout);
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_EQ(wheel.advance(start + 80ms), 1U);
    EXPECT_EQ(one.why, errc::head_timeout);
}

TEST(DeadlineWheel, ForgetsWhatIsDisarmed) {
    deadline_wheel wheel(start);
    alarm one;
    one.arm(wheel, start + 40ms, errc::closed);
    one.disarm();
    EXPECT_FALSE(one.armed());
    EXPECT_EQ(wheel.advance(start + 100ms), 0U);
    EXPECT_EQ(wheel.size(), 0U);
    one.arm(wheel, start + 200ms, errc::closed);
    one.disarm();
    one.arm(wheel, start + 220ms, errc::closed);
    EXPECT_EQ(wheel.advance(start + 260ms), 1U);
}

TEST(DeadlineWheel, TakesADeadlineOfThePast) {
    deadline_wheel wheel(start);
    wheel.advance(start + 1s);
    alarm one;
    one.arm(wheel, start, errc::closed);
    EXPECT_EQ(wheel.advance(start + 1s + tick), 1U);
}

TEST(DeadlineWheel, VisitsEverythingAfterALongSleep) {
    deadline_wheel wheel(start);
    std::vector<std::unique_ptr<alarm>> all;
    for (int i = 0; i < 1000; ++i) {
        all.push_back(std::make_unique<alarm>());
        all.back()->arm(wheel, start + i * 33ms, errc::closed);
    }
    alarm far;
    far.arm(wheel, start + std::chrono::hours(10), errc::closed);
    EXPECT_EQ(wheel.advance(start + std::chrono::hours(9)), 1000U);
    EXPECT_EQ(far.rung, 0);
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_EQ(wheel.advance(start + std::chrono::hours(10) + tick), 1U);
}

TEST(DeadlineWheel, IgnoresATimeThatWentBack) {
    deadline_wheel wheel(start);
    alarm one;
    one.arm(wheel, start + 100ms, errc::closed);
    wheel.advance(start + 50ms);
    EXPECT_EQ(wheel.advance(start - 1s), 0U);
    EXPECT_EQ(wheel.advance(start + 150ms), 1U);
}

TEST(Deadline, LeavesTheWheelWhenDestroyed) {
    deadline_wheel wheel(start);
    {
        alarm one;
        one.arm(wheel, start + 40ms, errc::closed);
        EXPECT_EQ(wheel.size(), 1U);
    }
    EXPECT_EQ(wheel.size(), 0U);
    EXPECT_EQ(wheel.next_visit(), never);
    EXPECT_EQ(wheel.advance(start + 1s), 0U);
}

TEST(Deadline, MayDestroyItselfAndItsNeighbours) {
    deadline_wheel wheel(start);
    std::vector<std::unique_ptr<alarm>> all;
    int expired = 0;
    for (int i = 0; i < 8; ++i) {
        all.push_back(std::make_unique<alarm>());
        all.back()->arm(wheel, start + 40ms, errc::closed);
        all.back()->then = [&] {
            ++expired;
            all.clear();
        };
    }
    EXPECT_EQ(wheel.advance(start + 100ms), 1U);
    EXPECT_EQ(expired, 1);
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(Deadline, MayBeArmedAgainWhileItExpires) {
    deadline_wheel wheel(start);
    alarm one;
    one.then = [&] { one.arm(wheel, start, errc::closed); };
    one.arm(wheel, start + 40ms, errc::closed);
    // Armed for the past it rings with the next tick, not for ever within this one.
    EXPECT_EQ(wheel.advance(start + 100ms), 1U);
    EXPECT_EQ(wheel.advance(start + 100ms + tick), 1U);
    EXPECT_EQ(one.rung, 2);
    one.then = [] {};
    EXPECT_EQ(wheel.advance(start + 30s), 1U);
}

}  // namespace
}  // namespace penstock::net
