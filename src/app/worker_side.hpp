// What lives on one data worker: its servers, its clusters, its counters. The control thread gives
// orders; they are carried out on the worker's own thread, and what comes back are pointers to
// counters, which may be read while they change.
//
// Lifetime: servers and clusters are made, used and destroyed on the worker's thread. One that is
// not wanted any more first serves what is in flight: an order lets go of those with nothing to do,
// and a deadline looks for those that end later.
#pragma once

#include "app/binds.hpp"
#include "app/compile.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/listener.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/proxy/access_log.hpp"
#include "penstock/proxy/metrics.hpp"
#include "penstock/upstream/cluster.hpp"

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::app {

struct opened_socket {
    net::unique_fd fd;
    net::socket_address bound;
};

// What is to be done for one listener on one worker.
struct server_order {
    server_key key = 0;
    std::shared_ptr<net::connection_count> counts;
    std::vector<opened_socket> opened;
    std::vector<net::socket_address> closed;
};

struct worker_order {
    std::shared_ptr<const compiled> plan;
    std::vector<server_order> servers;  // as the listeners of the model
    std::vector<server_key> gone;
    std::shared_ptr<proxy::access_log> access;  // null = off
};

// Valid until the next order is carried out.
struct worker_report {
    std::vector<const downstream::server_counters*> servers;   // as the listeners of the model
    std::vector<const upstream::cluster_counters*> upstreams;  // as the upstreams of the model
};

class worker_side {
 public:
    explicit worker_side(int index);
    worker_side(const worker_side&) = delete;
    worker_side& operator=(const worker_side&) = delete;
    ~worker_side();
    // Lets go of everything, on its thread, and joins it. Nothing is in flight any more. What other
    // workers still post to this one stays undone.
    void end();

    [[nodiscard]] net::worker& home() noexcept { return home_; }
    [[nodiscard]] const net::worker& home() const noexcept { return home_; }
    [[nodiscard]] const proxy::worker_metrics& metrics() const noexcept { return *metrics_; }

    // From another thread: does `work` on this worker and waits for its result. Workers never wait
    // for the control thread, so this ends within a turn of the loop.
    template <class Work>
    auto call(Work work) {
        std::packaged_task<std::invoke_result_t<Work>()> wrapped(std::move(work));
        auto outcome = wrapped.get_future();
        home_.post([wrapped = std::move(wrapped)]() mutable { wrapped(); });
        return outcome.get();
    }

    // All below: on its own thread.

    worker_report carry_out(worker_order order);
    // Idle connections of this upstream are given up, and queued exchanges try again.
    void rebalance(const upstream::shared_upstream* of) noexcept;
    // Ends accepting; `done` is called here once no connection is left.
    void drain(std::function<void()> done);
    // Ends every connection now. Returns how many there were.
    std::size_t abort();

 private:
    using cluster_map =
        std::unordered_map<const upstream::shared_upstream*, std::shared_ptr<upstream::cluster>>;
    class sweeper;

    [[nodiscard]] std::vector<std::shared_ptr<upstream::cluster>> take_over(const compiled& plan);
    [[nodiscard]] downstream::server& update_server(server_order& order, const compiled& plan,
                                                    std::size_t at,
                                                    std::shared_ptr<exchange::handler> handler);
    [[nodiscard]] std::size_t connections() const noexcept;
    void sweep() noexcept;
    void clear() noexcept;

    net::worker home_;
    std::shared_ptr<proxy::worker_metrics> metrics_ = std::make_shared<proxy::worker_metrics>();
    std::map<server_key, std::unique_ptr<downstream::server>> servers_;
    std::vector<std::unique_ptr<downstream::server>> leaving_;  // their listener is gone
    cluster_map clusters_;
    cluster_map retired_;  // exchanges in flight may still use them
    std::function<void()> drained_;
    std::unique_ptr<sweeper> sweeper_;
    std::thread thread_;
};

}  // namespace penstock::app
