// resolve_blocking: c-ares on a socket set of its own, driven to its end by poll(2).
#include "penstock/net/endpoint.hpp"
#include "penstock/net/error.hpp"

#include <ares.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

namespace penstock::net {
namespace {

constexpr std::size_t addresses_max = 64;

struct ares_library {
    ares_library() : ready(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {}
    ares_library(const ares_library&) = delete;
    ares_library& operator=(const ares_library&) = delete;
    ~ares_library() { ares_library_cleanup(); }
    bool ready;
};

struct channel_deleter {
    void operator()(ares_channel channel) const noexcept { ares_destroy(channel); }
};
using channel_ptr = std::unique_ptr<std::remove_pointer_t<ares_channel>, channel_deleter>;

// What the callback fills in. Outlives the channel, whose end calls back once more.
struct lookup {
    std::vector<socket_address> found;
    bool done = false;
};

void add(std::vector<socket_address>& to, const ares_addrinfo_node& node, std::uint16_t port) {
    sockaddr_storage raw{};
    if (node.ai_addr == nullptr || node.ai_addrlen > sizeof raw)
        return;
    std::memcpy(&raw, node.ai_addr, node.ai_addrlen);
    if (node.ai_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(raw).sin_port = htons(port);
    if (node.ai_family == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(raw).sin6_port = htons(port);
    const socket_address address = socket_address::from(raw);
    if (std::find(to.begin(), to.end(), address) == to.end())
        to.push_back(address);
}

struct query {
    lookup* into;
    std::uint16_t port;
};

void on_answer(void* argument, int status, int, ares_addrinfo* answer) {
    const query& asked = *static_cast<query*>(argument);
    asked.into->done = true;
    if (status == ARES_SUCCESS && answer != nullptr) {
        for (const ares_addrinfo_node* node = answer->nodes; node != nullptr;
             node = node->ai_next) {
            if (asked.into->found.size() < addresses_max)
                add(asked.into->found, *node, asked.port);
        }
    }
    ares_freeaddrinfo(answer);
}

channel_ptr open_channel(milliseconds timeout, bool searches) {
    static const ares_library library;
    ares_options options{};
    // Two tries within the time there is; the hosts file comes first, as in nsswitch's "files dns".
    const auto share = std::clamp<std::int64_t>(timeout.count() / 3, 100, 2000);
    options.timeout = static_cast<int>(share);
    options.tries = 2;
    std::array<char, 3> order{'f', 'b', '\0'};
    options.lookups = order.data();
    ares_channel made = nullptr;
    options.flags = searches ? 0 : ARES_FLAG_NOSEARCH;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_FLAGS;
    if (!library.ready || ares_init_options(&made, &options, mask) != ARES_SUCCESS)
        return nullptr;
    return channel_ptr(made);
}

// How long a poll may take: until c-ares wants to be called again or the whole time is over.
int poll_ms(ares_channel channel, milliseconds left) noexcept {
    timeval limit{left.count() / 1000, (left.count() % 1000) * 1000};
    timeval room{};
    const timeval* const next = ares_timeout(channel, &limit, &room);
    return static_cast<int>(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
}

// One wait on c-ares's sockets, and what came of it handed to c-ares.
void step(ares_channel channel, milliseconds left) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int wanted = ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size()));
    std::array<pollfd, ARES_GETSOCK_MAXNUM> waits{};
    nfds_t count = 0;
    for (unsigned int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
        short events = 0;
        if (ARES_GETSOCK_READABLE(static_cast<unsigned int>(wanted), i))
            events |= POLLIN;
        if (ARES_GETSOCK_WRITABLE(static_cast<unsigned int>(wanted), i))
            events |= POLLOUT;
        if (events != 0)
            waits[count++] = {sockets[i], events, 0};
    }
    const int ready = ::poll(waits.data(), count, poll_ms(channel, left));
    if (ready <= 0)
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (nfds_t i = 0; ready > 0 && i < count; ++i) {
        const pollfd& wait = waits[i];
        const bool in = (wait.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
        const bool out = (wait.revents & POLLOUT) != 0;
        if (in || out)
            ares_process_fd(channel, in ? wait.fd : ARES_SOCKET_BAD,
                            out ? wait.fd : ARES_SOCKET_BAD);
    }
}

}  // namespace

result<std::vector<socket_address>> resolve_blocking(const std::string& host, std::uint16_t port,
                                                     milliseconds timeout) {
    if (const auto numeric = socket_address::parse(host, port))
        return std::vector<socket_address>{*numeric};
    if (host.empty() || host.find('\0') != std::string::npos)
        return error(errc::name_not_resolved);
    const time_point until = steady_clock::now() + timeout;
    lookup answer;
    query asked{&answer, port};
    // RFC 1034 §3.1: a name that ends in a dot is whole. The hosts file has it without the dot.
    const bool whole = host.size() > 1 && host.back() == '.';
    const std::string name = whole ? host.substr(0, host.size() - 1) : host;
    const channel_ptr channel = open_channel(timeout, !whole);
    if (!channel)
        return error(errc::name_not_resolved);
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel.get(), name.c_str(), nullptr, &hints, on_answer, &asked);
    while (!answer.done) {
        const time_point now = steady_clock::now();
        if (now >= until)
            break;
        step(channel.get(), std::chrono::ceil<milliseconds>(until - now));
    }
    if (answer.found.empty())
        return error(errc::name_not_resolved);
    return answer.found;
}

}  // namespace penstock::net
