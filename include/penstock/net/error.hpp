// What can go wrong on the network, as Penstock names it. System errors keep the system category;
// these are the ones that say more than an errno: which deadline, which cap, whose decision.
#pragma once

#include "penstock/base/error.hpp"

namespace penstock::net {

enum class errc {
    would_block = 1,        // nothing there now; wait
    end_of_stream,          // the peer closed its side where more had to come
    closed,                 // closed by ourselves
    peer_gone,              // the peer reset or closed the connection while it was being served
    head_timeout,           // no whole head in time
    body_timeout,           // no byte of a body in time
    write_timeout,          // no progress of our write in time
    keepalive_timeout,      // idle connection retired
    handshake_timeout,      // TLS handshake not done in time
    connect_timeout,        // TCP connection not made in time
    first_byte_timeout,     // no response head in time
    upstream_idle_timeout,  // no byte of a response body in time
    queue_timeout,          // no pooled connection in time
    queue_full,             // too many wait for a pooled connection
    tunnel_timeout,         // no byte in either direction of a tunnel
    deadline_exceeded,      // the exchange's total deadline
    tls_failed,             // handshake or record failure; details are logged where it happened
    certificate_untrusted,  // the peer's chain or name did not verify
    name_not_resolved,      // DNS gave no address
    draining,               // the process is going down
    too_large,              // a buffer cap was reached
    stalled_client,         // a client that stood still gave way to waiting ones
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] inline error make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

// The calling thread's errno as an error.
[[nodiscard]] error last_system_error() noexcept;

}  // namespace penstock::net

namespace boost::system {
template <>
struct is_error_code_enum<penstock::net::errc> : std::true_type {};
}  // namespace boost::system
