// One connection to an endpoint: its stream, its place under the endpoint's cap, and what has to be
// remembered between two exchanges.
//
//   connecting ─► busy ◄──► idle ─► closed
//
// Lifetime: owned by whoever uses it (connector, exchange, pool). While idle it watches its socket:
// whatever comes then, FIN or bytes, was not asked for, and its owner is told to close it.
#pragma once

#include "penstock/net/stream.hpp"
#include "upstream/pool.hpp"

#include <string>

namespace penstock::upstream {

class connection;

class idle_owner {
 public:
    // Something came on an idle connection. It may be closed now, but destroyed only later.
    virtual void on_idle_event(connection& of, bool closed_by_peer) noexcept = 0;

 protected:
    ~idle_owner() = default;
};

class connection final : private net::socket_watcher {
 public:
    connection(net::worker& home, net::unique_fd fd, std::size_t endpoint)
        : stream_(home, std::move(fd)), endpoint_(endpoint) {}

    [[nodiscard]] net::stream& stream() noexcept { return stream_; }
    [[nodiscard]] std::size_t endpoint() const noexcept { return endpoint_; }
    // It has carried an exchange before the present one.
    [[nodiscard]] bool reused() const noexcept { return exchanges_ > 1; }
    // When it idled before the present exchange; nothing if it is not reused.
    [[nodiscard]] const idle_period& idled() const noexcept { return idled_; }
    // Where heads are serialised; keeps its capacity from one exchange to the next.
    [[nodiscard]] std::string& scratch() noexcept { return scratch_; }

    void hold(place held) noexcept { place_ = std::move(held); }
    [[nodiscard]] bool holds_place() const noexcept { return static_cast<bool>(place_); }
    // Takes the place away, so that it outlives the connection.
    [[nodiscard]] place give_up_place() noexcept { return std::move(place_); }

    void begin_exchange(time_point now) noexcept;
    void end_exchange(time_point now) noexcept { idle_since_ = now; }
    // Begins to watch. `allowance` is its place among the idle ones.
    void begin_idle(idle_owner& owner, place allowance) noexcept;
    void end_idle() noexcept;
    [[nodiscard]] time_point idle_since() const noexcept { return idle_since_; }

    // Whether the origin has closed it, or sent something that was not asked for. Never consumes a
    // byte of a connection that is then used. `memory` reads only if the kernel has announced
    // something; `kernel` always asks, which costs a system call.
    enum class condition : std::uint8_t { quiet, bytes, closed };
    enum class source : std::uint8_t { memory, kernel };
    [[nodiscard]] condition look(source at);
    [[nodiscard]] bool spoiled(source at) { return look(at) != condition::quiet; }
    // Closes the socket and gives the places back; the object lives on until it is safe to go.
    void close() noexcept;

 private:
    void on_readable() noexcept override;
    void on_peer_closed() noexcept override;

    // Before the stream, so that they are given back only once the socket is closed.
    place place_;
    place allowance_;
    net::stream stream_;
    std::size_t endpoint_;
    idle_owner* owner_ = nullptr;
    time_point idle_since_{};
    idle_period idled_;
    std::uint64_t exchanges_ = 0;
    std::string scratch_;
};

}  // namespace penstock::upstream
