// What one client sends on one connection: up to four requests, some of them damaged, and one more
// that is right and ends the connection. Every request names itself by a mark (identity.hpp).
#pragma once

#include "campaign/identity.hpp"
#include "campaign/strict_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::campaign {

struct payload {
    std::uint32_t index = 0;
    std::string bytes;
    std::vector<std::size_t> cuts;  // ascending: each piece is sent by itself
    bool damaged = false;
};
[[nodiscard]] payload make_payload(std::uint64_t seed, std::uint32_t index);

// The mark of the request that a payload hides in bodies and values: no request of it may arrive.
inline constexpr std::uint32_t hidden_part = 15;
inline constexpr std::uint32_t last_part = 14;

struct read_request {
    message request;
    std::optional<identity> mark;
};
// How the strict reader understands a payload.
struct reading {
    std::vector<read_request> requests;  // complete; the last may say that the connection closes
    bool surplus = false;                // bytes stand behind a request that says close
    // What stands behind them otherwise.
    std::string fault;                       // why it is no request; empty if it is none
    bool partial = false;                    // the bytes end within a request
    std::optional<read_request> unfinished;  // its head, if that was complete
};
[[nodiscard]] reading read_payload(std::string_view bytes);

// The first mark in a message's head.
[[nodiscard]] std::optional<identity> mark_in(const message& of);

}  // namespace penstock::campaign
