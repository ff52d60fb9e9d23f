// Which peers are believed: the networks of the configuration's `trust` list.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/http/fields.hpp"
#include "penstock/net/address_key.hpp"
#include "penstock/net/endpoint.hpp"

#include <optional>
#include <vector>

namespace penstock::proxy {

[[nodiscard]] bool is_trusted(const net::socket_address& peer,
                              const std::vector<config::network>& trust) noexcept;

// Whom the X-Forwarded-For of a trusted peer names: the right-most address that is not itself
// trusted, or the left-most if all are. None if that is no address.
[[nodiscard]] std::optional<net::address_key> named_client(
    const http::fields& of, const std::vector<config::network>& trust);

}  // namespace penstock::proxy
