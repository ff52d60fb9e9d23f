// Counters found by a 64-bit key that is made of label values: one writer, any number of readers,
// no lock and no allocation after construction. The table never grows, so whatever clients send,
// the number of series stays bounded; what finds no room is counted under `overflow_key`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace penstock {

class counter_table {
 public:
    static constexpr std::uint64_t overflow_key = ~std::uint64_t{0};

    // `capacity` is a power of two, at least 4; three quarters of it hold series.
    explicit counter_table(std::size_t capacity);

    // A key is never ~0 - 1 (the mark of a free slot).
    void add(std::uint64_t key, std::uint64_t by = 1) noexcept;

    // Calls visit(key, value) for each counter, from any thread.
    template <class Visit>
    void each(Visit visit) const {
        for (std::size_t i = 0; i < capacity_; ++i) {
            const std::uint64_t key = slots_[i].key.load(std::memory_order_acquire);
            if (key != free_key)
                visit(key, slots_[i].value.load(std::memory_order_relaxed));
        }
        const std::uint64_t lost = overflow_.load(std::memory_order_relaxed);
        if (lost > 0)
            visit(overflow_key, lost);
    }
    [[nodiscard]] std::size_t size() const noexcept { return used_; }  // by the writer only

 private:
    static constexpr std::uint64_t free_key = overflow_key - 1;
    struct slot {
        std::atomic<std::uint64_t> key{free_key};
        std::atomic<std::uint64_t> value{0};
    };
    [[nodiscard]] std::atomic<std::uint64_t>& find(std::uint64_t key) noexcept;

    std::size_t capacity_;
    std::unique_ptr<slot[]> slots_;
    std::size_t used_ = 0;
    std::atomic<std::uint64_t> overflow_{0};
};

}  // namespace penstock
