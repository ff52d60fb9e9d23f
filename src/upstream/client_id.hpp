// client_id: whom an exchange counts for where connections are shared: an address (of IPv6 its
// /64), and one connection of that address.
#pragma once

#include "penstock/net/address_key.hpp"

#include <cstdint>

namespace penstock::upstream {

struct client_id {
    net::address_key address;
    std::uint64_t connection = 0;  // no other connection in this process ever has this number
    bool newcomer = false;         // the connection has not taken a whole response yet
    bool operator==(const client_id&) const = default;
};

}  // namespace penstock::upstream
