// Targets, hosts and paths in one form: what is routed is what is forwarded (RFC 3986 §5.2.4,
// §6.2).
#pragma once

#include "penstock/http/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::http {

// Checks and lower-cases host[:port]: a name of unreserved characters, at most 255 bytes, or an
// IPv6 address in brackets; no userinfo, list, escape, space or control byte; port at most 65535.
// One trailing dot stays out of comparisons but is kept. Appends to `out`; else errc::bad_host.
[[nodiscard]] result<void> normalize_authority(std::string_view text, std::string& out);
// The host part: without port and one trailing dot, IPv6 in its brackets.
[[nodiscard]] std::string_view host_of(std::string_view authority) noexcept;
// The port, if one is named.
[[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view authority) noexcept;

// Splits an origin-form target into path (normal form) and query, replacing what both held; both
// are empty after an error. '.' and '..' segments, plain or as %2e, are resolved after repeated
// slashes are merged; escapes of unreserved characters are decoded, all others get upper-case
// digits. Climbing above the root, %00, %2f, %5c, '\', '#', bad escapes and bytes outside 0x21–0x7e
// are errc::bad_path. In the query only '#' and such bytes are, and nothing is changed.
[[nodiscard]] result<void> normalize_target(std::string_view target, std::string& path,
                                            std::string& query);

}  // namespace penstock::http
