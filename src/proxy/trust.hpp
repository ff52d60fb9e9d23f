// Which peers are believed: the networks of the configuration's `trust` list.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/net/endpoint.hpp"

#include <vector>

namespace penstock::proxy {

[[nodiscard]] bool is_trusted(const net::socket_address& peer,
                              const std::vector<config::network>& trust) noexcept;

}  // namespace penstock::proxy
