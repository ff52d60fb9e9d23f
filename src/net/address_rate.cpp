#include "penstock/net/address_rate.hpp"

#include "penstock/net/address_key.hpp"

#include <algorithm>

namespace penstock::net {
namespace {

std::uint32_t count_in(std::uint64_t value, std::uint64_t second) noexcept {
    return value >> 32U == second ? static_cast<std::uint32_t>(value) : 0;
}

// Two threads that count at once count both.
void count_once(std::atomic<std::uint64_t>& in, std::uint64_t second) noexcept {
    std::uint64_t value = in.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        next = second << 32U | (count_in(value, second) + 1U);
    } while (!in.compare_exchange_weak(value, next, std::memory_order_relaxed));
}

}  // namespace

address_rate::address_rate() : seeds_{random_seed(), random_seed()} {}

bool address_rate::add(const socket_address& from, std::uint32_t most, time_point now) {
    std::call_once(made_, [this] { table_ = std::make_unique<table>(); });
    const address_key key = address_key_of(from);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    const std::uint64_t second = static_cast<std::uint64_t>(seconds.count()) & 0xffffffffU;
    std::array<cell*, 2> cells{};
    std::uint32_t least = UINT32_MAX;
    for (std::size_t row = 0; row < cells.size(); ++row) {
        cells[row] = &table_->rows[row][key.hash(seeds_[row]) % columns];
        least = std::min(least, count_in(cells[row]->load(std::memory_order_relaxed), second));
    }
    if (least >= most)
        return false;
    for (cell* const each : cells)
        count_once(*each, second);
    return true;
}

}  // namespace penstock::net
