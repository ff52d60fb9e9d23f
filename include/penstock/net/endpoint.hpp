// Socket addresses: parsing, printing, resolving names, and opening outgoing connections.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/base/error.hpp"
#include "penstock/net/socket.hpp"
#include "penstock/net/task.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::net {

class socket_address {
 public:
    socket_address() noexcept;
    // A numeric IPv4 or IPv6 host, the latter with or without brackets.
    [[nodiscard]] static result<socket_address> parse(std::string_view host, std::uint16_t port);
    [[nodiscard]] static socket_address from(const sockaddr_storage& raw) noexcept;

    [[nodiscard]] std::string host() const;       // "127.0.0.1", "::1"
    [[nodiscard]] std::string to_string() const;  // "127.0.0.1:80", "[::1]:80"
    // The same, replacing what `into` held; without an allocation once that has grown.
    void print(std::string& into) const;
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] const sockaddr* data() const noexcept;
    [[nodiscard]] socklen_t size() const noexcept;
    [[nodiscard]] int family() const noexcept { return raw_.v4.sin_family; }
    // IPv4 as ::ffff:a.b.c.d, for comparing with networks.
    void mapped(std::uint8_t (&bytes)[16]) const noexcept;
    bool operator==(const socket_address& other) const noexcept;

 private:
    // What IPv4 and IPv6 need: a connection holds one, and sockaddr_storage is four times as large.
    union storage {
        sockaddr_in6 v6;
        sockaddr_in v4;
    };
    storage raw_;
};

// Options of a connected or accepted socket.
struct tcp_options {
    bool nodelay = true;
    bool keepalive = true;
    int keepalive_idle = 30;  // seconds
    int keepalive_interval = 10;
    int keepalive_count = 3;
    // Milliseconds that what was written may remain unconfirmed, and a window closed, before the
    // connection counts as lost; 0 = as the kernel has it. Also how long keepalive asks.
    int user_timeout = 0;
};
void apply(int fd, const tcp_options& options) noexcept;

// Begins a non-blocking connect; the socket is writable once it is decided. `finish_connect` then
// gives the result.
[[nodiscard]] result<unique_fd> begin_connect(const socket_address& to, const tcp_options& options);
[[nodiscard]] error finish_connect(int fd) noexcept;

// Resolves a name with c-ares (hosts file, then DNS), at most `timeout` long; blocks, so it is for
// the control thread only. At most 64 addresses.
[[nodiscard]] result<std::vector<socket_address>> resolve_blocking(const std::string& host,
                                                                   std::uint16_t port,
                                                                   milliseconds timeout);

}  // namespace penstock::net
