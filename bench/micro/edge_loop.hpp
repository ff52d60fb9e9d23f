// The smallest engine of the kind that net/socket is: each socket is registered once, for edges; a
// short read means drained; whoever waits is resumed inline.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <utility>

namespace penstock::bench {

// Runs by itself until it ends.
struct edge_task {
    struct promise_type {
        edge_task get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

class edge_loop;

class edge_socket {
 public:
    edge_socket() = default;
    edge_socket(const edge_socket&) = delete;
    edge_socket& operator=(const edge_socket&) = delete;
    ~edge_socket() { ::close(fd_); }
    void open(edge_loop& in, int fd);
    void shut() noexcept { ::shutdown(fd_, SHUT_RDWR); }

    struct wait {
        bool& ready;
        std::coroutine_handle<>& waiter;
        [[nodiscard]] bool await_ready() const noexcept { return ready; }
        void await_suspend(std::coroutine_handle<> of) noexcept { waiter = of; }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] wait readable() noexcept { return {readable_, reader_}; }
    [[nodiscard]] wait writable() noexcept { return {writable_, writer_}; }

    // 0 = the end, of whatever kind.
    ssize_t read(char* to, std::size_t size) noexcept {
        const ssize_t got = ::recv(fd_, to, size, MSG_DONTWAIT);
        if (got < 0)
            return 0;
        if (static_cast<std::size_t>(got) < size && !closed_)
            readable_ = false;
        return got;
    }
    // -1 = nothing is taken now.
    ssize_t write(const char* from, std::size_t size) noexcept {
        const ssize_t sent = ::send(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < static_cast<ssize_t>(size))
            writable_ = false;
        return sent < 0 && errno != EAGAIN ? static_cast<ssize_t>(size) : sent;
    }

 private:
    friend class edge_loop;
    void on_events(std::uint32_t events) {
        closed_ = closed_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (closed_ || (events & EPOLLIN) != 0)
            readable_ = true;
        if (closed_ || (events & EPOLLOUT) != 0)
            writable_ = true;
        // The writer may be the last to hold this socket; one who reads holds it too.
        const auto writer = writable_ ? std::exchange(writer_, nullptr) : nullptr;
        const auto reader = readable_ ? std::exchange(reader_, nullptr) : nullptr;
        if (writer)
            writer.resume();
        if (reader)
            reader.resume();
    }

    int fd_ = -1;
    bool readable_ = false;
    bool writable_ = false;
    bool closed_ = false;
    std::coroutine_handle<> reader_;
    std::coroutine_handle<> writer_;
};

class edge_loop {
 public:
    edge_loop() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
    edge_loop(const edge_loop&) = delete;
    edge_loop& operator=(const edge_loop&) = delete;
    ~edge_loop() { ::close(fd_); }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    void on_listener(int fd, std::function<void()> accept) {
        accept_ = std::move(accept);
        add(fd, EPOLLIN, nullptr);
    }
    void add(int fd, std::uint32_t events, void* owner) const {
        epoll_event event{};
        event.events = events;
        event.data.ptr = owner;
        ::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event);
    }
    void turn(int timeout_ms) {
        epoll_event events[64];
        const int count = ::epoll_wait(fd_, events, 64, timeout_ms);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.ptr == nullptr)
                accept_();
            else
                static_cast<edge_socket*>(events[i].data.ptr)->on_events(events[i].events);
        }
    }

 private:
    int fd_;
    std::function<void()> accept_;
};

inline void edge_socket::open(edge_loop& in, int fd) {
    fd_ = fd;
    in.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, this);
}

}  // namespace penstock::bench
