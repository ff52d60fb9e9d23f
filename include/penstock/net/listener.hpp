// Listening sockets and the accept loop. Every worker has a socket of its own per address
// (SO_REUSEPORT), so the kernel spreads connections and no lock is shared. Of a Unix socket, which
// the kernel has no such thing for, all workers accept from one.
#pragma once

#include "penstock/net/address_count.hpp"
#include "penstock/net/address_rate.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/socket.hpp"
#include "penstock/net/task.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace penstock::net {

struct listen_options {
    int backlog = 4096;
    // Another socket of this process listens there already (on all addresses, or on one of them).
    bool shared = false;
    // [::] takes IPv4 as well. Where the system has no IPv6 it is 0.0.0.0 that is bound.
    bool both_families = false;
    std::uint32_t unix_mode = 0660;  // of the file of a Unix socket
};

// Opens `count` sockets on one address. Port 0 picks one port for all of them; `bound` receives it.
// The file of a Unix socket is replaced if nobody listens there; who removes it is unix_file.
[[nodiscard]] result<std::vector<unique_fd>> open_listeners(const socket_address& at, int count,
                                                            const listen_options& options,
                                                            socket_address& bound);

// The file of a Unix socket that this process listens on: removed when this object goes, unless
// another has taken its place by then.
class unix_file {
 public:
    explicit unix_file(std::string path);
    unix_file(const unix_file&) = delete;
    unix_file& operator=(const unix_file&) = delete;
    ~unix_file();
    // Changes the mode of the file. An error too if another file has taken its place.
    [[nodiscard]] error set_mode(std::uint32_t mode) const noexcept;

 private:
    // Whether the path still leads to this file.
    [[nodiscard]] bool in_place() const noexcept;

    std::string path_;
    unique_fd held_;  // as long as it is, no other file gets the same number
};

// What one listener has over all workers; written on accept and close only, but for the rate and
// the bytes that are held for slow clients.
struct connection_count {
    std::atomic<std::uint64_t> open{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};             // over the cap, and told so
    std::atomic<std::uint64_t> refused_by_address{0};  // over the cap of one address
    std::atomic<std::uint64_t> ahead{0};               // bytes held for slow clients
    address_count by_address;                          // while there is such a cap
    address_rate requests_by_address;                  // likewise
};

// Accepts on one worker until `stop`. 4 connections a turn, and up to 64 after turns that took long
// by other work. EMFILE, ENFILE and ENOMEM pause accepting for 100 ms instead of spinning.
class listener {
 public:
    struct accepted {
        unique_fd fd;
        socket_address peer;
    };
    class acceptor {
     public:
        // False = the listener is to pause (over its cap); `resume` continues.
        [[nodiscard]] virtual bool may_accept() noexcept = 0;
        virtual void on_accept(accepted connection) = 0;

     protected:
        ~acceptor() = default;
    };

    listener(worker& home, unique_fd fd, acceptor& owner);
    ~listener();
    // Runs to the end: returns after `stop`. Spawned by its owner.
    [[nodiscard]] task<> serve();
    // A connection ended: accepting goes on if it was paused.
    void resume() noexcept;
    // Accepts what waits in the kernel's queue, then closes the socket. Over its cap the owner
    // takes none, and those connections are reset.
    void stop() noexcept;

 private:
    class pause;
    // Why a turn of accepting ended.
    enum class turn_end { drained, more, held, exhausted };
    [[nodiscard]] turn_end accept_turn() noexcept;
    [[nodiscard]] turn_end accept_some();
    void complain(error why) noexcept;

    worker& home_;
    socket socket_;
    acceptor& owner_;
    std::unique_ptr<pause> pause_;
    bool stopped_ = false;
};

}  // namespace penstock::net
