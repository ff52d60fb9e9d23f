// connection_home: what the connections of one server share.
#pragma once

#include "downstream/serving.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/worker.hpp"

#include <memory>
#include <utility>

namespace penstock::downstream {

struct connection_home {
    connection_home(net::worker& on, std::shared_ptr<const listener_state> by) noexcept
        : worker(on), state(std::move(by)) {}

    net::worker& worker;
    std::shared_ptr<const listener_state> state;
    server_counters counters;
    serving_pool servings;
    bool draining = false;
};

}  // namespace penstock::downstream
