// Targets, hosts and paths in one form: what is routed is what is forwarded (RFC 3986 §5.2.4,
// §6.2).
#pragma once

#include "penstock/http/error.hpp"

#include <string>
#include <string_view>

namespace penstock::http {

// Brings host[:port] into its one form and appends it to `out`; else errc::bad_host. The host is
// an IPv6 address in brackets, or a reg-name of RFC 3986 §3.2.2 of at most 255 bytes, less what
// could be read as a list or a path: no ',' or ';', and no escape of anything that is not a
// character of a name or above 0x7f. Lower case; escapes of unreserved characters are decoded. The
// port is at most 65535, and an empty one is none. One trailing dot stays out of comparisons but is
// kept.
[[nodiscard]] result<void> normalize_authority(std::string_view text, std::string& out);
// The host part: without port and one trailing dot, IPv6 in its brackets.
[[nodiscard]] std::string_view host_of(std::string_view authority) noexcept;

// Splits an origin-form target into path (normal form) and query, replacing what both held; both
// are empty after an error. '.' and '..' segments, plain or as %2e, are resolved after repeated
// slashes are merged; escapes of unreserved characters are decoded, all others get upper-case
// digits. Climbing above the root, %00, %2f, %5c, '\', '#', bad escapes and bytes outside 0x21–0x7e
// are errc::bad_path. In the query only '#' and such bytes are, and nothing is changed.
[[nodiscard]] result<void> normalize_target(std::string_view target, std::string& path,
                                            std::string& query);

}  // namespace penstock::http
