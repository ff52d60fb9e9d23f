// connection_home: what the connections of one server share.
#pragma once

#include "downstream/record_pool.hpp"
#include "downstream/serving.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/worker.hpp"

#include <memory>
#include <utility>

namespace penstock::downstream {

struct connection_home {
    connection_home(net::worker& on, std::shared_ptr<const listener_state> by,
                    net::connection_count& shared) noexcept
        : worker(on), counts(shared), state(std::move(by)) {}

    // One more request of this client; false if it has sent too many within a second.
    [[nodiscard]] bool admits(const net::socket_address& from) const {
        const std::uint32_t most = state->settings.limit.requests_per_address;
        return most == 0 || counts.requests_by_address.add(from, most, worker.now());
    }

    net::worker& worker;
    net::connection_count& counts;  // of the listener, over all workers
    std::shared_ptr<const listener_state> state;
    server_counters counters;
    serving_pool servings;
    record_pool records;
    bool draining = false;
};

}  // namespace penstock::downstream
