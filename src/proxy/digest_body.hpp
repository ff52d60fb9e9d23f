// Content-Digest (RFC 9530) of responses: SHA-256 of the content as this hop sends it. In the head
// if the body is short and its length known, else in the trailer section.
#pragma once

#include "penstock/exchange/exchange.hpp"

#include <cstdint>
#include <memory>

namespace penstock::proxy {

// Bodies up to this size are read before the head is sent.
inline constexpr std::uint64_t digest_head_max = 64 * 1024;

// Whether this response gets a digest: it has content, and the origin gave none.
[[nodiscard]] bool wants_digest(const exchange::request& from, const exchange::response& to);

// Reads a short body to its end and puts its digest into the head. An error of the body is the
// result; the response is then of no use, its body still to be closed.
[[nodiscard]] net::task<result<void>> digest_in_head(exchange::response& of);

// The body with a trailer field; its length can no longer be announced, since only the chunked
// framing has trailers. `passes_others`: the origin's own trailers may go to the client too.
void digest_in_trailer(exchange::response& of, bool passes_others);

}  // namespace penstock::proxy
