#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

namespace penstock::config {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

void add_bind(const section& from, const yaml_node& node, listener& to,
              std::vector<bound_address>& bound) {
    std::optional<address> at = parse_node(from.in(), node, parse_bind);
    if (!at.has_value()) {
        return;
    }
    const bool tls = from.find("tls") != nullptr;
    if (tls && at->port == http_port) {
        from.in().warn(node, "TLS on port 80, where clients speak plain HTTP");
    }
    if (!tls && at->port == https_port) {
        from.in().warn(node, "no TLS on port 443, where clients speak HTTPS");
    }
    bound.push_back({*at, "listener " + in_quotes(to.name), from.in().at(node)});
    to.bind.push_back(std::move(*at));
}

void load_bind(const section& from, listener& to, std::vector<bound_address>& bound) {
    from.require("bind");
    const yaml_node* const node = from.find("bind");
    if (node == nullptr) {
        return;
    }
    if (node->kind != node_kind::list) {
        add_bind(from, *node, to, bound);
        return;
    }
    for (const yaml_node* const item : from.items("bind")) {
        add_bind(from, *item, to, bound);
    }
}

void load_protocol(const section& from, const yaml_node& item, listener& to) {
    const std::string* const name = choice_of(from.in(), item, from.info("protocols"));
    if (name == nullptr || *name == "http/1.1") {
        to.http1 = true;
        return;
    }
    const bool tls = from.find("tls") != nullptr;
    if (tls != (*name == "h2")) {
        from.in().error(item,
                        in_quotes(*name) +
                            (tls ? " is for listeners without TLS" : " is for listeners with TLS"),
                        tls ? "did you mean 'h2'?" : "did you mean 'h2c'?");
        return;
    }
    to.h2 = true;
}

void load_protocols(const section& from, listener& to) {
    const std::vector<const yaml_node*> items = from.items("protocols");
    if (items.empty()) {
        to.h2 = true;
        return;
    }
    to.http1 = false;
    for (const yaml_node* const item : items) {
        load_protocol(from, *item, to);
    }
}

void load_limits(const section& listener_section, listener& to) {
    const std::optional<section> from = listener_section.child("limits");
    if (!from.has_value()) {
        return;
    }
    from->read("connections", to.limit.connections);
    from->read("connections_per_address", to.limit.connections_per_address);
    from->read("requests_per_address", to.limit.requests_per_address);
    from->read("header", to.limit.header);
    from->read("header_line", to.limit.request_line);
    from->read("header_field", to.limit.header_field);
    from->read("header_count", to.limit.header_count);
    from->read("body", to.limit.body);
    from->read("body_rate", to.limit.body_rate);
    from->read("requests", to.limit.requests);
    std::string over = "wait";
    from->read("over_limit", over);
    to.over = over == "refuse" ? over_limit::refuse : over_limit::wait;
}

void load_http2(const section& listener_section, listener& to) {
    const std::optional<section> from = listener_section.child("http2");
    if (!from.has_value()) {
        return;
    }
    from->read("streams", to.http2.streams);
    from->read("stream_window", to.http2.stream_window);
    from->read("connection_window", to.http2.connection_window);
    if (to.http2.connection_window < to.http2.stream_window) {
        from->in().warn(from->node(), "'connection_window' is smaller than 'stream_window'",
                        "one upload can then hold up every other of its connection");
    }
    if (!to.h2) {
        from->in().warn(from->node(), "'http2' has no effect: 'protocols' leaves it out");
    }
}

void load_buffer(const section& listener_section, buffer_limits& to) {
    const std::optional<section> from = listener_section.child("buffer");
    if (!from.has_value())
        return;
    from->read("exchange", to.exchange);
    from->read("connection", to.connection);
    from->read("total", to.total);
}

void load_timeouts(const section& listener_section, listener_timeouts& to) {
    const std::optional<section> from = listener_section.child("timeouts");
    if (!from.has_value()) {
        return;
    }
    from->read("tls_handshake", to.tls_handshake);
    from->read("head", to.head);
    from->read("body_idle", to.body_idle);
    from->read("write_idle", to.write_idle);
    from->read("keepalive", to.keepalive);
    from->read("tunnel_idle", to.tunnel_idle);
    for (const std::string_view key : {"tls_handshake", "head"}) {
        const milliseconds value = key == "head" ? to.head : to.tls_handshake;
        if (value > 1h) {
            from->in().warn(*from->find(key), in_quotes(key) + " is longer than 1h",
                            "a client that sends nothing holds its connection that long");
        }
    }
}

void load_socket(const section& listener_section, socket_options& to) {
    const std::optional<section> from = listener_section.child("socket");
    if (!from.has_value()) {
        return;
    }
    from->read("backlog", to.backlog);
    from->read("nodelay", to.nodelay);
    load_keepalive(*from, to.keep);
}

listener load_listener(const section& from, const yaml_node& name,
                       std::vector<bound_address>& bound) {
    listener out;
    out.name = name.text;
    out.where = from.in().at(name);
    load_bind(from, out, bound);
    load_protocols(from, out);
    out.tls = load_listener_tls(from);
    load_limits(from, out);
    load_http2(from, out);
    load_timeouts(from, out.timeouts);
    load_buffer(from, out.buffer);
    load_socket(from, out.socket);
    return out;
}

}  // namespace

std::vector<listener> load_listeners(const section& root, std::vector<bound_address>& bound) {
    root.require("listeners");
    const yaml_node* const node = root.find("listeners");
    std::vector<listener> out;
    if (node == nullptr) {
        return out;
    }
    for (const auto& [name, value] : named_entries(root.in(), *node, root.info("listeners"))) {
        const section from(root.in(), *value, "listeners.<name>");
        out.push_back(load_listener(from, *name, bound));
    }
    return out;
}

void load_keepalive(const section& socket, keepalive& to) {
    const yaml_node* const node = socket.find("keepalive");
    if (node == nullptr) {
        return;
    }
    if (node->kind == node_kind::scalar) {
        to.enabled = boolean_of(socket.in(), *node).value_or(to.enabled);
        return;
    }
    const section from(socket.in(), *node, socket.path_of("keepalive"));
    from.read("idle", to.idle);
    from.read("interval", to.interval);
    from.read("count", to.count);
}

}  // namespace penstock::config
