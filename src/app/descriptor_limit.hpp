// File descriptors are what a proxy runs out of first. The soft limit is raised to the hard one,
// and connection caps are made to fit below it with a reserve, so that logs, reloads and
// connections to origins always find one.
#pragma once

#include "penstock/config/model.hpp"

#include <cstdint>

namespace penstock::app {

inline constexpr std::uint64_t descriptor_reserve = 64;

// The limit in force afterwards.
std::uint64_t raise_descriptor_limit() noexcept;

// What a configuration may need, and what there is for clients.
struct descriptor_budget {
    std::uint64_t fixed = 0;      // reserve, listening sockets, pollers, pipes
    std::uint64_t upstreams = 0;  // connections to origins at most
    std::uint64_t clients = 0;    // the caps of the listeners together
    std::uint64_t room = 0;       // what is left for clients under the limit
    [[nodiscard]] bool fits() const noexcept { return clients <= room; }
};
[[nodiscard]] descriptor_budget budget_of(const config::model& of, std::uint64_t limit,
                                          int workers) noexcept;

// Lowers the caps of the listeners until they fit into `room`, at least 1 each: those that were not
// asked for (the default, or none, which counts as 50,000), each by the same share; all of them by
// the same share only where those that were asked for leave less than a quarter. True if one that
// was asked for is lower now.
[[nodiscard]] bool fit_caps(config::model& to, std::uint64_t room) noexcept;

}  // namespace penstock::app
