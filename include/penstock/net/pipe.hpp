// Pipes through which splice(2) moves bytes from socket to socket without a copy into this process.
// A worker keeps a few; who moves a body borrows one for as long as it moves. Linux only.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/net/socket.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace penstock::net {

class pipe_pool;

// Owns a pipe; an empty one with its pool's room left goes back there when destroyed, one that
// still holds bytes is closed, so that they can never reach another connection.
class pipe {
 public:
    // What it holds at most, as far as the kernel grants it; also the bound on one move.
    static constexpr std::size_t bytes_max = 256 * 1024;

    pipe() noexcept = default;
    pipe(pipe&& other) noexcept = default;
    pipe& operator=(pipe&& other) noexcept = delete;
    ~pipe();

    explicit operator bool() const noexcept { return static_cast<bool>(read_end_); }
    // Bytes that were moved in and not out yet.
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

    // One system call each, non-blocking; errc::would_block if the socket has nothing to give or
    // takes nothing. 0 bytes filled = end of stream. `fill` is for an empty pipe, where a full pipe
    // and an empty socket cannot be confused.
    [[nodiscard]] result<std::size_t> fill(int from_socket, std::size_t max);
    [[nodiscard]] result<std::size_t> drain(int to_socket);

 private:
    friend class pipe_pool;
    unique_fd read_end_;
    unique_fd write_end_;
    std::size_t held_ = 0;
    pipe_pool* pool_ = nullptr;
};

class pipe_pool {
 public:
    static constexpr std::size_t cached_max = 16;
    // Beyond this, bodies are copied. Each takes two descriptors, which the budget of the process
    // (app/descriptor_limit) sets aside for every worker.
    static constexpr std::size_t open_max = 32;

    pipe_pool() = default;
    pipe_pool(const pipe_pool&) = delete;
    pipe_pool& operator=(const pipe_pool&) = delete;
    ~pipe_pool();

    // An empty pipe; none if too many are in use or the kernel has none to give.
    [[nodiscard]] pipe take();
    // Closes those that nobody uses.
    void clear() noexcept { free_.clear(); }
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

 private:
    friend class pipe;
    void give_back(pipe& used) noexcept;

    struct ends {
        unique_fd read;
        unique_fd write;
    };
    std::vector<ends> free_;
    std::size_t in_use_ = 0;
};

}  // namespace penstock::net
