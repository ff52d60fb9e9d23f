// Socket addresses, of IP and of Unix sockets: parsing, printing, resolving names, and opening
// outgoing connections.
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
    // A Unix socket's. The path is remembered for the life of the process, so it has to come out
    // of a configuration; errc::too_large if the kernel has no room for it.
    [[nodiscard]] static result<socket_address> unix_at(std::string_view path);
    // A peer over a Unix socket comes from no path.
    [[nodiscard]] static socket_address from(const sockaddr_storage& raw) noexcept;

    [[nodiscard]] std::string host() const;       // "127.0.0.1", "::1"; empty for Unix sockets
    [[nodiscard]] std::string to_string() const;  // "127.0.0.1:80", "[::1]:80", "unix:/run/a.sock"
    // The same, replacing what `into` held; without an allocation once that has grown.
    void print(std::string& into) const;
    // What host() says, appended.
    void append_host(std::string& to) const;
    [[nodiscard]] std::uint16_t port() const noexcept;
    // As the kernel takes it.
    struct raw {
        sockaddr_storage bytes;
        socklen_t size;
        [[nodiscard]] const sockaddr* data() const noexcept {
            return reinterpret_cast<const sockaddr*>(&bytes);
        }
    };
    [[nodiscard]] raw to_raw() const noexcept;
    [[nodiscard]] int family() const noexcept { return raw_.v4.sin_family; }
    [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
    [[nodiscard]] const std::string& unix_path() const;
    // IPv4 as ::ffff:a.b.c.d, for comparing with networks. Zeros for Unix sockets.
    void mapped(std::uint8_t (&bytes)[16]) const noexcept;
    // ::ffff:a.b.c.d as a.b.c.d; any other as it is.
    [[nodiscard]] socket_address unmapped() const noexcept;
    bool operator==(const socket_address& other) const noexcept;

 private:
    struct unix_name {
        sa_family_t family;
        const std::string* path;  // lives as long as the process; null = none
    };
    // What IPv4 and IPv6 need: a connection holds one, and sockaddr_storage is four times as large.
    union storage {
        sockaddr_in6 v6;
        sockaddr_in v4;
        unix_name local;
    };
    storage raw_;
};

// Options of a connected or accepted socket. Of those that are 0 the system's own are left alone.
// Of a Unix socket only the sizes count.
struct tcp_options {
    int receive_buffer = 0;  // bytes, and then of this size for good
    int send_buffer = 0;     // likewise
    int notsent_lowat = 0;   // bytes
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
// Of a connection that exists already. 0 = the system's retries.
void set_user_timeout(int fd, milliseconds to) noexcept;
// To a listening socket, for those that it will accept. What was set before and is not any more is
// taken back, but for the sizes. Connections are accepted once they have sent something, or after
// `defer_accept`, which counts in whole seconds; 0 = at once. `backlog` is the length of its queue.
void apply_listening(int fd, const tcp_options& options, milliseconds defer_accept,
                     int backlog) noexcept;

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
