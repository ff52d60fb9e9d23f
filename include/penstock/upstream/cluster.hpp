// cluster: one configured upstream on one worker. Picks an endpoint, leases a connection to it and
// performs one exchange over it. Pure decisions (balancer, pool bookkeeping, endpoint) have their
// own headers in src/upstream; this is what `proxy` sees.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/share_board.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace penstock::upstream {

// State of an endpoint that all workers share: exact connection count, for `pool.connections`.
struct shared_endpoint {
    std::string name;  // as configured, "127.0.0.1:3000"
    exchange::name_id id = 0;
    std::vector<net::socket_address> addresses;  // never empty
    std::uint32_t weight = 1;
    std::string host;                           // for SNI and Host of HTTP/1.0 requests
    std::atomic<std::uint32_t> connections{0};  // open, all workers
    std::atomic<std::uint32_t> waiting{0};      // exchanges queued for a slot, all workers
    // How often it has asked for calm: each time doubles the interval of PINGs to it.
    std::atomic<std::uint32_t> calm{0};
};

// What all workers share of an upstream; built by the control thread, immutable but for the
// atomics.
struct shared_upstream {
    config::upstream settings;
    exchange::name_id id = 0;
    std::vector<std::unique_ptr<shared_endpoint>> endpoints;
    std::atomic<std::uint32_t> idle{0};  // idle connections, all workers
    // Bytes of HTTP/2 responses that wait here, and of windows that have grown, all workers.
    std::atomic<std::uint64_t> windows{0};
    share_board board;  // who holds and who waits, while somebody waits
    // Wakes queued exchanges and asks for idle connections to be given up, on every worker but the
    // calling one. Set by app; may be empty (one worker).
    std::function<void(shared_upstream&)> rebalance;
};

// Counters of one cluster, written by its worker, read by the scraper (relaxed).
struct cluster_counters {
    std::atomic<std::uint64_t> reused{0};
    std::atomic<std::uint64_t> fresh{0};
    std::atomic<std::uint64_t> stale{0};   // reused ones found dead before any response byte
    std::atomic<std::uint64_t> active{0};  // connections in use
    std::atomic<std::uint64_t> idle{0};
    std::atomic<std::uint64_t> queued{0};
    std::atomic<std::uint64_t> streams{0};   // HTTP/2 streams in use
    std::atomic<std::uint64_t> tunnels{0};   // connections and streams that carry raw bytes
    std::atomic<std::uint64_t> tls_full{0};  // handshakes, and those that resumed a session
    std::atomic<std::uint64_t> tls_resumed{0};
};

// How one attempt failed, in the terms that the retry decision needs.
struct attempt_failure {
    error why;
    exchange::reason reason = exchange::reason::none;
    bool reused = false;          // the connection had carried an exchange before
    bool request_sent = false;    // any byte of the request may have reached the origin
    bool body_consumed = false;   // bytes of the request body were taken and cannot be sent again
    bool response_begun = false;  // any byte of a response came
};

// Either a response or the failure, and which endpoint it was.
struct attempt {
    std::optional<exchange::response> response;
    attempt_failure failure;
    std::size_t endpoint = 0;
};

struct attempt_options {
    // It may be sent again if it fails over a pooled connection that was dead. Whatever may not
    // gets one that was looked at first, or a fresh one.
    bool repeatable = false;
    // No pooled connection: the replay of an exchange that met a stale one gets a fresh one.
    bool fresh_connection = false;
    // The endpoint of an earlier attempt to use again, or -1 to let the balancer pick.
    int endpoint = -1;
    // Endpoints that earlier attempts used, a bit for each of the first 64: not picked again while
    // another one is there.
    std::uint64_t tried = 0;
};

class cluster {
 public:
    // `tls` may be null for plain upstreams; it outlives the cluster.
    cluster(net::worker& home, std::shared_ptr<shared_upstream> shared,
            std::shared_ptr<net::tls_context> tls);
    ~cluster();
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    // One try at one endpoint: picks, leases (waits in the queue if the cap is reached), connects
    // if needed, sends, and returns once a final response head has come. Interim heads go to
    // from.interim (at most 8, 32 KiB). Charges the phases of from.record. The request's body is
    // pulled while the response is awaited. The response body owns the connection.
    // Response heads come without hop-by-hop fields and framing.
    [[nodiscard]] net::task<attempt> send(exchange::request& from, attempt_options how);

    // Closes idle connections beyond what is allowed and wakes queued exchanges (see rebalance).
    void rebalance() noexcept;
    // Closes idle connections and makes every later one close at its end. For removed upstreams.
    void retire() noexcept;
    [[nodiscard]] const cluster_counters& counters() const noexcept;
    [[nodiscard]] shared_upstream& shared() noexcept;
    // In-flight exchanges and connections; a cluster is destroyed only at zero.
    [[nodiscard]] std::size_t active() const noexcept;

    struct implementation;

 private:
    std::unique_ptr<implementation> impl_;
};

}  // namespace penstock::upstream
