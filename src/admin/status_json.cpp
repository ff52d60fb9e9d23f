#include "penstock/admin/admin.hpp"
#include "penstock/base/build_info.hpp"
#include "penstock/base/json.hpp"

#include <algorithm>
#include <atomic>

namespace penstock::admin {
namespace {

template <class Counters>
std::uint64_t sum(const std::vector<const Counters*>& workers,
                  std::atomic<std::uint64_t> Counters::*member) {
    std::uint64_t total = 0;
    for (const Counters* const one : workers)
        total += (one->*member).load(std::memory_order_relaxed);
    return total;
}

void put_states(json_writer& out, std::uint64_t active, std::uint64_t idle) {
    out.key("connections");
    out.begin_object();
    out.member("active", active);
    out.member("idle", idle);
    out.end_object();
}

void put_listener(json_writer& out, const listener_view& from) {
    using counters = downstream::server_counters;
    out.begin_object();
    out.member("name", name_of(from.id));
    out.key("addresses");
    out.begin_array();
    for (const std::string& one : from.bound)
        out.value(one);
    out.end_array();
    out.member("tls", from.tls);
    put_states(out, sum(from.workers, &counters::active), sum(from.workers, &counters::idle));
    out.member("accepted", from.counts->accepted.load(std::memory_order_relaxed));
    out.member("refused", from.counts->refused.load(std::memory_order_relaxed));
    out.end_object();
}

void put_upstream(json_writer& out, const upstream_view& from) {
    using counters = upstream::cluster_counters;
    out.begin_object();
    out.member("name", name_of(from.shared->id));
    put_states(out, sum(from.workers, &counters::active), sum(from.workers, &counters::idle));
    out.member("queued", sum(from.workers, &counters::queued));
    out.key("endpoints");
    out.begin_array();
    for (const auto& one : from.shared->endpoints) {
        out.begin_object();
        out.member("address", one->name);
        out.member("weight", one->weight);
        out.member("state", "up");
        out.member("connections", one->connections.load(std::memory_order_relaxed));
        out.member("waiting", one->waiting.load(std::memory_order_relaxed));
        out.end_object();
    }
    out.end_array();
    out.end_object();
}

void put_worker(json_writer& out, const worker_view& from) {
    out.begin_object();
    out.member("index", from.worker->index());
    out.member("loop_delay_us", from.worker->loop_delay() / 1000);
    out.member("exceptions", from.worker->exceptions());
    out.end_object();
}

template <class Views, class Put>
void put_array(json_writer& out, std::string_view name, const Views& views, Put put) {
    out.key(name);
    out.begin_array();
    for (const auto& one : views)
        put(out, one);
    out.end_array();
}

void put_reload(json_writer& out, const process_view& from) {
    out.key("last_reload");
    out.begin_object();
    out.member("ok", from.last_reload_ok);
    out.member("at", from.last_reload_at);
    out.member("error", from.last_reload_error);
    out.end_object();
}

void put_retired(json_writer& out, const process_view& from) {
    out.key("retired");
    out.begin_object();
    out.member("generations", from.retired_generations);
    out.member("upstreams", from.retired_upstreams);
    out.end_object();
}

}  // namespace

std::string status_json(const process_view& of) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(wall_clock::now().time_since_epoch());
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("version", this_build().version);
    out.member("revision", this_build().revision);
    out.member("generation", of.generation);
    out.member("config_file", of.config_file);
    out.member("state", of.draining ? "draining" : of.ready ? "ready" : "starting");
    out.member("uptime_seconds", std::max<std::int64_t>(now.count() - of.started_at, 0));
    put_reload(out, of);
    put_retired(out, of);
    put_array(out, "workers", of.workers, put_worker);
    put_array(out, "listeners", of.listeners, put_listener);
    put_array(out, "upstreams", of.upstreams, put_upstream);
    out.end_object();
    text += '\n';
    return text;
}

}  // namespace penstock::admin
