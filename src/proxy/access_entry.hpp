// An access-log entry as it lies in a worker's ring: a fixed head, then the texts of an exchange,
// one behind the other. Written and read within one process only.
#pragma once

#include "penstock/exchange/record.hpp"

#include <array>
#include <cstdint>
#include <type_traits>

namespace penstock::proxy {

// Client, method, host, path, request id, user agent, detail.
inline constexpr std::size_t access_texts = 7;

struct access_entry {
    static constexpr std::uint32_t mark_value = 0x70656e31;

    std::uint32_t mark = mark_value;
    std::int32_t status = 0;
    std::int32_t upstream_status = 0;
    std::uint32_t worker = 0;
    std::int64_t began_ms = 0;  // since the epoch
    std::uint64_t duration_us = 0;
    std::array<std::uint64_t, exchange::phase_count> phases_us{};
    std::uint64_t generation = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    double sample_rate = 1.0;
    name_id listener = 0;
    name_id route = 0;
    name_id upstream = 0;
    name_id endpoint = 0;
    exchange::reason why = exchange::reason::none;
    std::uint8_t attempts = 0;
    std::uint8_t protocol = 0;
    bool tls = false;
    bool reused = false;
    bool slow = false;
    bool complete = false;  // the whole response was written
    std::array<std::uint16_t, access_texts> text_sizes{};
};
static_assert(std::is_trivially_copyable_v<access_entry>);

}  // namespace penstock::proxy
