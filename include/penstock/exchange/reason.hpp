// The closed vocabulary of reasons. Every reply that Penstock itself makes and every exchange
// it aborts carries exactly one; the same token stands in Proxy-Status, log, metrics and problem
// body. Tokens of RFC 9209 §2.3 where they exist, own ones else.
#pragma once

#include "penstock/base/error.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::exchange {

enum class reason : std::uint8_t {
    none,  // nothing went wrong; the answer is the origin's or a route's
    // RFC 9209
    dns_error,
    destination_unavailable,
    connection_refused,
    connection_terminated,  // origin closed or reset before or within its response
    connection_timeout,
    connection_read_timeout,   // no byte of a response (first byte or idle)
    connection_write_timeout,  // the origin did not take the request
    connection_limit_reached,  // no pooled connection in queue_timeout
    tls_protocol_error,
    tls_certificate_error,
    http_request_error,        // grammar of the request: 400
    http_request_denied,       // method or scheme that we do not serve
    http_response_incomplete,  // origin closed within its body
    http_response_header_section_size,
    http_protocol_error,  // grammar of the response
    http_response_transfer_coding,
    proxy_internal_error,
    proxy_loop_detected,
    // of our own
    no_route,
    client_gone,
    head_timeout,
    body_timeout,
    write_timeout,
    deadline,
    request_header_too_large,  // 431
    uri_too_long,              // 414
    body_too_large,            // 413
    expectation_failed,        // 417
    transfer_coding_unknown,   // 501
    version_unsupported,       // 505
    stale_connection,
    queue_full,
    no_endpoint,
    interim_flood,
    unexpected_upgrade,
    tunnel_timeout,
    connection_cap,  // refused at accept
    draining,
    address_cap,   // refused at accept: its address has as many connections as it may
    shed_memory,   // the process is about to run out of memory
    address_rate,  // its address has sent as many requests as it may within a second
    // The client's connection broke the rules of HTTP/2, or a limit against floods.
    client_protocol_error,
    stream_reset,         // the origin reset the HTTP/2 stream
    stream_refused,       // the origin refused the HTTP/2 stream before it looked at the request
    upgrade_unavailable,  // the origin's HTTP/2 has no way to begin a websocket
    // For a host of other certificates than the name whose policy on clients was checked: 421.
    misdirected_request,
    // The client took or sent nothing, and others waited for the connection that it held.
    stalled_client,
    plain_http,  // HTTP without TLS on a port that speaks TLS: 400
    // A path that origins read in different ways, which would let it past a rule: 400.
    ambiguous_path,
};

inline constexpr std::size_t reason_count = static_cast<std::size_t>(reason::ambiguous_path) + 1;

// "connection_timeout"; "none" for none.
[[nodiscard]] std::string_view token(reason why) noexcept;

// An error of the client's side, whichever side of the proxy met it: its request broke off or is
// malformed, or it takes no bytes. `none` for no error, never for one.
[[nodiscard]] reason reason_of_client(error why) noexcept;

}  // namespace penstock::exchange
