// failure: the one place where an error becomes a status and a retry decision, and where the text
// of our own replies is made. Pure. docs/operations.md has the table of statuses.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/upstream/cluster.hpp"

#include <string>
#include <string_view>

namespace penstock::proxy {

// The status that a reply of our own carries: 404 for no_route, 502, 503, 504 …; 499 for
// client_gone, which is for the log only.
[[nodiscard]] int status_of(exchange::reason why) noexcept;

// What is to be done after a failed attempt.
enum class retry : std::uint8_t {
    no,
    fresh,    // the same endpoint again over a new connection: the pooled one was stale
    another,  // another endpoint, if there is one
};

struct retry_facts {
    http::method verb = http::method::get;
    bool body_empty = true;  // the request has no body, so it can be sent again
    unsigned attempts = 1;   // made so far
    std::size_t tried = 1;   // endpoints that they were made at
    std::size_t endpoints = 1;
};
// True if it may be sent again though it may have arrived: it is idempotent, has no body, and is
// not the last attempt.
[[nodiscard]] bool may_be_repeated(const retry_facts& of) noexcept;
// Again only if the request provably did not arrive, or is idempotent without a body, and no byte
// of a response came (RFC 9110 §9.2.2). One replay over a stale connection, one other endpoint
// after a failed connect.
[[nodiscard]] retry decide_retry(const upstream::attempt_failure& failed,
                                 const retry_facts& of) noexcept;

// The reply that Penstock makes itself: status, Proxy-Status, X-Request-Id, Retry-After where it
// belongs, and a body of application/problem+json, or HTML if the client is a browser (its Accept
// names text/html). Nothing of the request is reflected but its id. `details` (RFC 9209 §2.1.5) are
// for peers that are trusted.
struct own_reply {
    exchange::reason why = exchange::reason::proxy_internal_error;
    std::string_view request_id;
    bool html = false;
    std::string_view details = {};
    milliseconds retry_after{0};  // until the limit that struck ends; 0 = not known
};
[[nodiscard]] exchange::response make_reply(const own_reply& about);
// The value of its Proxy-Status.
[[nodiscard]] std::string proxy_status_of(const own_reply& about);

// The answer to an OPTIONS request that may be forwarded no further: 200 with Allow, no body.
[[nodiscard]] exchange::response make_options_reply();

// True if the client asks for HTML.
[[nodiscard]] bool prefers_html(const http::fields& of) noexcept;

}  // namespace penstock::proxy
