// The connections of one cluster on one worker: idle ones kept for reuse, places under the caps
// that all workers share, and the queue of exchanges that wait for either.
//
// Flow: `take_idle`; if there was none, `obtain` waits for a place and connects. `give_back` ends
// the use: who waits gets it, else it idles or is closed.
//
// Across workers: who waits says so in shared_endpoint::waiting and calls rebalance; a worker with
// idle connections then closes some, and calls back. A place is only taken by a compare-exchange
// below the cap, so the cap is exact; a lost wake-up costs `retry_interval` at most.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/connection.hpp"
#include "upstream/contention.hpp"
#include "upstream/pool.hpp"

#include <memory>
#include <vector>

namespace penstock::upstream {

// What an attempt asks for. `endpoint` is changed when another one has room first.
struct lease_wish {
    std::size_t endpoint = 0;
    bool fresh = false;       // no connection that has carried an exchange
    bool pinned = false;      // this endpoint and no other
    bool repeatable = false;  // may be sent again if the connection turns out to be dead
    std::uint64_t tried = 0;  // endpoints that must not take its place, one bit each
};

class connection_pool final : private idle_owner, private net::deadline {
 public:
    static constexpr milliseconds retry_interval = 50ms;

    // What a pool belongs to; all of it outlives the pool.
    struct surroundings {
        net::worker& home;
        shared_upstream& shared;
        net::tls_context* tls;
        cluster_counters& counters;
        upstream::contention& contention;
    };
    explicit connection_pool(const surroundings& in);
    ~connection_pool() override;

    // The most recently used idle connection that is still good, or null. For a request that can't
    // be repeated only one that is known to be alive, and young enough to stay so.
    [[nodiscard]] std::unique_ptr<connection> take_idle(const lease_wish& wish);
    // A connection after waiting for one, or why there is none: errc::queue_full,
    // errc::queue_timeout, what connecting met, or what `from.aborted` fired with.
    [[nodiscard]] net::task<result<std::unique_ptr<connection>>> obtain(exchange::request& from,
                                                                        lease_wish& wish);
    void give_back(std::unique_ptr<connection> freed, bool reusable);
    // Closes a connection whose exchange is given up and passes its place on at once. Its object
    // still comes back by `give_back`.
    void give_up(connection& of);

    [[nodiscard]] idle_age& age_of(std::size_t endpoint) noexcept;
    // True if a further exchange would have to wait there.
    [[nodiscard]] bool full(std::size_t endpoint) const noexcept;

    void rebalance() noexcept;
    void retire() noexcept;

 private:
    class waiter;
    struct endpoint_state {
        std::vector<std::unique_ptr<connection>> idle;  // the latest used is last
        idle_age age;
        freed_decision decision;
        std::uint32_t waiting = 0;  // of this worker
    };

    void on_idle_event(connection& of, bool closed_by_peer) noexcept override;
    void on_expire(error why) noexcept override;

    [[nodiscard]] place take_place(const exchange::request& from, const lease_wish& wish);
    [[nodiscard]] place new_place(std::size_t endpoint) noexcept;
    [[nodiscard]] bool waits_elsewhere(std::size_t endpoint) const noexcept;
    [[nodiscard]] waiter* first_waiter(std::size_t endpoint) const noexcept;
    [[nodiscard]] waiter* local_waiter(std::size_t endpoint) const noexcept;
    [[nodiscard]] bool make_room(const exchange::request& from) noexcept;
    net::task<error> wait_in_queue(waiter& self, exchange::request& from);
    void enqueue(waiter& of, const exchange::request& from);
    void dequeue(waiter& of) noexcept;
    void leave(waiter& of, error why) noexcept;
    [[nodiscard]] bool extend(waiter& of) noexcept;
    void hand_over(waiter& to, std::unique_ptr<connection> freed, bool reusable);
    void grant(waiter& to, std::size_t endpoint, place held);
    void discard(std::unique_ptr<connection> idle);
    void free_place(std::size_t endpoint, place freed);
    void serve_queue();
    [[nodiscard]] bool serve_next(std::size_t endpoint, waiter& next);
    void call_others();

    [[nodiscard]] bool keep_idle(std::unique_ptr<connection>& freed);
    [[nodiscard]] std::unique_ptr<connection> remove_idle(std::size_t endpoint, std::size_t at);
    [[nodiscard]] bool overdue(const connection& of, time_point now) const noexcept;
    // True if a connection that has idled for so long may be given to it.
    [[nodiscard]] bool suits(const lease_wish& wish, std::size_t endpoint,
                             nanoseconds idled) const noexcept;
    void note_outlived(endpoint_state& of, time_point now) const noexcept;
    void close_overdue(time_point now);
    void close_for_others();
    void sweep_at(time_point at) noexcept;
    [[nodiscard]] time_point next_sweep(time_point now) const noexcept;

    net::worker& home_;
    shared_upstream& shared_;
    net::tls_context* tls_;
    cluster_counters& counters_;
    contention& contention_;
    std::vector<endpoint_state> endpoints_;
    std::vector<std::unique_ptr<connection>> closed_;  // until it is safe to destroy them
    std::uint32_t queued_ = 0;
    bool retired_ = false;
};

}  // namespace penstock::upstream
