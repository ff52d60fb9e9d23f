// Ids of configured names (listeners, routes, upstreams, endpoints): small numbers that records and
// counters carry instead of text, stable for the life of the process, so that a reload keeps
// series. Names are added by the control thread; from any thread they may be looked up, off the
// request path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

using name_id = std::uint16_t;

inline constexpr name_id no_name = 0;     // "none"
inline constexpr name_id other_name = 1;  // "_other": what came after the table was full
inline constexpr std::size_t names_max = 4096;

// The id of `name`, a new one at its first use; `other_name` once names_max are taken.
[[nodiscard]] name_id intern_name(std::string_view name);
// Stays valid for the life of the process; "none" for an unknown id.
[[nodiscard]] const std::string& name_of(name_id id) noexcept;

}  // namespace penstock
