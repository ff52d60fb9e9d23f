// The HTTP/2 connections of one cluster on one worker, and the exchanges that wait for a stream of
// one. Each connection holds a place under the cap that all workers share.
//
// Flow: `obtain` gives the connection with the most free streams. When the last one of all is about
// to be taken, another connection is made meanwhile; without any, the exchange waits for it. Once
// it is there, those for whom it has no stream wait for a place: for another connection.
//
// With `protocol: auto` the first handshake says what an endpoint speaks: a connection that turns
// out to be HTTP/1 is handed to the first who waits, and the endpoint is left to connection_pool.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/contention.hpp"
#include "upstream/h2_client.hpp"

#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace penstock::upstream {

// Exactly one is there; neither = the endpoint speaks HTTP/1, and connection_pool has to be asked.
struct h2_lease {
    std::shared_ptr<h2_client> http2;
    std::unique_ptr<connection> http1;
};

class h2_pool final : private h2_client_owner {
 public:
    // How soon who waits for a place looks again.
    static constexpr milliseconds retry_interval = 50ms;
    // How long after a connection began to be made no exchange gives way to those that wait for it.
    // An origin that never answers must not keep them from streams that stand still.
    static constexpr milliseconds dial_promise = 250ms;

    // What a pool belongs to; counters and contention outlive it.
    struct surroundings {
        net::worker& home;
        std::shared_ptr<shared_upstream> shared;
        std::shared_ptr<net::tls_context> tls;
        cluster_counters& counters;
        upstream::contention& contention;
    };
    explicit h2_pool(const surroundings& in);
    ~h2_pool();

    // True if exchanges with this endpoint go over HTTP/2, as far as is known.
    [[nodiscard]] bool serves(std::size_t endpoint) const noexcept;
    // Errors as those of connection_pool::obtain.
    [[nodiscard]] net::task<result<h2_lease>> obtain(exchange::request& from, lease_wish wish);
    // A connection of connection_pool's that turned out to speak HTTP/2.
    [[nodiscard]] std::shared_ptr<h2_client> adopt(std::unique_ptr<connection> made);
    // True if a further exchange would have to wait there for a place.
    [[nodiscard]] bool full(std::size_t endpoint) const noexcept;

    // Gives idle connections up where exchanges of other workers wait.
    void rebalance() noexcept;
    void retire() noexcept;

 private:
    class waiter;
    class dial;
    struct endpoint_state {
        std::vector<std::shared_ptr<h2_client>> clients;
        // Those that take no new streams and are not over: they count until they are.
        std::vector<std::weak_ptr<h2_client>> leaving;
        idle_age age;
        std::deque<waiter*> waiting;
        std::shared_ptr<dial> dialling;
        std::pair<time_point, time_point> latest_tls;  // handshake, from and to
        time_point dial_began{};                       // the latest
        std::uint32_t wants_place = 0;                 // of those that wait
        std::uint32_t wants_dial = 0;                  // the others: a connection is being made
        bool speaks_http1 = false;
    };

    void on_slot(h2_client& of) noexcept override;
    void on_end(h2_client& of) noexcept override;
    // Of those that have idled for less than `idled`, if they have carried exchanges and idle.
    [[nodiscard]] std::shared_ptr<h2_client> best(
        std::size_t endpoint, nanoseconds idled = nanoseconds::max()) const noexcept;
    [[nodiscard]] std::shared_ptr<h2_client> choose(const lease_wish& wish);
    [[nodiscard]] place place_of_idle(std::size_t endpoint) noexcept;
    void begin_dial(std::size_t endpoint);
    void begin_dial(std::size_t endpoint, place held);
    void on_dialled(std::size_t endpoint, result<std::unique_ptr<connection>> made);
    [[nodiscard]] bool make_room(const exchange::request& from, std::size_t endpoint);
    [[nodiscard]] waiter* first_waiter(std::size_t endpoint) const;
    void wake(std::size_t endpoint, std::size_t most);
    void end_dial_waits(std::size_t endpoint) noexcept;
    static std::size_t give_up_idle(endpoint_state& of);
    [[nodiscard]] static std::size_t leaving(const endpoint_state& of) noexcept;
    static void retire_one(endpoint_state& of);
    void fail_waiting(std::size_t endpoint, error why) noexcept;
    net::task<> wait_for_slot(waiter& self, std::size_t endpoint, exchange::request& from,
                              time_point until);
    void ask_for_place(waiter& self, std::size_t endpoint);
    [[nodiscard]] bool being_made(std::size_t endpoint) const noexcept;
    [[nodiscard]] std::size_t room(std::size_t endpoint) const noexcept;

    net::worker& home_;
    std::shared_ptr<shared_upstream> shared_;
    std::shared_ptr<net::tls_context> tls_;
    cluster_counters& counters_;
    contention& contention_;
    std::vector<endpoint_state> endpoints_;
};

}  // namespace penstock::upstream
