// Addresses as a configuration holds them: where to accept and to connect, and whose word on who
// the client is counts. Nothing is resolved here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::config {

// A socket address as written: numeric host (IPv6 in brackets) or name, and a port. A Unix socket
// is "unix:" and its path, with port 0; where connections are accepted, "*" is every address of
// both families.
struct address {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const address&) const = default;
};
inline constexpr std::string_view every_address = "*";
[[nodiscard]] inline bool is_unix(const address& of) noexcept {
    return of.host.starts_with("unix:");
}
// Of a Unix socket.
[[nodiscard]] inline std::string_view path_of(const address& of) noexcept {
    return std::string_view(of.host).substr(5);
}

// An IPv4 or IPv6 network, held as IPv6 (IPv4 mapped, so 10.0.0.0/8 has prefix 104), or `unix`:
// every peer over a Unix socket.
struct network {
    std::uint8_t bytes[16] = {};
    int prefix = 128;
    bool unix_peers = false;
};

// Which field of a trusted peer says who the client is; no other is believed.
struct client_address {
    std::string from = "X-Forwarded-For";  // or Forwarded, or a field of one address
    // The field that says which scheme the client used; "none" = no field does; empty = the one
    // that belongs to `from`.
    std::string scheme;
};

}  // namespace penstock::config
