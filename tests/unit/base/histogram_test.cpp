#include "penstock/base/histogram.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace penstock {
namespace {

constexpr std::size_t last_bucket = histogram::buckets - 1;

histogram::totals totals_of(const histogram& from) {
    histogram::totals all;
    from.add_to(all);
    return all;
}

TEST(Histogram, HasNineBoundsToADecade) {
    EXPECT_EQ(histogram::upper_bound(0), 100us);
    EXPECT_EQ(histogram::upper_bound(1), 200us);
    EXPECT_EQ(histogram::upper_bound(8), 900us);
    EXPECT_EQ(histogram::upper_bound(9), 1ms);
    EXPECT_EQ(histogram::upper_bound(10), 2ms);
    EXPECT_EQ(histogram::upper_bound(36), 1s);
    EXPECT_EQ(histogram::upper_bound(50), 60s);
    EXPECT_EQ(histogram::upper_bound(53), 90s);
    EXPECT_EQ(histogram::upper_bound(last_bucket), nanoseconds::max());
}

TEST(Histogram, PutsADurationBelowTheFirstBoundThatIsNotLess) {
    for (std::size_t i = 0; i < last_bucket; ++i) {
        const nanoseconds bound = histogram::upper_bound(i);
        EXPECT_EQ(histogram::bucket_of(bound - 1ns), i) << i;
        EXPECT_EQ(histogram::bucket_of(bound), i) << i;
        EXPECT_EQ(histogram::bucket_of(bound + 1ns), i + 1) << i;
        EXPECT_LT(bound, histogram::upper_bound(i + 1)) << i;
    }
}

TEST(Histogram, TakesTheSmallestAndTheLargest) {
    EXPECT_EQ(histogram::bucket_of(0ns), 0U);
    EXPECT_EQ(histogram::bucket_of(-1ns), 0U);
    EXPECT_EQ(histogram::bucket_of(nanoseconds::min()), 0U);
    EXPECT_EQ(histogram::bucket_of(24h), last_bucket);
    EXPECT_EQ(histogram::bucket_of(nanoseconds::max()), last_bucket);
}

TEST(Histogram, HoldsNothingAtFirst) {
    const histogram::totals all = totals_of(histogram());
    EXPECT_EQ(all.count(), 0U);
    EXPECT_EQ(all.sum_ns, 0U);
}

TEST(Histogram, CountsAndSums) {
    histogram times;
    times.observe(50us);
    times.observe(100us);
    times.observe(3ms);
    times.observe(2h);
    const histogram::totals all = totals_of(times);
    EXPECT_EQ(all.count(), 4U);
    EXPECT_EQ(all.counts[0], 2U);
    EXPECT_EQ(all.counts[histogram::bucket_of(3ms)], 1U);
    EXPECT_EQ(all.counts[last_bucket], 1U);
    EXPECT_EQ(all.sum_ns, static_cast<std::uint64_t>(nanoseconds(2h + 3ms + 150us).count()));
}

TEST(Histogram, CountsATimeBelowZeroAsNoTime) {
    histogram times;
    times.observe(-5s);
    times.observe(1us);
    const histogram::totals all = totals_of(times);
    EXPECT_EQ(all.counts[0], 2U);
    EXPECT_EQ(all.sum_ns, 1000U);
}

TEST(Histogram, AddsUpOverWorkers) {
    histogram one;
    histogram other;
    one.observe(1ms);
    other.observe(1ms);
    other.observe(7s);
    histogram::totals all;
    one.add_to(all);
    other.add_to(all);
    EXPECT_EQ(all.count(), 3U);
    EXPECT_EQ(all.counts[histogram::bucket_of(1ms)], 2U);
    EXPECT_EQ(all.sum_ns, static_cast<std::uint64_t>(nanoseconds(7s + 2ms).count()));
}

TEST(Histogram, IsReadWhileItIsWritten) {
    constexpr std::uint64_t count = 20000;
    histogram times;
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < count; ++i)
            times.observe(nanoseconds(i * 1000));
        done = true;
    });
    std::uint64_t before = 0;
    while (!done) {
        const std::uint64_t now = totals_of(times).count();
        EXPECT_GE(now, before);
        before = now;
    }
    writer.join();
    EXPECT_EQ(totals_of(times).count(), count);
    EXPECT_EQ(totals_of(times).sum_ns, count * (count - 1) / 2 * 1000);
}

}  // namespace
}  // namespace penstock
