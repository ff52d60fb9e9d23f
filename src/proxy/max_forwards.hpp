// Max-Forwards (RFC 9110 §7.6.2): how far an OPTIONS request may still go. Of other methods it says
// nothing, and TRACE does not get past us.
#pragma once

#include "penstock/http/message.hpp"

namespace penstock::proxy {

enum class hops : std::uint8_t {
    onward,     // it may go on; the field has been counted down
    last,       // it ends with us
    malformed,  // not one number
};
[[nodiscard]] hops count_hop(http::request_head& of);

}  // namespace penstock::proxy
