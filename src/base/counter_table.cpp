#include "penstock/base/counter_table.hpp"

#include "penstock/base/check.hpp"

#include <bit>

namespace penstock {

counter_table::counter_table(std::size_t capacity)
    : capacity_(capacity), slots_(std::make_unique<slot[]>(capacity)) {
    // In less an eighth is nothing.
    PENSTOCK_CHECK(std::has_single_bit(capacity) && capacity >= 16);
}

// Some slots stay free, so that a search for a key that is not there ends.
std::atomic<std::uint64_t>* counter_table::find(std::uint64_t key, std::size_t room) noexcept {
    const std::size_t mask = capacity_ - 1;
    auto at = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 32) & mask;
    for (;; at = (at + 1) & mask) {
        slot& here = slots_[at];
        const std::uint64_t held = here.key.load(std::memory_order_relaxed);
        if (held == key)
            return &here.value;
        if (held != free_key)
            continue;
        if (used_ >= room)
            return nullptr;
        ++used_;
        here.key.store(key, std::memory_order_release);
        return &here.value;
    }
}

void counter_table::add(std::uint64_t key, std::uint64_t coarse, std::uint64_t by) noexcept {
    const std::size_t room = capacity_ - capacity_ / 4;
    std::atomic<std::uint64_t>* counter = find(key, room);
    if (counter == nullptr)
        counter = find(coarse, room + coarse_max());
    PENSTOCK_CHECK(counter != nullptr);
    counter->store(counter->load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace penstock
