// The data workers together: starts them, hands each its part of a new generation, ends them. Used
// on the control thread only.
//
// A commit has two halves: everything that can fail (sockets) happens before the first worker is
// told anything; telling them cannot fail.
#pragma once

#include "app/binds.hpp"
#include "app/compile.hpp"
#include "app/worker_side.hpp"
#include "penstock/admin/admin.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::app {

// Why a commit was refused: nothing has changed.
struct commit_failure {
    config::location where;
    std::string message;
    bool by_system = false;  // the operating system said no
};

class fleet {
 public:
    // `control` is where `drain` reports; it outlives the fleet.
    fleet(net::worker& control, int workers);
    fleet(const fleet&) = delete;
    fleet& operator=(const fleet&) = delete;
    // No connection is left.
    ~fleet();

    [[nodiscard]] int size() const noexcept { return static_cast<int>(sides_.size()); }
    // Ties each worker to one CPU of this thread's affinity mask.
    void pin();
    // What shared_upstream::rebalance is to be; empty with one worker.
    [[nodiscard]] rebalance_function make_rebalance();

    // From now on `next` is served. `access` has a log for each worker, or is empty.
    [[nodiscard]] std::optional<commit_failure> commit(
        std::shared_ptr<const compiled> next,
        const std::vector<std::shared_ptr<proxy::access_log>>& access);

    // Listeners, upstreams and workers of a view.
    void describe(admin::process_view& into) const;
    // "127.0.0.1:8080", where a listener is bound first; empty if there is none of that name.
    [[nodiscard]] std::string bound_to(std::string_view listener) const;

    // The workers give back what they keep for reuse.
    void shrink();
    // Workers that find the level raised do so as well.
    void set_memory_level(net::memory_level to);

    // Every worker has ended accepting when this returns; `done` is called on the control thread,
    // later, once no connection is left.
    void drain(std::function<void()> done);
    // Ends every connection. Returns how many there were.
    std::size_t abort();

 private:
    struct served_listener {
        bound_server bound;
        std::shared_ptr<net::connection_count> counts;
        admin::listener_view view;
        config::socket_options options;  // that its sockets have
    };
    struct served_upstream {
        std::shared_ptr<upstream::shared_upstream> shared;
        admin::upstream_view view;
    };
    struct opened_listener {
        std::vector<bound_address> binds;                 // of every address, kept and new
        std::vector<std::vector<opened_socket>> sockets;  // of each worker
    };
    using opened_list = std::vector<opened_listener>;

    // True if a socket of ours has that port on an address that covers this one, or is covered by
    // it: 0.0.0.0:80 and 127.0.0.1:80.
    [[nodiscard]] bool overlaps(const bind_target& of) const;

    [[nodiscard]] std::optional<commit_failure> open(const bind_plan& plan,
                                                     const std::vector<config::listener>& wanted,
                                                     opened_list& into);
    // The server that `key` belongs to, or null if it is a new one.
    [[nodiscard]] const served_listener* find(server_key key) const;
    // Files of Unix sockets that stay get the mode that is wanted of them now.
    [[nodiscard]] std::optional<commit_failure> set_modes(
        const bind_plan& plan, const std::vector<config::listener>& wanted) const;
    // Options that a socket which stays cannot get.
    void warn_of_kept_sockets(const bind_plan& plan,
                              const std::vector<config::listener>& wanted) const;
    [[nodiscard]] std::vector<served_listener> next_listeners(const bind_plan& plan,
                                                              const compiled& next,
                                                              opened_list& opened) const;
    void apply(const bind_plan& plan, const std::shared_ptr<const compiled>& next,
               opened_list& opened,
               const std::vector<std::shared_ptr<proxy::access_log>>& access) noexcept;
    [[nodiscard]] worker_report order(std::size_t worker, const bind_plan& plan,
                                      std::shared_ptr<const compiled> next, opened_list& opened,
                                      std::shared_ptr<proxy::access_log> access);
    void add_report(const worker_report& from);
    void log_changes(const bind_plan& plan, const opened_list& opened) const;

    net::worker& control_;
    std::vector<served_listener> listeners_;
    std::vector<served_upstream> upstreams_;
    server_key next_key_ = 1;
    std::vector<std::unique_ptr<worker_side>> sides_;
};

}  // namespace penstock::app
