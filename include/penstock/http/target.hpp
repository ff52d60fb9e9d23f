// Hosts in one form: what is routed is what is forwarded (RFC 3986 §3.2). Paths: path.hpp.
#pragma once

#include "penstock/http/error.hpp"

#include <cstdint>
#include <optional>
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
// The port, if one is named.
[[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view authority) noexcept;

}  // namespace penstock::http
