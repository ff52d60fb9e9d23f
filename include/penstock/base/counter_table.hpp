// Counters found by a 64-bit key that is made of label values: one writer, any number of readers,
// no lock and no allocation after construction. The table never grows, so whatever clients send,
// the number of series stays bounded; a key that finds no room is counted under a coarse one, which
// tells less apart, and for which room is kept.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace penstock {

class counter_table {
 public:
    // `capacity` is a power of two, at least 16; three quarters of it hold series, and an eighth
    // those of coarse keys.
    explicit counter_table(std::size_t capacity);

    // No key is ~0, the mark of a free slot. There are at most `coarse_max` coarse keys.
    void add(std::uint64_t key, std::uint64_t coarse, std::uint64_t by = 1) noexcept;
    [[nodiscard]] std::size_t coarse_max() const noexcept { return capacity_ / 8; }

    // Calls visit(key, value) for each counter, from any thread.
    template <class Visit>
    void each(Visit visit) const {
        for (std::size_t i = 0; i < capacity_; ++i) {
            const std::uint64_t key = slots_[i].key.load(std::memory_order_acquire);
            if (key != free_key)
                visit(key, slots_[i].value.load(std::memory_order_relaxed));
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return used_; }  // by the writer only

 private:
    static constexpr std::uint64_t free_key = ~std::uint64_t{0};
    struct slot {
        std::atomic<std::uint64_t> key{free_key};
        std::atomic<std::uint64_t> value{0};
    };
    // Null if it is not there and `room` series are.
    [[nodiscard]] std::atomic<std::uint64_t>* find(std::uint64_t key, std::size_t room) noexcept;

    std::size_t capacity_;
    std::unique_ptr<slot[]> slots_;
    std::size_t used_ = 0;
};

}  // namespace penstock
