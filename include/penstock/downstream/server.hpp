// server: one configured listener on one worker. Accepts, performs TLS, runs a connection's codec,
// and hands its requests to the handler of the generation that is current when their head is read.
#pragma once

#include "penstock/base/histogram.hpp"
#include "penstock/config/model.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h2.hpp"
#include "penstock/net/listener.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/tls_failure.hpp"
#include "penstock/net/worker.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace penstock::downstream {

// Counters of one listener on one worker, written by that worker, read by the scraper (relaxed).
struct server_counters {
    std::atomic<std::uint64_t> active{0};  // connections within a request
    std::atomic<std::uint64_t> idle{0};    // open and between requests (or before the first)
    std::atomic<std::uint64_t> accepted{0};
    std::array<std::atomic<std::uint64_t>, net::tls_failure_count> handshakes_failed{};
    std::atomic<std::uint64_t> probes{0};   // connections that ended before a byte of a handshake
    std::atomic<std::uint64_t> streams{0};  // HTTP/2 requests in flight
    // HTTP/2 connections ended for a breach of the rules or of a limit, by what it was.
    std::array<std::atomic<std::uint64_t>, http::h2_breach_count> breaches{};
    // Successful handshakes: [resumed][TLS 1.3].
    std::array<std::array<std::atomic<std::uint64_t>, 2>, 2> handshakes_ok{};
    // How long they took, from the accepted connection on.
    enum handshake_end : std::uint8_t { full, resumed, failed };
    std::array<histogram, 3> handshake_times;
};

// What a listener is at present; replaced whole at reload, so a connection picks it up between
// requests. Not shared between workers.
struct listener_state {
    config::listener settings;
    exchange::name_id id = 0;
    std::uint64_t generation = 0;
    std::shared_ptr<exchange::handler> handler;
    std::shared_ptr<net::tls_context> tls;  // null on plain listeners
};

class server {
 public:
    // One server per listener name and worker; `counts` is shared by the workers of that listener.
    server(net::worker& home, std::shared_ptr<const listener_state> state,
           std::shared_ptr<net::connection_count> counts);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // Begins accepting on a socket; several for a list of binds.
    void listen(net::unique_fd fd, const net::socket_address& bound);
    // Stops accepting on the socket bound to this address (an address removed at reload).
    void unlisten(const net::socket_address& bound);
    // New requests are served by this from now on.
    void update(std::shared_ptr<const listener_state> state);
    // Stops accepting; idle connections are closed, the others answer `Connection: close`.
    void drain();
    // Ends every connection now, in-flight ones included.
    void abort();
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] const server_counters& counters() const noexcept;

    struct implementation;

 private:
    std::shared_ptr<implementation> impl_;
};

}  // namespace penstock::downstream
