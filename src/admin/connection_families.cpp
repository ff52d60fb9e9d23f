#include "admin/families.hpp"

#include <string>

namespace penstock::admin {
namespace {

using prometheus::MetricType;

template <class Views, class Count>
double sum(const Views& workers, Count count) {
    std::uint64_t total = 0;
    for (const auto* const one : workers)
        total += count(*one).load(std::memory_order_relaxed);
    return static_cast<double>(total);
}

double value_of(const std::atomic<std::uint64_t>& count) {
    return static_cast<double>(count.load(std::memory_order_relaxed));
}

void add_breaches(const listener_view& listener, family& ended) {
    for (std::size_t i = 1; i < http::h2_breach_count; ++i) {
        const auto breach = static_cast<http::h2_breach>(i);
        const double count = sum(
            listener.workers, [i](const auto& from) -> const auto& { return from.breaches[i]; });
        ended.counter({{"listener", name_of(listener.id)},
                       {"breach", std::string(http::name(breach))},
                       {"code", std::string(http::name(http::code_of(breach)))}},
                      count);
    }
}

void add_handshakes(const listener_view& listener, family& handshakes, family& failures) {
    const std::string name = name_of(listener.id);
    for (std::size_t resumed = 0; resumed < 2; ++resumed) {
        for (std::size_t tls13 = 0; tls13 < 2; ++tls13) {
            handshakes.counter({{"listener", name},
                                {"result", "ok"},
                                {"resumed", resumed == 1 ? "true" : "false"},
                                {"version", tls13 == 1 ? "TLSv1.3" : "TLSv1.2"}},
                               sum(
                                   listener.workers, [&](const auto& from) -> const auto& {
                                       return from.handshakes_ok[resumed][tls13];
                                   }));
        }
    }
    double failed = 0;
    for (std::size_t i = 1; i < net::tls_failure_count; ++i) {
        const double count = sum(
            listener.workers, [i](const auto& from) -> const auto& {
                return from.handshakes_failed[i];
            });
        failed += count;
        failures.counter({{"listener", name},
                          {"reason", std::string(net::name(static_cast<net::tls_failure>(i)))}},
                         count);
    }
    handshakes.counter(
        {{"listener", name}, {"result", "failed"}, {"resumed", "false"}, {"version", "none"}},
        failed);
}

void add_handshake_times(const listener_view& listener, family& times) {
    using counters = downstream::server_counters;
    constexpr std::array<counters::handshake_end, 3> ends{counters::full, counters::resumed,
                                                          counters::failed};
    for (const counters::handshake_end end : ends) {
        histogram::totals all;
        for (const counters* const each : listener.workers)
            each->handshake_times[end].add_to(all);
        times.histogram({{"listener", name_of(listener.id)},
                         {"result", end == counters::failed ? "failed" : "ok"},
                         {"resumed", end == counters::resumed ? "true" : "false"}},
                        all);
    }
}

}  // namespace

void add_connection_families(const process_view& of, families& all) {
    family open("penstock_connections", "Client connections: active within a request, else idle.",
                MetricType::Gauge);
    family accepted("penstock_connections_accepted_total", "Client connections accepted.",
                    MetricType::Counter);
    family refused("penstock_connections_refused_total",
                   "Client connections refused because the listener, or one address, had as many "
                   "as it may.",
                   MetricType::Counter);
    family streams("penstock_http2_streams",
                   "HTTP/2 requests of clients that have not come to their end.",
                   MetricType::Gauge);
    family breaches("penstock_http2_connections_ended_total",
                    "HTTP/2 connections of clients ended for a breach of the rules or a limit.",
                    MetricType::Counter);
    family handshakes("penstock_tls_handshakes_total",
                      "TLS handshakes with clients that have ended.", MetricType::Counter);
    family failures("penstock_tls_handshake_failures_total",
                    "TLS handshakes with clients that failed, by reason.", MetricType::Counter);
    family probes("penstock_tls_probes_total",
                  "Connections to TLS listeners that ended without a byte from the client.",
                  MetricType::Counter);
    family times("penstock_tls_handshake_seconds",
                 "Time from an accepted connection to the end of its TLS handshake.",
                 MetricType::Histogram);
    family certificates("penstock_tls_certificate_not_after_seconds",
                        "When a certificate ends, in seconds since the epoch.", MetricType::Gauge);
    for (const listener_view& one : of.listeners) {
        const std::string name = name_of(one.id);
        open.gauge({{"listener", name}, {"state", "active"}},
                   sum(
                       one.workers, [](const auto& from) -> const auto& { return from.active; }));
        open.gauge({{"listener", name}, {"state", "idle"}},
                   sum(
                       one.workers, [](const auto& from) -> const auto& { return from.idle; }));
        accepted.counter({{"listener", name}}, value_of(one.counts->accepted));
        refused.counter({{"listener", name}, {"reason", "connection_cap"}},
                        value_of(one.counts->refused));
        refused.counter({{"listener", name}, {"reason", "address_cap"}},
                        value_of(one.counts->refused_by_address));
        streams.gauge({{"listener", name}}, sum(
                                                one.workers, [](const auto& from) -> const auto& {
                                                    return from.streams;
                                                }));
        add_breaches(one, breaches);
        if (one.tls) {
            add_handshakes(one, handshakes, failures);
            add_handshake_times(one, times);
            probes.counter(
                {{"listener", name}},
                sum(
                    one.workers, [](const auto& from) -> const auto& { return from.probes; }));
        }
        for (const certificate_view& cert : one.certificates)
            certificates.fact({{"listener", name}, {"cert", cert.file}},
                              static_cast<double>(cert.not_after));
    }
    for (family* const made : {&open, &accepted, &refused, &streams, &breaches, &handshakes,
                               &failures, &probes, &times, &certificates})
        made->move_to(all);
}

void add_upstream_families(const process_view& of, families& all) {
    family open("penstock_upstream_connections",
                "Connections to origins, in use or kept for reuse.", MetricType::Gauge);
    family streams("penstock_upstream_http2_streams",
                   "HTTP/2 streams to origins that carry a request.", MetricType::Gauge);
    family tunnels("penstock_upstream_tunnels",
                   "Tunnels to origins: each holds a connection, or an HTTP/2 stream.",
                   MetricType::Gauge);
    family queue("penstock_upstream_queue", "Requests that wait for a connection to an origin.",
                 MetricType::Gauge);
    family reuse("penstock_pool_reuse_total",
                 "Where exchanges got their connection: reused, fresh, or stale and so replaced.",
                 MetricType::Counter);
    family health("penstock_endpoint_health", "1 while requests may be sent to an endpoint.",
                  MetricType::Gauge);
    family handshakes("penstock_upstream_tls_handshakes_total",
                      "TLS handshakes with origins: full, or resumed from an earlier session.",
                      MetricType::Counter);
    for (const upstream_view& one : of.upstreams) {
        const std::string name = name_of(one.shared->id);
        const auto total = [&](auto member) {
            return sum(
                one.workers, [member](const auto& from) -> const auto& { return from.*member; });
        };
        using counters = upstream::cluster_counters;
        open.gauge({{"upstream", name}, {"state", "active"}}, total(&counters::active));
        open.gauge({{"upstream", name}, {"state", "idle"}}, total(&counters::idle));
        streams.gauge({{"upstream", name}}, total(&counters::streams));
        tunnels.gauge({{"upstream", name}}, total(&counters::tunnels));
        queue.gauge({{"upstream", name}}, total(&counters::queued));
        reuse.counter({{"upstream", name}, {"result", "reused"}}, total(&counters::reused));
        reuse.counter({{"upstream", name}, {"result", "fresh"}}, total(&counters::fresh));
        reuse.counter({{"upstream", name}, {"result", "stale"}}, total(&counters::stale));
        handshakes.counter({{"upstream", name}, {"resumed", "false"}}, total(&counters::tls_full));
        handshakes.counter({{"upstream", name}, {"resumed", "true"}},
                           total(&counters::tls_resumed));
        for (const auto& endpoint : one.shared->endpoints)
            health.fact({{"upstream", name}, {"endpoint", endpoint->name}}, 1);
    }
    for (family* const made : {&open, &streams, &tunnels, &queue, &reuse, &handshakes, &health})
        made->move_to(all);
}

}  // namespace penstock::admin
