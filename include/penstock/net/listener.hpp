// Listening sockets and the accept loop. Every worker has a socket of its own per address
// (SO_REUSEPORT), so the kernel spreads connections and no lock is shared.
#pragma once

#include "penstock/net/address_count.hpp"
#include "penstock/net/address_rate.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/socket.hpp"
#include "penstock/net/task.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace penstock::net {

struct listen_options {
    int backlog = 4096;
    // Another socket of this process listens there already (on all addresses, or on one of them).
    bool shared = false;
};

// Opens `count` sockets on one address. Port 0 picks one port for all of them; `bound` receives it.
[[nodiscard]] result<std::vector<unique_fd>> open_listeners(const socket_address& at, int count,
                                                            const listen_options& options,
                                                            socket_address& bound);

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
