// Preloaded into the daemon: counts its allocations and its system calls on sockets, in a file that
// the test maps. Not linked with anything of Penstock.
//
// The file named by PENSTOCK_COUNTS holds one 64-bit integer for each counter, in this order.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

enum counter { allocations, receives, empty_receives, sends, splices, waits, controls, count };

std::atomic<std::uint64_t> unmapped[count];
std::atomic<std::uint64_t>* counters = unmapped;

void add(counter which) noexcept { counters[which].fetch_add(1, std::memory_order_relaxed); }

[[gnu::constructor]] void map_counters() {
    const char* const path = std::getenv("PENSTOCK_COUNTS");
    const int fd = path != nullptr ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void* const memory =
        ::mmap(nullptr, sizeof unmapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory != MAP_FAILED)
        counters = static_cast<std::atomic<std::uint64_t>*>(memory);
}

// The function that would have been called without us.
template <class Function>
Function next(const char* name) noexcept {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t number, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

void* malloc(std::size_t size) {
    add(allocations);
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
    add(allocations);
    return __libc_calloc(number, size);
}

void* realloc(void* block, std::size_t size) {
    add(allocations);
    return __libc_realloc(block, size);
}

ssize_t recv(int fd, void* into, std::size_t size, int flags) {
    static const auto real = next<decltype(&::recv)>("recv");
    add(receives);
    const ssize_t got = real(fd, into, size, flags);
    if (got < 0 && errno == EAGAIN)
        add(empty_receives);
    return got;
}

ssize_t send(int fd, const void* from, std::size_t size, int flags) {
    static const auto real = next<decltype(&::send)>("send");
    add(sends);
    return real(fd, from, size, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    static const auto real = next<decltype(&::sendmsg)>("sendmsg");
    add(sends);
    return real(fd, message, flags);
}

ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
               unsigned flags) {
    static const auto real = next<decltype(&::splice)>("splice");
    add(splices);
    return real(from, from_at, to, to_at, size, flags);
}

int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
    static const auto real = next<decltype(&::epoll_wait)>("epoll_wait");
    add(waits);
    return real(fd, events, most, timeout);
}

int epoll_ctl(int fd, int operation, int of, epoll_event* event) noexcept {
    static const auto real = next<decltype(&::epoll_ctl)>("epoll_ctl");
    add(controls);
    return real(fd, operation, of, event);
}
}
