// A histogram of durations: one writer, any number of readers, no lock, tens of nanoseconds an
// observation. Buckets are log-linear, nine to a decade from 100 µs on, so that the bounds that
// /metrics shows (1, 2, 5 to a decade) are exact bounds and not estimates.
#pragma once

#include "penstock/base/clock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace penstock {

class histogram {
 public:
    static constexpr std::size_t decades = 6;                // 100 µs … 100 s
    static constexpr std::size_t buckets = decades * 9 + 1;  // the last takes what is above
    static constexpr nanoseconds smallest = 100us;           // upper bound of the first bucket

    // The bucket of a duration: the first whose upper bound is not below it.
    [[nodiscard]] static std::size_t bucket_of(nanoseconds value) noexcept;
    // Upper bound, inclusive; the last bucket has none and gives nanoseconds::max().
    [[nodiscard]] static nanoseconds upper_bound(std::size_t bucket) noexcept;

    void observe(nanoseconds value) noexcept {
        add(counts_[bucket_of(value)], 1);
        add(sum_, static_cast<std::uint64_t>(value.count() > 0 ? value.count() : 0));
    }

    // What several workers counted, added up by the reader.
    struct totals {
        std::array<std::uint64_t, buckets> counts{};
        std::uint64_t sum_ns = 0;
        [[nodiscard]] std::uint64_t count() const noexcept;
    };
    void add_to(totals& into) const noexcept;

 private:
    static void add(std::atomic<std::uint64_t>& to, std::uint64_t by) noexcept {
        to.store(to.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    std::array<std::atomic<std::uint64_t>, buckets> counts_{};
    std::atomic<std::uint64_t> sum_{0};
};

}  // namespace penstock
