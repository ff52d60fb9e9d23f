// Addresses, networks, hosts, paths and header names as a configuration writes them: checked and
// brought into the form the model holds. Pure functions; nothing is resolved.
#pragma once

#include "config/scalar.hpp"
#include "penstock/config/model.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace penstock::config {

// [A-Za-z0-9_.-]{1,64}: names of listeners, routes and upstreams. They become metric labels.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

// "127.0.0.1:80", "[::1]:80", ":80" or "*:80" (every address of both families), "localhost:80"
// (127.0.0.1), "unix:/run/web.sock"; port 0 is allowed. IPv6 hosts come out in brackets and in
// canonical form.
[[nodiscard]] parsed<address> parse_bind(std::string_view text);
// "host:port", "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock"; port 1 … 65535. Names come out in
// lower case, and may end in a dot.
[[nodiscard]] parsed<address> parse_endpoint(std::string_view text);
[[nodiscard]] std::string format_address(const address& from);

// Three octal digits, with or without a 0 before them: "0660".
[[nodiscard]] parsed<std::uint32_t> parse_mode(std::string_view text);
[[nodiscard]] std::string format_mode(std::uint32_t mode);

// An address, a CIDR block without bits beyond its prefix, or "unix".
[[nodiscard]] parsed<network> parse_network(std::string_view text);
[[nodiscard]] std::string format_network(const network& from);

// The name of a field that says who the client is; none that Penstock reads for another purpose.
[[nodiscard]] parsed<std::string> parse_client_field(std::string_view text);
// The name of a field that a trusted peer says a scheme in, or "none".
[[nodiscard]] parsed<std::string> parse_scheme_field(std::string_view text);

// A DNS name, as endpoints and hosts have it: labels of letters, digits, '-' and '_'.
[[nodiscard]] bool is_host_name(std::string_view text) noexcept;
// Exact or "*.example.com", an address, without port; out in lower case, without a trailing dot.
[[nodiscard]] parsed<std::string> parse_host_pattern(std::string_view text);

// A protocol that an Upgrade may switch to (RFC 9110 §7.8): a token, or two with '/' between them,
// at most 64 bytes. HTTP itself is none.
// What a Content-Type may be: a type and a subtype, perhaps with parameters.
[[nodiscard]] bool is_media_type(std::string_view text) noexcept;
[[nodiscard]] parsed<std::string> parse_upgrade(std::string_view text);

// A path that begins with '/' and has no empty, '.' or '..' segment, brought into the form in which
// requests are routed (path_escapes.hpp): "/caf%c3%a9" becomes "/caf%C3%A9", "/%7Ea" "/~a".
[[nodiscard]] parsed<std::string> parse_route_path(std::string_view text);

// An http or https URL or a path, as a Location field may carry it.
[[nodiscard]] parsed<std::string> parse_redirect_target(std::string_view text);

}  // namespace penstock::config
