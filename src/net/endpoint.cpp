#include "penstock/net/endpoint.hpp"

#include "penstock/net/error.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace penstock::net {
namespace {

void set_option(int fd, int level, int name, int value) noexcept {
    // A socket that refuses an option (it is dead already) says so at its next use.
    static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

// A connect to a port of this host's ephemeral range where nobody listens may pick that very port
// and meet itself (TCP's simultaneous open): it would hear its own request as the answer.
bool met_itself(int fd) noexcept {
    sockaddr_storage local{};
    sockaddr_storage remote{};
    socklen_t local_size = sizeof local;
    socklen_t remote_size = sizeof remote;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) != 0 ||
        ::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &remote_size) != 0)
        return false;
    return socket_address::from(local) == socket_address::from(remote);
}

}  // namespace

socket_address::socket_address() noexcept : raw_{} {}

result<socket_address> socket_address::parse(std::string_view host, std::uint16_t port) {
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    const std::string text(host);
    socket_address made;
    sockaddr_in& in = made.raw_.v4;
    sockaddr_in6& in6 = made.raw_.v6;
    if (text.find('\0') != std::string::npos)
        return error(errc::name_not_resolved);
    if (!bracketed && ::inet_pton(AF_INET, text.c_str(), &in.sin_addr) == 1) {
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        return made;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1) {
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        return made;
    }
    return error(errc::name_not_resolved);
}

socket_address socket_address::from(const sockaddr_storage& raw) noexcept {
    socket_address made;
    if (raw.ss_family == AF_INET)
        std::memcpy(&made.raw_.v4, &raw, sizeof made.raw_.v4);
    else
        std::memcpy(&made.raw_.v6, &raw, sizeof made.raw_.v6);
    return made;
}

std::string socket_address::host() const {
    char text[INET6_ADDRSTRLEN] = {};
    const void* bytes = nullptr;
    if (family() == AF_INET)
        bytes = &raw_.v4.sin_addr;
    if (family() == AF_INET6)
        bytes = &raw_.v6.sin6_addr;
    if (bytes == nullptr || ::inet_ntop(family(), bytes, text, sizeof text) == nullptr)
        return {};
    return text;
}

std::string socket_address::to_string() const {
    std::string text;
    print(text);
    return text;
}

void socket_address::print(std::string& into) const {
    // "255.255.255.255:65535", or an IPv6 address in brackets.
    std::array<char, INET6_ADDRSTRLEN + 8> text;
    char* at = text.data();
    char* const end = text.data() + text.size();
    if (family() == AF_INET) {
        std::array<std::uint8_t, 4> bytes;
        std::memcpy(bytes.data(), &raw_.v4.sin_addr, bytes.size());
        for (const std::uint8_t byte : bytes) {
            if (at != text.data())
                *at++ = '.';
            at = std::to_chars(at, end, byte).ptr;
        }
    } else {
        const std::string name = host();
        *at++ = '[';
        at = std::copy(name.begin(), name.end(), at);
        *at++ = ']';
    }
    *at++ = ':';
    at = std::to_chars(at, end, port()).ptr;
    into.assign(text.data(), at);
}

std::uint16_t socket_address::port() const noexcept {
    if (family() == AF_INET)
        return ntohs(raw_.v4.sin_port);
    return family() == AF_INET6 ? ntohs(raw_.v6.sin6_port) : std::uint16_t{0};
}

const sockaddr* socket_address::data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&raw_);
}

socklen_t socket_address::size() const noexcept {
    if (family() == AF_INET)
        return sizeof(sockaddr_in);
    return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof raw_;
}

void socket_address::mapped(std::uint8_t (&bytes)[16]) const noexcept {
    std::memset(bytes, 0, sizeof bytes);
    if (family() == AF_INET6)
        std::memcpy(bytes, &raw_.v6.sin6_addr, sizeof bytes);
    if (family() != AF_INET)
        return;
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes + 12, &raw_.v4.sin_addr, 4);
}

bool socket_address::operator==(const socket_address& other) const noexcept {
    if (family() != other.family() || port() != other.port())
        return false;
    std::uint8_t mine[16];
    std::uint8_t theirs[16];
    mapped(mine);
    other.mapped(theirs);
    if (std::memcmp(mine, theirs, sizeof mine) != 0)
        return false;
    // A link-local address is another one on each interface.
    return family() != AF_INET6 || raw_.v6.sin6_scope_id == other.raw_.v6.sin6_scope_id;
}

void apply(int fd, const tcp_options& options) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, options.nodelay ? 1 : 0);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive ? 1 : 0);
    if (options.user_timeout > 0)
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout);
    if (!options.keepalive)
        return;
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_count);
}

result<unique_fd> begin_connect(const socket_address& to, const tcp_options& options) {
    unique_fd made(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made)
        return last_system_error();
    apply(made.get(), options);
    // Interrupted, a connect goes on by itself like any other that is not decided at once.
    if (::connect(made.get(), to.data(), to.size()) != 0 && errno != EINPROGRESS && errno != EINTR)
        return last_system_error();
    return made;
}

error finish_connect(int fd) noexcept {
    int failed = 0;
    socklen_t size = sizeof failed;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0)
        return last_system_error();
    if (failed == 0 && met_itself(fd))
        failed = ECONNREFUSED;
    return {failed, boost::system::system_category()};
}

}  // namespace penstock::net
