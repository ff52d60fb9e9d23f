#include "penstock/net/endpoint.hpp"

#include "penstock/net/error.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>

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
    return local.ss_family != AF_UNIX &&
           socket_address::from(local) == socket_address::from(remote);
}

struct octet_text {
    std::array<char, 3> digits;
    std::uint8_t size;
};

constexpr std::array<octet_text, 256> octet_texts = [] {
    std::array<octet_text, 256> made{};
    for (std::size_t value = 0; value < made.size(); ++value) {
        octet_text& to = made[value];
        for (const std::size_t unit : {std::size_t{100}, std::size_t{10}, std::size_t{1}}) {
            if (value >= unit || unit == 1)
                to.digits[to.size++] = static_cast<char>('0' + value / unit % 10);
        }
    }
    return made;
}();

// What inet_ntop does, in a fraction of the time: it is done for every request. Needs room for 16
// bytes: the last digits are written as three.
char* print_v4(const in_addr& from, char* at) noexcept {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &from, bytes.size());
    for (const std::uint8_t byte : bytes) {
        const octet_text& text = octet_texts[byte];
        std::memcpy(at, text.digits.data(), text.digits.size());
        at += text.size;
        *at++ = '.';
    }
    return at - 1;
}

// Configurations name few of them, and a reload mostly names the same ones again.
const std::string& remembered(std::string_view path) {
    static std::mutex lock;
    static std::set<std::string, std::less<>> paths;
    const std::lock_guard held(lock);
    const auto known = paths.find(path);
    return known != paths.end() ? *known : *paths.emplace(path).first;
}

}  // namespace

socket_address::socket_address() noexcept : raw_{} {}

result<socket_address> socket_address::parse(std::string_view host, std::uint16_t port) {
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    char text[INET6_ADDRSTRLEN] = {};
    if (host.size() >= sizeof text || host.find('\0') != std::string_view::npos)
        return error(errc::name_not_resolved);
    std::copy(host.begin(), host.end(), text);
    socket_address made;
    sockaddr_in& in = made.raw_.v4;
    sockaddr_in6& in6 = made.raw_.v6;
    if (!bracketed && ::inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        return made;
    }
    if (::inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        return made;
    }
    return error(errc::name_not_resolved);
}

result<socket_address> socket_address::unix_at(std::string_view path) {
    if (path.size() >= sizeof sockaddr_un::sun_path)
        return error(errc::too_large);
    socket_address made;
    made.raw_.local.family = AF_UNIX;
    made.raw_.local.path = &remembered(path);
    return made;
}

socket_address socket_address::from(const sockaddr_storage& raw) noexcept {
    socket_address made;
    if (raw.ss_family == AF_UNIX)
        made.raw_.local.family = AF_UNIX;
    else if (raw.ss_family == AF_INET)
        std::memcpy(&made.raw_.v4, &raw, sizeof made.raw_.v4);
    else
        std::memcpy(&made.raw_.v6, &raw, sizeof made.raw_.v6);
    return made;
}

std::string socket_address::host() const {
    std::string text;
    append_host(text);
    return text;
}

void socket_address::append_host(std::string& to) const {
    char text[INET6_ADDRSTRLEN] = {};
    if (family() == AF_INET)
        to.append(text, static_cast<std::size_t>(print_v4(raw_.v4.sin_addr, text) - text));
    else if (family() == AF_INET6 &&
             ::inet_ntop(AF_INET6, &raw_.v6.sin6_addr, text, sizeof text) != nullptr)
        to += text;
}

const std::string& socket_address::unix_path() const {
    static const std::string none;
    return is_unix() && raw_.local.path != nullptr ? *raw_.local.path : none;
}

std::string socket_address::to_string() const {
    std::string text;
    print(text);
    return text;
}

void socket_address::print(std::string& into) const {
    if (is_unix()) {
        into.assign("unix:").append(unix_path());
        return;
    }
    // "255.255.255.255:65535", or an IPv6 address in brackets.
    std::array<char, INET6_ADDRSTRLEN + 8> text;
    char* at = text.data();
    char* const end = text.data() + text.size();
    if (family() == AF_INET) {
        at = print_v4(raw_.v4.sin_addr, at);
    } else {
        const std::string name = host();
        *at++ = '[';
        at = std::copy(name.begin(), name.end(), at);
        *at++ = ']';
    }
    *at++ = ':';
    at = std::to_chars(at, end, port()).ptr;
    into.assign(text.data(), static_cast<std::size_t>(at - text.data()));
}

std::uint16_t socket_address::port() const noexcept {
    if (family() == AF_INET)
        return ntohs(raw_.v4.sin_port);
    return family() == AF_INET6 ? ntohs(raw_.v6.sin6_port) : std::uint16_t{0};
}

socket_address::raw socket_address::to_raw() const noexcept {
    raw made{};
    if (is_unix()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        const std::string& path = unix_path();
        std::memcpy(local.sun_path, path.data(), path.size());
        std::memcpy(&made.bytes, &local, sizeof local);
        made.size = sizeof local;
        return made;
    }
    made.size = family() == AF_INET ? sizeof raw_.v4 : sizeof raw_.v6;
    std::memcpy(&made.bytes, &raw_, made.size);
    return made;
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

socket_address socket_address::unmapped() const noexcept {
    if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&raw_.v6.sin6_addr))
        return *this;
    socket_address made;
    made.raw_.v4.sin_family = AF_INET;
    made.raw_.v4.sin_port = raw_.v6.sin6_port;
    std::memcpy(&made.raw_.v4.sin_addr, raw_.v6.sin6_addr.s6_addr + 12, 4);
    return made;
}

bool socket_address::operator==(const socket_address& other) const noexcept {
    if (family() != other.family() || port() != other.port())
        return false;
    if (is_unix())
        return raw_.local.path == other.raw_.local.path;
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
    if (options.receive_buffer > 0)
        set_option(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
    if (options.send_buffer > 0)
        set_option(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    // Those of TCP a Unix socket refuses, which changes nothing.
    if (options.notsent_lowat > 0)
        set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.notsent_lowat);
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

void set_user_timeout(int fd, milliseconds to) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(to.count()));
}

void apply_listening(int fd, const tcp_options& options, milliseconds defer_accept,
                     int backlog) noexcept {
    // Of a socket that listens already, this changes the length of its queue.
    static_cast<void>(::listen(fd, backlog));
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.notsent_lowat);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(defer_accept);
    set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, static_cast<int>(seconds.count()));
    apply(fd, options);
}

result<unique_fd> begin_connect(const socket_address& to, const tcp_options& options) {
    unique_fd made(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made)
        return last_system_error();
    apply(made.get(), options);
    const socket_address::raw raw = to.to_raw();
    // Interrupted, a connect goes on by itself like any other that is not decided at once.
    if (::connect(made.get(), raw.data(), raw.size) == 0 || errno == EINPROGRESS || errno == EINTR)
        return made;
    // What a Unix socket says where of TCP nobody would listen. Of a full backlog no event says
    // when it is over.
    if (to.is_unix() && (errno == ENOENT || errno == ENOTSOCK || errno == EAGAIN))
        errno = ECONNREFUSED;
    return last_system_error();
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
