// Hosts in one form: what is routed is what is forwarded (RFC 3986 §3.2). Paths: path.hpp.
#pragma once

#include "penstock/http/error.hpp"

#include <string>
#include <string_view>

namespace penstock::http {

// Checks and lower-cases host[:port]: a name of unreserved characters, at most 255 bytes, or an
// IPv6 address in brackets; no userinfo, list, escape, space or control byte; port at most 65535.
// One trailing dot stays out of comparisons but is kept. Appends to `out`; else errc::bad_host.
[[nodiscard]] result<void> normalize_authority(std::string_view text, std::string& out);
// The host part: without port and one trailing dot, IPv6 in its brackets.
[[nodiscard]] std::string_view host_of(std::string_view authority) noexcept;

}  // namespace penstock::http
