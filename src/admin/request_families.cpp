#include "admin/families.hpp"

#include <map>
#include <string>
#include <vector>

namespace penstock::admin {
namespace {

using prometheus::MetricType;

// Σ over the workers of one of their counter tables.
std::map<std::uint64_t, std::uint64_t> totals(const process_view& of,
                                              const counter_table& (proxy::worker_metrics::*table)()
                                                  const) {
    std::map<std::uint64_t, std::uint64_t> all;
    for (const worker_view& worker : of.workers)
        (worker.metrics->*table)().each(
            [&all](std::uint64_t key, std::uint64_t value) { all[key] += value; });
    return all;
}

std::string class_text(std::uint8_t code_class) {
    return code_class == 0 ? "none" : std::to_string(code_class) + "xx";
}

labels request_labels_of(std::uint64_t key) {
    const auto from = proxy::request_labels::from_key(key);
    return {{"listener", name_of(from.listener)},
            {"route", name_of(from.route)},
            {"upstream", name_of(from.upstream)},
            {"protocol", std::string(name(from.protocol))},
            {"code_class", class_text(from.code_class)},
            {"reason", std::string(exchange::token(from.why))}};
}

labels attempt_labels_of(std::uint64_t key) {
    const auto from = proxy::attempt_labels::from_key(key);
    return {{"upstream", name_of(from.upstream)},
            {"endpoint", name_of(from.endpoint)},
            {"result", from.ok ? "ok" : "failed"},
            {"reason", std::string(exchange::token(from.why))}};
}

// What the workers observed under one name; empty for nearly all of the ids that may be.
template <std::size_t Each>
using groups = std::vector<const typename proxy::histogram_table<Each>::group*>;

template <std::size_t Each>
groups<Each> groups_of(const process_view& of,
                       const proxy::histogram_table<Each>& (proxy::worker_metrics::*table)() const,
                       name_id id) {
    groups<Each> found;
    for (const worker_view& worker : of.workers) {
        if (const auto* const group = (worker.metrics->*table)().find(id))
            found.push_back(group);
    }
    return found;
}

// Σ over the workers of one histogram of a group.
template <std::size_t Each>
histogram::totals merged(const groups<Each>& from, std::size_t which) {
    histogram::totals all;
    for (const auto* const group : from)
        (*group)[which].add_to(all);
    return all;
}

void add_durations(const process_view& of, families& all) {
    family durations("penstock_request_duration_seconds",
                     "Time from a request's first byte to the end of its response.",
                     MetricType::Histogram);
    for (std::size_t id = 0; id < names_max; ++id) {
        const auto route = static_cast<name_id>(id);
        const auto found = groups_of<1>(of, &proxy::worker_metrics::durations, route);
        if (!found.empty())
            durations.histogram({{"route", name_of(route)}}, merged<1>(found, 0));
    }
    durations.move_to(all);
}

void add_phases_of(name_id upstream, const groups<exchange::phase_count>& from, family& phases) {
    for (std::size_t i = 0; i < exchange::phase_count; ++i) {
        const histogram::totals spent = merged<exchange::phase_count>(from, i);
        const auto phase = static_cast<exchange::phase>(i);
        if (spent.count() > 0)
            phases.histogram(
                {{"phase", std::string(exchange::name(phase))}, {"upstream", name_of(upstream)}},
                spent);
    }
}

void add_phases(const process_view& of, families& all) {
    family phases(
        "penstock_request_phase_seconds",
        "Time that requests spent in a phase; requests that did not enter it don't count.",
        MetricType::Histogram);
    for (std::size_t id = 0; id < names_max; ++id) {
        const auto upstream = static_cast<name_id>(id);
        const auto found =
            groups_of<exchange::phase_count>(of, &proxy::worker_metrics::phases, upstream);
        if (!found.empty())
            add_phases_of(upstream, found, phases);
    }
    phases.move_to(all);
}

}  // namespace

void add_request_families(const process_view& of, families& all) {
    family requests("penstock_requests_total", "Requests that have ended, by what came of them.",
                    MetricType::Counter);
    double shed_by_memory = 0;
    for (const auto& [key, value] : totals(of, &proxy::worker_metrics::requests)) {
        requests.counter(request_labels_of(key), static_cast<double>(value));
        if (proxy::request_labels::from_key(key).why == exchange::reason::shed_memory)
            shed_by_memory += static_cast<double>(value);
    }
    requests.move_to(all);
    family shed("penstock_shed_total", "Requests refused because the process was overloaded.",
                MetricType::Counter);
    shed.counter({{"signal", "memory"}}, shed_by_memory);
    shed.move_to(all);
    add_durations(of, all);
    add_phases(of, all);
    family attempts("penstock_upstream_attempts_total",
                    "Tries at an origin that have ended: ok means that a response head came.",
                    MetricType::Counter);
    for (const auto& [key, value] : totals(of, &proxy::worker_metrics::attempts))
        attempts.counter(attempt_labels_of(key), static_cast<double>(value));
    attempts.move_to(all);
}

}  // namespace penstock::admin
