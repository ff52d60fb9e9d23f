#include "penstock/config/dump.hpp"

#include "config/json_text.hpp"
#include "config/names.hpp"
#include "config/scalar.hpp"
#include "config/yaml_writer.hpp"

namespace penstock::config {

namespace {

std::string text(milliseconds value) { return format_duration(value.count()); }

std::string text(bool value) { return value ? "true" : "false"; }

std::string size_text(std::uint64_t value) { return format_size(static_cast<std::int64_t>(value)); }

std::string flow_list(const std::vector<std::string>& values) {
    std::string out = "[";
    for (const std::string& value : values) {
        out += (out.size() == 1 ? "" : ", ") + json_string(value);
    }
    return out + "]";
}

void write_keepalive(yaml_writer& out, const keepalive& from) {
    if (!from.enabled) {
        out.put("keepalive", "false");
        return;
    }
    out.begin("keepalive");
    out.put("idle", text(from.idle));
    out.put("interval", text(from.interval));
    out.put("count", std::to_string(from.count));
    out.end();
}

void write_top(yaml_writer& out, const model& from) {
    out.put("workers", from.workers == 0 ? "auto" : std::to_string(from.workers));
    if (from.admin.enabled) {
        out.begin("admin");
        out.put("bind", json_string(format_address(from.admin.bind)));
        out.end();
    }
    std::vector<std::string> networks;
    for (const network& one : from.trust) {
        networks.push_back(format_network(one));
    }
    out.put("trust", flow_list(networks));
    out.begin("shedding");
    out.put("memory", from.memory_limit.has_value() ? size_text(*from.memory_limit) : "auto");
    out.end();
    out.begin("drain");
    out.put("timeout", text(from.drain_timeout));
    out.end();
}

void write_log(yaml_writer& out, const log& from) {
    out.begin("log");
    out.put("level", from.level);
    if (!from.access.has_value()) {
        out.put("access", "false");
    } else {
        out.begin("access");
        out.put("path", json_string(from.access->path));
        out.put("sample", format_ratio(from.access->sample));
        out.put("slow", text(from.access->slow));
        out.end();
    }
    out.end();
}

void write_tls(yaml_writer& out, const listener_tls& from) {
    out.begin("tls");
    out.put("min_version", json_string(from.min_version));
    out.begin("certificates");
    for (const certificate& one : from.certificates) {
        out.begin_item();
        out.put("cert", json_string(one.cert));
        out.put("key", json_string(one.key));
        if (!one.ocsp.empty()) {
            out.put("ocsp", json_string(one.ocsp));
        }
        out.end();
    }
    out.end();
    out.put("strict_sni", text(from.strict_sni));
    out.put("record_size", size_text(from.record_size));
    const auto put_if_set = [&out](std::string_view key, const std::string& value) {
        if (!value.empty()) {
            out.put(key, json_string(value));
        }
    };
    put_if_set("ciphers", from.ciphers);
    put_if_set("suites", from.suites);
    put_if_set("groups", from.groups);
    out.begin("tickets");
    put_if_set("secret_file", from.tickets.secret_file);
    out.put("rotate", text(from.tickets.rotate));
    out.end();
    put_if_set("client_ca", from.client_ca);
    if (from.client != client_auth::none) {
        out.put("client_auth", from.client == client_auth::required ? "required" : "optional");
    }
    put_if_set("client_crl", from.client_crl);
    out.end();
}

void write_limits(yaml_writer& out, const listener& from) {
    out.begin("limits");
    out.put("connections", std::to_string(from.limit.connections));
    out.put("connections_per_address", std::to_string(from.limit.connections_per_address));
    out.put("requests_per_address", std::to_string(from.limit.requests_per_address));
    out.put("over_limit", from.over == over_limit::wait ? "wait" : "refuse");
    out.put("header", size_text(from.limit.header));
    out.put("header_line", size_text(from.limit.request_line));
    out.put("header_field", size_text(from.limit.header_field));
    out.put("header_count", std::to_string(from.limit.header_count));
    out.put("body", size_text(from.limit.body));
    out.put("body_rate", size_text(from.limit.body_rate));
    out.put("requests", std::to_string(from.limit.requests));
    out.end();
}

void write_timeouts(yaml_writer& out, const listener_timeouts& from) {
    out.begin("timeouts");
    out.put("tls_handshake", text(from.tls_handshake));
    out.put("head", text(from.head));
    out.put("body_idle", text(from.body_idle));
    out.put("write_idle", text(from.write_idle));
    out.put("keepalive", text(from.keepalive));
    out.put("tunnel_idle", text(from.tunnel_idle));
    out.end();
}

void write_buffer(yaml_writer& out, const buffer_limits& from) {
    out.begin("buffer");
    out.put("exchange", size_text(from.exchange));
    out.put("connection", size_text(from.connection));
    out.put("total", size_text(from.total));
    out.end();
}

void write_http2(yaml_writer& out, const listener_http2& from) {
    out.begin("http2");
    out.put("streams", std::to_string(from.streams));
    out.put("stream_window", size_text(from.stream_window));
    out.put("connection_window", size_text(from.connection_window));
    out.end();
}

void write_listener(yaml_writer& out, const listener& from) {
    out.begin(json_string(from.name));
    std::vector<std::string> binds;
    for (const address& one : from.bind) {
        binds.push_back(format_address(one));
    }
    out.put("bind", flow_list(binds));
    std::vector<std::string> protocols;
    if (from.http1) {
        protocols.emplace_back("http/1.1");
    }
    if (from.h2 && from.tls.has_value()) {
        protocols.insert(protocols.begin(), "h2");
    } else if (from.h2) {
        protocols.emplace_back("h2c");
    }
    out.put("protocols", flow_list(protocols));
    if (from.tls.has_value()) {
        write_tls(out, *from.tls);
    }
    write_limits(out, from);
    if (from.h2) {
        write_http2(out, from.http2);
    }
    write_timeouts(out, from.timeouts);
    write_buffer(out, from.buffer);
    out.begin("socket");
    out.put("backlog", std::to_string(from.socket.backlog));
    out.put("nodelay", text(from.socket.nodelay));
    write_keepalive(out, from.socket.keep);
    out.end();
    out.end();
}

void write_match_headers(yaml_writer& out, const std::vector<header_match>& from) {
    out.begin("headers");
    for (const header_match& one : from) {
        out.begin_item();
        out.put("name", json_string(one.name));
        if (one.value.has_value()) {
            out.put("value", json_string(*one.value));
        }
        out.end();
    }
    out.end();
}

bool matches_everything(const route_match& match) {
    return match.hosts.empty() && match.path_kind == path_match::any && match.methods.empty() &&
           match.headers.empty();
}

void write_match(yaml_writer& out, const route_match& from) {
    if (matches_everything(from)) {
        return;
    }
    out.begin("match");
    if (!from.hosts.empty()) {
        out.put("hosts", flow_list(from.hosts));
    }
    if (from.path_kind != path_match::any) {
        const bool exact = from.path_kind == path_match::exact;
        out.put("path",
                std::string(exact ? "{exact: " : "{prefix: ") + json_string(from.path) + "}");
    }
    if (!from.methods.empty()) {
        out.put("methods", flow_list(from.methods));
    }
    if (!from.headers.empty()) {
        write_match_headers(out, from.headers);
    }
    out.end();
}

void write_fields(yaml_writer& out, std::string_view key, const std::vector<header_value>& from) {
    if (from.empty()) {
        return;
    }
    out.begin(key);
    for (const header_value& one : from) {
        out.begin_item();
        out.put("name", json_string(one.name));
        out.put("value", json_string(one.value));
        out.end();
    }
    out.end();
}

void write_edits(yaml_writer& out, std::string_view key, const header_edits& from) {
    if (from.remove.empty() && from.set.empty() && from.add.empty()) {
        return;
    }
    out.begin(key);
    if (!from.remove.empty()) {
        out.put("remove", flow_list(from.remove));
    }
    write_fields(out, "set", from.set);
    write_fields(out, "add", from.add);
    out.end();
}

void write_action(yaml_writer& out, const route& from) {
    if (!from.upstream.empty()) {
        out.put("upstream", json_string(from.upstream));
    }
    if (from.reply.has_value()) {
        out.begin("respond");
        out.put("status", std::to_string(from.reply->status));
        out.put("body", json_string(from.reply->body));
        out.put("content_type", json_string(from.reply->content_type));
        out.end();
    }
    if (from.redirection.has_value()) {
        out.begin("redirect");
        out.put("to", json_string(from.redirection->to));
        out.put("status", std::to_string(from.redirection->status));
        out.end();
    }
}

void write_route(yaml_writer& out, const route& from) {
    out.begin_item();
    out.put("name", json_string(from.name));
    write_match(out, from.match);
    write_action(out, from);
    if (from.total_timeout.has_value()) {
        out.put("timeouts", "{total: " + text(*from.total_timeout) + "}");
    }
    if (from.body_limit.has_value()) {
        out.put("limits", "{body: " + size_text(*from.body_limit) + "}");
    }
    write_edits(out, "request_headers", from.request_headers);
    write_edits(out, "response_headers", from.response_headers);
    out.put("flush", from.flush.has_value() ? "{bytes: " + size_text(from.flush->bytes) +
                                                  ", interval: " + text(from.flush->interval) + "}"
                                            : "false");
    out.put("digest", from.digest ? "sha-256" : "none");
    out.put("websocket", text(from.websocket));
    out.end();
}

std::string_view balance_text(config::balance how) noexcept {
    switch (how) {
        case balance::round_robin:
            return "round_robin";
        case balance::least_request:
            return "least_request";
        case balance::p2c:
            return "p2c";
        case balance::random:
            return "random";
    }
    return "";
}

std::string_view protocol_text(upstream_protocol of) {
    switch (of) {
        case upstream_protocol::http1:
            return "http/1.1";
        case upstream_protocol::h2:
            return "h2";
        case upstream_protocol::by_alpn:
            return "auto";
    }
    return "";
}

void write_endpoints(yaml_writer& out, const std::vector<endpoint>& from) {
    out.begin("endpoints");
    for (const endpoint& one : from) {
        out.put_item("{address: " + json_string(format_address(one.at)) +
                     ", weight: " + std::to_string(one.weight) + "}");
    }
    out.end();
}

void write_upstream_tls(yaml_writer& out, const std::optional<upstream_tls>& from) {
    if (!from.has_value()) {
        out.put("tls", "false");
        return;
    }
    out.begin("tls");
    out.put("verify", text(from->verify));
    if (!from->ca.empty()) {
        out.put("ca", json_string(from->ca));
    }
    if (!from->server_name.empty()) {
        out.put("server_name", json_string(from->server_name));
    }
    if (!from->cert.empty()) {
        out.put("cert", json_string(from->cert));
        out.put("key", json_string(from->key));
    }
    out.end();
}

void write_pool(yaml_writer& out, const pool_limits& from) {
    out.begin("pool");
    out.put("connections", std::to_string(from.connections));
    out.put("idle", std::to_string(from.idle));
    out.put("idle_timeout", text(from.idle_timeout));
    out.put("queue", std::to_string(from.queue));
    out.put("queue_timeout", text(from.queue_timeout));
    out.end();
}

void write_http2(yaml_writer& out, const upstream_http2& from) {
    out.begin("http2");
    out.put("streams", std::to_string(from.streams));
    out.put("stream_window", size_text(from.stream_window));
    out.put("ping_interval", text(from.ping_interval));
    out.put("ping_timeout", text(from.ping_timeout));
    out.end();
}

void write_upstream(yaml_writer& out, const upstream& from) {
    out.begin(json_string(from.name));
    write_endpoints(out, from.endpoints);
    out.put("protocol", protocol_text(from.protocol));
    if (from.protocol != upstream_protocol::http1) {
        write_http2(out, from.http2);
        out.begin("buffer");
        out.put("total", size_text(from.buffer.total));
        out.end();
    }
    write_upstream_tls(out, from.tls);
    out.put("balance", balance_text(from.balance));
    write_pool(out, from.pool);
    out.begin("timeouts");
    out.put("connect", text(from.timeouts.connect));
    out.put("first_byte", text(from.timeouts.first_byte));
    out.put("idle", text(from.timeouts.idle));
    out.end();
    out.begin("socket");
    write_keepalive(out, from.keep);
    out.end();
    out.end();
}

}  // namespace

std::string dump(const model& from) {
    yaml_writer out;
    write_top(out, from);
    write_log(out, from.log);
    out.begin("listeners");
    for (const listener& one : from.listeners) {
        write_listener(out, one);
    }
    out.end();
    out.begin("routes");
    for (const route& one : from.routes) {
        write_route(out, one);
    }
    out.end();
    out.begin("upstreams");
    for (const upstream& one : from.upstreams) {
        write_upstream(out, one);
    }
    out.end();
    return out.take();
}

}  // namespace penstock::config
