#include "penstock/base/histogram.hpp"

namespace penstock {
namespace {

// Bucket 0 ends at 1 × 100 µs, 1 at 2 × 100 µs … 8 at 9 × 100 µs, 9 at 1 × 1 ms and so on.
constexpr auto bounds = [] {
    std::array<std::int64_t, histogram::buckets> made{};
    std::int64_t unit = histogram::smallest.count();
    std::size_t at = 0;
    for (std::size_t decade = 0; decade < histogram::decades; ++decade) {
        for (std::int64_t digit = 1; digit <= 9; ++digit)
            made[at++] = unit * digit;
        unit *= 10;
    }
    made[at] = nanoseconds::max().count();
    return made;
}();

}  // namespace

std::size_t histogram::bucket_of(nanoseconds value) noexcept {
    const std::int64_t wanted = value.count();
    std::size_t first = 0;
    for (std::size_t decade = 0; decade < decades && wanted > bounds[first + 8]; ++decade)
        first += 9;
    while (wanted > bounds[first])
        ++first;
    return first;
}

nanoseconds histogram::upper_bound(std::size_t bucket) noexcept {
    return nanoseconds(bounds[bucket]);
}

std::uint64_t histogram::totals::count() const noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t one : counts)
        all += one;
    return all;
}

void histogram::add_to(totals& into) const noexcept {
    for (std::size_t i = 0; i < buckets; ++i)
        into.counts[i] += counts_[i].load(std::memory_order_relaxed);
    into.sum_ns += sum_.load(std::memory_order_relaxed);
}

}  // namespace penstock
