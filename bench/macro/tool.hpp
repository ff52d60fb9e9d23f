// What the benchmark's programs share: arguments, time, sockets of the loopback.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace penstock::bench {

// `--name value` pairs.
class arguments {
 public:
    arguments(int count, char** values) {
        for (int i = 1; i < count; i += 2) {
            if (i + 1 >= count)
                throw std::runtime_error(std::string(values[i]) + " needs a value");
            given_[values[i]] = values[i + 1];
        }
    }
    [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
        known_.insert(name);
        const auto found = given_.find(name);
        return found == given_.end() ? otherwise : found->second;
    }
    [[nodiscard]] double number(const std::string& name, double otherwise) const {
        const std::string found = text(name, "");
        return found.empty() ? otherwise : std::strtod(found.c_str(), nullptr);
    }
    // Throws for names that nobody asked for.
    void check() const {
        for (const auto& [name, value] : given_) {
            if (!known_.contains(name))
                throw std::runtime_error("unknown option: " + name);
        }
    }

 private:
    std::map<std::string, std::string> given_;
    mutable std::set<std::string> known_;
};

inline std::int64_t now() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}
inline std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

inline sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

inline void without_delay(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline int connect_to(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port);
    if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    without_delay(fd);
    return fd;
}

// A listening socket on a port of its own; says which.
inline int listen_somewhere(int& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 4096) != 0 ||
        ::getsockname(fd, generic, &size) != 0)
        throw std::runtime_error("cannot listen");
    port = ntohs(address.sin_port);
    return fd;
}

template <typename Body>
int run_tool(const Body& body) {
    rlimit open_files{};
    if (::getrlimit(RLIMIT_NOFILE, &open_files) == 0) {
        open_files.rlim_cur = open_files.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &open_files);
    }
    try {
        body();
        return 0;
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "%s\n", thrown.what());
        return 2;
    }
}

}  // namespace penstock::bench
