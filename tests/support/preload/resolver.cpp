// Preloaded into a daemon: its only name server is 127.0.0.1, at the port PENSTOCK_RESOLVER_PORT.
// c-ares reads no port of an IPv4 server from resolv.conf. Not linked with anything of Penstock.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr in_port_t domain_port = 53;

template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

FILE* open_other(const char* name, const char* path, const char* mode) {
    static char text[] = "nameserver 127.0.0.1\n";
    if (std::strcmp(path, "/etc/resolv.conf") == 0)
        return ::fmemopen(text, sizeof text - 1, "r");
    return next<FILE* (*)(const char*, const char*)>(name)(path, mode);
}

}  // namespace

extern "C" {

FILE* fopen(const char* path, const char* mode) { return open_other("fopen", path, mode); }

FILE* fopen64(const char* path, const char* mode) { return open_other("fopen64", path, mode); }

int connect(int fd, const sockaddr* to, socklen_t size) {
    static const auto real = next<int (*)(int, const sockaddr*, socklen_t)>("connect");
    static const char* const port = std::getenv("PENSTOCK_RESOLVER_PORT");
    sockaddr_in other{};
    if (port == nullptr || to->sa_family != AF_INET || size < sizeof other)
        return real(fd, to, size);
    std::memcpy(&other, to, sizeof other);
    if (other.sin_port != htons(domain_port))
        return real(fd, to, size);
    other.sin_port = htons(static_cast<in_port_t>(std::atoi(port)));
    return real(fd, reinterpret_cast<const sockaddr*>(&other), sizeof other);
}

}  // extern "C"
