// The admin endpoints: a handler on an ordinary listener of the control thread. GET /metrics,
// /healthz, /readyz, /status. Reads counters while they change, never the request path's own
// structures.
//
// Lifetime: `process_source` outlives the handler. What a view points to stays valid until the view
// is gone, because both are used on the control thread only.
#pragma once

#include "penstock/base/names.hpp"
#include "penstock/downstream/server.hpp"
#include "penstock/net/listener.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/proxy/access_log.hpp"
#include "penstock/proxy/metrics.hpp"
#include "penstock/upstream/cluster.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace penstock::admin {

struct certificate_view {
    std::string file;            // as configured
    std::int64_t not_after = 0;  // seconds since the epoch
};

struct listener_view {
    name_id id = no_name;
    std::vector<std::string> bound;  // "127.0.0.1:8080"
    bool tls = false;
    const net::connection_count* counts = nullptr;
    std::vector<const downstream::server_counters*> workers;
    std::vector<certificate_view> certificates;
};

struct upstream_view {
    const upstream::shared_upstream* shared = nullptr;
    std::vector<const upstream::cluster_counters*> workers;
};

struct worker_view {
    const net::worker* worker = nullptr;
    const proxy::worker_metrics* metrics = nullptr;
    const byte_ring* access = nullptr;  // null = no access log
};

struct process_view {
    std::uint64_t generation = 0;
    bool last_reload_ok = true;
    std::string last_reload_error;    // one line, empty if it went well
    std::int64_t last_reload_at = 0;  // seconds since the epoch
    std::int64_t started_at = 0;
    bool ready = false;  // listening and not draining
    bool draining = false;
    std::string config_file;
    std::uint64_t access_lost = 0;  // access-log lines that could not be written to their file
    std::size_t retired_generations = 0;  // before the present one, and still in use
    std::size_t retired_upstreams = 0;
    std::vector<listener_view> listeners;
    std::vector<upstream_view> upstreams;
    std::vector<worker_view> workers;
};

class process_source {
 public:
    [[nodiscard]] virtual process_view view() const = 0;

 protected:
    ~process_source() = default;
};

// Prometheus text format 0.0.4; docs/metrics.md has the families.
[[nodiscard]] std::string metrics_text(const process_view& of);
// The JSON of /status.
[[nodiscard]] std::string status_json(const process_view& of);

[[nodiscard]] std::shared_ptr<exchange::handler> make_handler(const process_source& of);

}  // namespace penstock::admin
