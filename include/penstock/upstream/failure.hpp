// What can go wrong on the origin's side and has no name in `net` or `http`, and how every error
// met while talking to an origin reads as a reason. Statuses and retries are `proxy`'s decision.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/exchange/reason.hpp"

namespace penstock::upstream {

enum class errc {
    no_endpoint = 1,       // the cluster has none
    interim_flood,         // more than 8 interim heads, or more than 32 KiB of them
    unexpected_upgrade,    // 101 that nobody asked for, or for another protocol
    unwritable_request,    // our own serialiser refused the head
    stream_reset,          // by the origin
    stream_refused,        // by the origin, which has not looked at the request (RFC 9113 §8.7)
    connection_broken,     // the origin broke the rules of HTTP/2
    no_extended_connect,   // its HTTP/2 cannot begin what is asked for (RFC 8441)
    protocol_unavailable,  // TLS did not agree on a protocol that the configuration allows
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] inline error make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

// An error of the origin's side: net, http, upstream and system errors. Never `none` for an error.
[[nodiscard]] exchange::reason reason_of(error why) noexcept;

}  // namespace penstock::upstream

namespace boost::system {
template <>
struct is_error_code_enum<penstock::upstream::errc> : std::true_type {};
}  // namespace boost::system
