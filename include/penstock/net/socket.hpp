// The socket engine: a non-blocking descriptor in the worker's edge-triggered epoll set, registered
// once. It remembers what the kernel last said (readable, writable, peer closed), so a coroutine
// waits only when there is nothing to do, and no read is made that could only say EAGAIN.
//
// `stream` builds TCP and TLS on it; nothing else does, so that another engine can take its place.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/net/event.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace penstock::net {

class pipe;
class worker;

// Owns a file descriptor.
class unique_fd {
 public:
    unique_fd() noexcept = default;
    explicit unique_fd(int fd) noexcept : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept;
    ~unique_fd() { reset(); }
    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept;

 private:
    int fd_ = -1;
};

// Ends a connection with RST; nothing of it stays behind in the kernel.
void reset(unique_fd connection) noexcept;

// Told of events that no coroutine waits for. Called from the poll loop; may close the socket, and
// may destroy it only by way of worker::spawn or an event.
class socket_watcher {
 public:
    virtual void on_readable() noexcept {}
    virtual void on_peer_closed() noexcept {}  // FIN, RST or error seen

 protected:
    ~socket_watcher() = default;
};

class socket {
 public:
    socket(worker& home, unique_fd fd);
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    ~socket();

    // One system call each; errc::would_block when the kernel has nothing to give or take.
    // 0 bytes read = end of stream, never after the connection broke; errc::too_large if there is
    // no room to read into.
    [[nodiscard]] result<std::size_t> read(std::span<char> into);
    [[nodiscard]] result<std::size_t> write(std::span<const iovec> from);
    // The same through a pipe: into an empty one, and out of one.
    [[nodiscard]] result<std::size_t> read_into(pipe& to, std::size_t max);
    [[nodiscard]] result<std::size_t> write_from(pipe& from);

    // co_await socket.readable(): error, or success once a read is worth trying. One waiter each.
    struct readiness {
        socket& owner;
        bool write;
        bool await_ready() const noexcept;
        void await_suspend(std::coroutine_handle<> waiter) noexcept;
        [[nodiscard]] error await_resume() noexcept;
    };
    [[nodiscard]] readiness readable() noexcept { return {*this, false}; }
    [[nodiscard]] readiness writable() noexcept { return {*this, true}; }

    // Every present and later wait or transfer fails with `why`; the first reason given stays.
    void abort(error why) noexcept;
    [[nodiscard]] error aborted() const noexcept { return aborted_; }
    // Resumes a waiting reader without an event, so that it looks at its owner's flags: a deadline
    // that must not end the connection, a wish to stop. Nothing happens if nobody waits.
    void wake_reader() noexcept;
    void wake_writer() noexcept;
    // Half-closes; ignored when the connection is gone already.
    void shutdown_write() noexcept;
    // Makes close() send RST instead of FIN.
    void reset_on_close() noexcept;
    void close() noexcept;
    // The file has other descriptors, which keep it in the epoll set when this one is closed.
    void share() noexcept { shared_ = true; }

    void watch(socket_watcher* watcher) noexcept { watcher_ = watcher; }
    [[nodiscard]] bool peer_closed() const noexcept { return peer_closed_; }
    // True once the connection is dead in both directions (RST, error, or both FINs).
    [[nodiscard]] bool peer_reset() const noexcept { return peer_reset_; }
    // Says that the kernel has nothing more, for callers that use the descriptor themselves.
    void drained(bool write) noexcept;
    // The next read asks the kernel, whatever it said last.
    void ask_again() noexcept { readable_ = true; }
    // True while the peer's kernel has not confirmed all that was written. The other side of TCP
    // confirms nothing that comes after its program has closed the connection. One system call.
    [[nodiscard]] bool unconfirmed() const noexcept;
    // The round trip to the peer as TCP has measured it; 0 if it cannot say. One system call.
    [[nodiscard]] nanoseconds round_trip() const noexcept;
    // Its events will be noted soon, and it will be told of them soon.
    void prefetch_state() const noexcept { __builtin_prefetch(&readable_); }
    void prefetch_reader() const noexcept {
        if (!reader_.handle_)
            return;
        const char* const frame = static_cast<const char*>(reader_.handle_.address());
        __builtin_prefetch(frame);
        __builtin_prefetch(frame + 64);
    }
    [[nodiscard]] bool maybe_readable() const noexcept { return readable_; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] worker& home() const noexcept { return home_; }

 private:
    friend class poller;
    // Remembers what the kernel said, without telling anybody. Returns what `tell` is to be given.
    [[nodiscard]] std::uint32_t note(std::uint32_t events) noexcept {
        const bool dead = (events & (EPOLLHUP | EPOLLERR)) != 0;
        const bool closed = dead || (events & EPOLLRDHUP) != 0;
        const bool input = closed || (events & EPOLLIN) != 0;
        const bool newly_closed = closed && !peer_closed_;
        readable_ = readable_ || input;
        writable_ = writable_ || dead || (events & EPOLLOUT) != 0;
        peer_closed_ = peer_closed_ || closed;
        peer_reset_ = peer_reset_ || dead;
        return (input ? std::uint32_t{EPOLLIN} : 0U) |
               (newly_closed ? std::uint32_t{EPOLLRDHUP} : 0U);
    }
    // Resumes those who wait for it.
    void tell(std::uint32_t noted);
    [[nodiscard]] error read_failed(error why) noexcept;
    void note_write_failed(error why) noexcept;
    [[nodiscard]] error broken() const noexcept {
        return {broken_, boost::system::system_category()};
    }

    // Waits for an event, as opposed to its turn in the ready queue.
    [[nodiscard]] static bool waits(const ready_hook& hook) noexcept {
        return hook.handle_ && !hook.queued();
    }
    static void resume(ready_hook& hook) { std::exchange(hook.handle_, nullptr).resume(); }

    worker& home_;
    socket_watcher* watcher_ = nullptr;
    ready_hook reader_;
    ready_hook writer_;
    packed_error aborted_;
    unique_fd fd_;
    bool readable_ = false;
    bool writable_ = false;
    bool peer_closed_ = false;
    bool peer_reset_ = false;
    bool shared_ = false;
    std::uint8_t broken_ = 0;  // the errno that a write was told; Linux has none above 133
};

}  // namespace penstock::net
