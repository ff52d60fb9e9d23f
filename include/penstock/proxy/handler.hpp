// The proxy itself: a handler for one worker and one generation. Route → admission → pick → send →
// relay → retry; every failure becomes a reply with a reason (proxy/failure), every exchange a
// count and a log entry.
//
// Lifetime: held by the listener states that use it, and so by every exchange in flight; it goes
// when the last of them ends. Its clusters live as long as it does.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/client_rules.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/proxy/access_log.hpp"
#include "penstock/proxy/metrics.hpp"
#include "penstock/proxy/router.hpp"
#include "penstock/upstream/cluster.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::proxy {

struct compiled_route;

// Everything compiled from one configuration that the request path reads. Immutable, shared by all
// workers.
struct generation {
    generation(std::uint64_t number, config::model from);

    // Null for no_name.
    [[nodiscard]] const compiled_route* route_of(name_id name) const noexcept;

    std::uint64_t id;
    config::model model;
    proxy::router router;
    std::vector<name_id> route_ids;  // as model.routes
    std::unordered_map<name_id, const compiled_route*> routes_by_id;
    // Of a route: the first of its upstreams as an index into model.upstreams, or npos.
    std::vector<std::size_t> upstreams;
    std::vector<std::shared_ptr<const compiled_route>> compiled;  // as model.routes
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    exchange::client_rules clients;  // who a request's client is
    // What this process calls itself in CDN-Loop and Via; seen in a request it means a loop.
    std::string via;
};

struct handler_parts {
    net::worker& home;
    std::shared_ptr<const proxy::generation> generation;
    std::vector<std::shared_ptr<upstream::cluster>> clusters;  // as model.upstreams
    std::shared_ptr<worker_metrics> metrics;
    std::shared_ptr<proxy::access_log> access;  // null = none; settings are the generation's
};
[[nodiscard]] std::shared_ptr<exchange::handler> make_handler(handler_parts parts);

// The same string for the whole life of the process: "penstock-" and eight random hex digits.
[[nodiscard]] const std::string& instance_name();

}  // namespace penstock::proxy
