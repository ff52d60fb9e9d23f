// Counters with a single writer: a plain add, readable from the scraper's thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace penstock::downstream {

inline void add(std::atomic<std::uint64_t>& to, std::uint64_t count = 1) noexcept {
    to.store(to.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

inline void subtract(std::atomic<std::uint64_t>& from) noexcept {
    from.store(from.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

}  // namespace penstock::downstream
