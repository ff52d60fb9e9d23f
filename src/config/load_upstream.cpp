#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace penstock::config {

namespace {

// Values that a later release knows: a better message than "not one of".
bool refused_for_now(const section& from, std::string_view key, std::string_view later) {
    const yaml_node* const node = from.find(key);
    if (node == nullptr || node->text != later) {
        return false;
    }
    from.in().error(*node, in_quotes(later) + " is not available in this release",
                    "available: " + joined(split(from.info(key).choices, '|')));
    return true;
}

upstream_protocol load_protocol(const section& from, bool tls) {
    std::string protocol = "http/1.1";
    from.read("protocol", protocol);
    if (protocol == "h2") {
        return upstream_protocol::h2;
    }
    if (protocol != "auto") {
        return upstream_protocol::http1;
    }
    if (!tls) {
        from.in().warn(*from.find("protocol"), "'auto' without 'tls' is http/1.1",
                       "the protocol is agreed on within the TLS handshake");
        return upstream_protocol::http1;
    }
    return upstream_protocol::by_alpn;
}

void load_http2(const section& upstream_section, upstream& to) {
    const std::optional<section> from = upstream_section.child("http2");
    if (!from.has_value()) {
        return;
    }
    from->read("streams", to.http2.streams);
    from->read("stream_window", to.http2.stream_window);
    from->read("ping_interval", to.http2.ping_interval);
    from->read("ping_timeout", to.http2.ping_timeout);
    if (to.protocol == upstream_protocol::http1) {
        from->in().warn(from->node(), "'http2' has no effect: 'protocol' leaves it out");
    }
}

void load_buffer(const section& upstream_section, upstream_buffer& to) {
    if (const std::optional<section> from = upstream_section.child("buffer"); from.has_value())
        from->read("total", to.total);
}

config::balance load_balance(const section& from) {
    if (refused_for_now(from, "balance", "maglev")) {
        return {};
    }
    std::string name = "round_robin";
    from.read("balance", name);
    if (name == "p2c") {
        return balance::p2c;
    }
    if (name == "random") {
        return balance::random;
    }
    return name == "least_request" ? balance::least_request : balance::round_robin;
}

endpoint load_endpoint(reader& in, const yaml_node& node) {
    endpoint out;
    out.where = in.at(node);
    if (node.kind == node_kind::scalar) {
        out.at = parse_node(in, node, parse_endpoint).value_or(address{});
        return out;
    }
    const section from(in, node, "upstreams.<name>.endpoints[]");
    from.require("address");
    from.read("weight", out.weight);
    if (const yaml_node* const at = from.find("address"); at != nullptr) {
        out.at = parse_node(in, *at, parse_endpoint).value_or(address{});
    }
    return out;
}

void load_endpoints(const section& from, upstream& to) {
    from.require("endpoints");
    std::set<std::string> seen;
    for (const yaml_node* const item : from.items("endpoints")) {
        endpoint one = load_endpoint(from.in(), *item);
        if (one.at.port != 0 && !seen.insert(format_address(one.at)).second) {
            from.in().warn(*item, in_quotes(format_address(one.at)) + " is listed twice",
                           "'weight' gives an endpoint a larger share");
        }
        to.endpoints.push_back(std::move(one));
    }
}

void check_server_name(const section& from, const std::string& name) {
    const parsed<std::string> host = parse_host_pattern(name);
    if (!host.value.has_value() || host.value->starts_with('*')) {
        from.in().error(*from.find("server_name"), in_quotes(name) + " is not a host name");
    }
}

std::optional<upstream_tls> load_tls(const section& upstream_section) {
    const yaml_node* const node = upstream_section.find("tls");
    if (node == nullptr) {
        return std::nullopt;
    }
    reader& in = upstream_section.in();
    if (node->kind == node_kind::scalar) {
        const bool on = boolean_of(in, *node).value_or(false);
        return on ? std::optional<upstream_tls>(std::in_place) : std::nullopt;
    }
    const section from(in, *node, upstream_section.path_of("tls"));
    upstream_tls out;
    from.read("verify", out.verify);
    from.read("server_name", out.server_name);
    if (!out.server_name.empty()) {
        check_server_name(from, out.server_name);
    }
    if (const yaml_node* const ca = from.find("ca"); ca != nullptr) {
        out.ca = readable_file(in, *ca).value_or("");
    }
    if (const yaml_node* const cert = from.find("cert"); cert != nullptr) {
        out.cert = readable_file(in, *cert).value_or("");
        from.require("key");
    }
    if (const yaml_node* const key = from.find("key"); key != nullptr) {
        out.key = readable_file(in, *key).value_or("");
        from.require("cert");
    }
    if (!out.verify) {
        in.warn(*from.find("verify"), "certificates of this upstream are not verified");
    }
    return out;
}

void load_pool(const section& upstream_section, pool_limits& to) {
    const std::optional<section> from = upstream_section.child("pool");
    if (!from.has_value()) {
        return;
    }
    from->read("connections", to.connections);
    from->read("idle", to.idle);
    from->read("idle_timeout", to.idle_timeout);
    from->read("queue", to.queue);
    from->read("queue_timeout", to.queue_timeout);
}

void load_timeouts(const section& upstream_section, upstream_timeouts& to) {
    const std::optional<section> from = upstream_section.child("timeouts");
    if (!from.has_value()) {
        return;
    }
    from->read("connect", to.connect);
    from->read("first_byte", to.first_byte);
    from->read("idle", to.idle);
}

upstream load_upstream(const section& from, const yaml_node& name) {
    upstream out;
    out.name = name.text;
    out.where = from.in().at(name);
    load_endpoints(from, out);
    out.tls = load_tls(from);
    out.protocol = load_protocol(from, out.tls.has_value());
    load_http2(from, out);
    load_buffer(from, out.buffer);
    out.balance = load_balance(from);
    load_pool(from, out.pool);
    load_timeouts(from, out.timeouts);
    if (const std::optional<section> socket = from.child("socket"); socket.has_value()) {
        load_keepalive(*socket, out.keep);
    }
    return out;
}

}  // namespace

std::vector<upstream> load_upstreams(const section& root) {
    const yaml_node* const node = root.find("upstreams");
    std::vector<upstream> out;
    if (node == nullptr) {
        return out;
    }
    for (const auto& [name, value] : named_entries(root.in(), *node, root.info("upstreams"))) {
        const section from(root.in(), *value, "upstreams.<name>");
        out.push_back(load_upstream(from, *name));
    }
    return out;
}

}  // namespace penstock::config
