// Which upgrade a request is to be followed in, by what its client offers and what its route lists.
// Pure.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/exchange.hpp"

#include <cstdint>
#include <string_view>

namespace penstock::proxy {

// A body that may stand in front of another protocol's bytes, but for a websocket's.
inline constexpr std::uint64_t upgrade_body_max = std::uint64_t{64} * 1024;

[[nodiscard]] bool follows_websockets(const config::route& by) noexcept;

// Leaves in the request the first protocol of the client's list that the route follows, and drops
// the rest (RFC 9110 §7.8). A websocket is begun by GET.
void choose_upgrade(exchange::request& from, const config::route& by);

// Why no tunnel may follow the body of a request whose protocol is chosen, in our own words; empty
// if one may. Where the new protocol's bytes begin must not depend on who reads.
[[nodiscard]] std::string_view forbidden_body(const exchange::request& from) noexcept;

}  // namespace penstock::proxy
