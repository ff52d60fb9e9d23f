// Changes of counters that one thread writes and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace penstock::upstream {

inline void add(std::atomic<std::uint64_t>& to, std::uint64_t count = 1) noexcept {
    to.store(to.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

inline void subtract(std::atomic<std::uint64_t>& from, std::uint64_t count = 1) noexcept {
    from.store(from.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
}

}  // namespace penstock::upstream
