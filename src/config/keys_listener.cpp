// The keys of listeners.
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

namespace penstock::config {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

// What the kernel accepts for TCP_KEEPIDLE and TCP_KEEPINTVL.
constexpr key_range keepalive_range{second, 32767 * second};

bool has_tls(const section& from) {
    const yaml_node* const tls = from.find("tls");
    return tls != nullptr && parse_boolean(tls->text).value != false;
}

void add_bind(const section& from, const yaml_node& node, listener& to) {
    std::optional<address> at = parse_node(from.in(), node, parse_bind);
    if (!at.has_value() || from.in().partial()) {
        return;
    }
    const bool tls = has_tls(from);
    if (tls && at->port == http_port) {
        from.in().warn(node, "TLS on port 80, where clients speak plain HTTP");
    }
    if (!tls && at->port == https_port) {
        from.in().warn(node, "no TLS on port 443, where clients speak HTTPS");
    }
    from.in().bound().push_back({*at, "listener " + in_quotes(to.name), from.in().at(node)});
    from.keep_reference(item_place("bind", to.bind.size()), node);
    to.bind.push_back(std::move(*at));
}

row<listener> bind_row() {
    row<listener> out =
        values("bind", &listener::bind, item_kind<address>{key_type::address, {}, format_address},
               "`IP:port`, `[IPv6]:port`, `:port` or `*:port` for every address of both families, "
               "`unix:/path`, or a list of them; port 0 lets the kernel choose.");
    out.info.type = key_type::address;
    out.info.other = key_type::list;
    out.read = [](const section& from, listener& to) {
        const yaml_node& node = *from.find("bind");
        if (node.kind != node_kind::list) {
            return add_bind(from, node, to);
        }
        for (const yaml_node* const item : from.items("bind")) {
            add_bind(from, *item, to);
        }
    };
    return std::move(out).within({1, 64}).required().example(
        "[\"127.0.0.1:8080\", \"[::1]:8080\"]");
}

// The model has no list of protocols, so each of them has a place of its own.
constexpr std::string_view http1_key = "http1";
constexpr std::string_view h2_key = "h2";

void load_protocol(const section& from, const yaml_node& item, listener& to) {
    const std::string* const name = choice_of(from.in(), item, from.info("protocols"));
    if (name == nullptr || *name == "http/1.1") {
        to.http1 = true;
        from.keep_reference(join_path("protocols", http1_key), item);
        return;
    }
    const bool tls = has_tls(from);
    if (tls != (*name == "h2")) {
        from.in().error(item,
                        in_quotes(*name) +
                            (tls ? " is for listeners without TLS" : " is for listeners with TLS"),
                        tls ? "did you mean 'h2'?" : "did you mean 'h2c'?");
        return;
    }
    to.h2 = true;
    from.keep_reference(join_path("protocols", h2_key), item);
}

void load_protocols(const section& from, listener& to) {
    const std::vector<const yaml_node*> items = from.items("protocols");
    if (!items.empty()) {
        to.http1 = false;
        to.h2 = false;
    }
    for (const yaml_node* const item : items) {
        load_protocol(from, *item, to);
    }
}

void write_protocols(dump_writer& out, const listener& from) {
    out.begin_flow_list();
    if (from.h2 && from.tls.has_value()) {
        out.quoted("h2", h2_key);
    }
    if (from.http1) {
        out.quoted("http/1.1", http1_key);
    }
    if (from.h2 && !from.tls.has_value()) {
        out.quoted("h2c", h2_key);
    }
    out.end_list();
}

row<listener> protocols_row() {
    return {
        .info = {.path = "protocols",
                 .type = key_type::list,
                 .default_text = "[http/1.1, h2c]",
                 .range = {1, 3},
                 .choices = "http/1.1|h2|h2c",
                 .item = key_type::choice,
                 .meaning =
                     "Protocols offered: `h2c` (HTTP/2 without TLS) by a client's prior knowledge; "
                     "with TLS `h2` by ALPN, and the default is `[h2, http/1.1]`."},
        .read = load_protocols,
        .shown = [](const listener&) { return true; },
        .write = write_protocols,
    };
}

rows<listener> limit_rows() {
    rows<listener> out = through(
        &listener::limit,
        rows<limits>{
            count("connections", &limits::connections, {0, 10'000'000},
                  "Connections open at once; 0 = no cap."),
            count("connections_per_address", &limits::connections_per_address, {0, 10'000'000},
                  "Connections of one IPv4 address or IPv6 /64; 0 = no cap."),
            count("requests_per_address", &limits::requests_per_address, {0, 10'000'000},
                  "Requests of one IPv4 address or IPv6 /64 within a second, more get a 429; 0 = "
                  "no cap."),
            size("header", &limits::header, {kibibyte, 120 * kibibyte}, "Whole head of a request."),
            size("header_line", &limits::request_line, {256, 120 * kibibyte}, "Request line."),
            size("header_field", &limits::header_field, {256, 120 * kibibyte},
                 "One header field, name and value."),
            count("header_count", &limits::header_count, {1, 1000},
                  "Header fields of one request."),
            size("body", &limits::body, body_range, "Request body; 0 = no cap."),
            size("body_rate", &limits::body_rate, {0, 1024 * kibibyte},
                 "Bytes a second, over 20s of waiting, below which request bodies end while the "
                 "listener has more than three quarters of its `connections` or memory is short: "
                 "the slowest first, gRPC calls last, answered ones never; 0 = none ends."),
            count("requests", &limits::requests, {0, 1'000'000'000},
                  "Requests on one connection; 0 = no cap."),
        });
    out.push_back(choice("over_limit", &listener::over,
                         {{"wait", over_limit::wait}, {"refuse", over_limit::refuse}},
                         "Over `connections`, new ones wait in the kernel's queue, or get a 503; "
                         "over `connections_per_address` they are reset, or get a 429."));
    return out;
}

void check_listener_http2(const section& from, listener_http2& to) {
    if (to.connection_window < to.stream_window) {
        from.in().warn(from.node(), "'connection_window' is smaller than 'stream_window'",
                       "one upload can then hold up every other of its connection");
    }
}

table<path_rules> paths_table() {
    return {.rows = {
                choice("encoded_slash", &path_rules::encoded_slash,
                       choice_words<encoded_slash>{{"keep", encoded_slash::keep},
                                                   {"refuse", encoded_slash::refuse}},
                       "`keep`: %2F and %5C are data, and a 400 only where an origin that takes "
                       "them for separators would be let past a rule; `refuse`: always a 400."),
                choice("merge_slashes", &path_rules::merge_slashes,
                       choice_words<merged_slashes>{{"match", merged_slashes::match},
                                                    {"forward", merged_slashes::forward}},
                       "Repeated slashes are merged for matching only, or on the way out as "
                       "well."),
            }};
}

table<listener_http2> listener_http2_table() {
    return {
        .rows =
            {
                count("streams", &listener_http2::streams, {1, 1000},
                      "Requests; more are refused, each for itself."),
                size("stream_window", &listener_http2::stream_window, window_range,
                     "Bytes of one request's body that wait here for the origin, at first: over a "
                     "distance windows grow with bandwidth and delay, out of `buffer.total`."),
                size(
                    "connection_window", &listener_http2::connection_window, window_range,
                    "The same for all requests of one connection; half as much again is held for "
                    "requests whose bodies are not taken, so that a few of them hold up no other."),
            },
        .check = check_listener_http2,
    };
}

void check_listener_timeouts(const section& from, listener_timeouts& to) {
    for (const std::string_view key : {"tls_handshake", "head"}) {
        const milliseconds value = key == "head" ? to.head : to.tls_handshake;
        if (value > 1h && from.find(key) != nullptr) {
            from.in().warn(*from.find(key), in_quotes(key) + " is longer than 1h",
                           "a client that sends nothing holds its connection that long");
        }
    }
}

table<listener_timeouts> listener_timeouts_table() {
    using part = listener_timeouts;
    return {
        .rows =
            {
                duration("tls_handshake", &part::tls_handshake, wait_range, "Whole TLS handshake."),
                duration("head", &part::head, wait_range,
                         "Whole head of a request, from its first byte."),
                duration("body_idle", &part::body_idle, wait_range, "No byte of a request body."),
                duration("write_idle", &part::write_idle, wait_range, "No progress of a response."),
                duration("keepalive", &part::keepalive, wait_range, "Idle between requests."),
                duration(
                    "tunnel_idle", &part::tunnel_idle, {1, 720 * hour},
                    "No byte in either direction of an upgraded connection, or of a gRPC call."),
            },
        .check = check_listener_timeouts,
    };
}

table<buffer_limits> listener_buffer_table() {
    using part = buffer_limits;
    return {.rows = {
                size("exchange", &part::exchange, {0, gibibyte}, "Bytes of one response."),
                size("connection", &part::connection, {0, gibibyte},
                     "Bytes of all responses of one connection."),
                size("total", &part::total, body_range,
                     "Bytes of the whole listener; windows take three quarters of it at most."),
            }};
}

row<socket_options> mode_row() {
    return {
        .info = {.path = "mode",
                 .type = key_type::text,
                 .meaning = "Access to the file of a `unix:` bind, in octal digits."},
        .read =
            [](const section& from, socket_options& to) {
                to.unix_mode =
                    parse_node(from.in(), *from.find("mode"), parse_mode).value_or(to.unix_mode);
            },
        .shown = [](const socket_options&) { return true; },
        .write = [](dump_writer& to,
                    const socket_options& from) { to.quoted(format_mode(from.unix_mode)); }};
}

table<socket_options> listener_socket_table() {
    using part = socket_options;
    table<part> out = {
        .rows = {
            count("backlog", &part::backlog, {1, 65535}, "Connections the kernel queues for us."),
            flag("nodelay", &part::nodelay, "TCP_NODELAY."),
        }};
    for (row<part>& one : through(&part::kernel, kernel_rows())) {
        out.rows.push_back(std::move(one));
    }
    out.rows.push_back(duration("defer_accept", &part::defer_accept, {0, hour},
                                "TCP_DEFER_ACCEPT, in whole seconds: connections are accepted once "
                                "they have sent something, or after so long; 0 = at once."));
    out.rows.push_back(mode_row());
    out.rows.push_back(
        group("keepalive", &part::keep, keepalive_table(), "TCP keepalive; `false` turns it off."));
    return out;
}

void check_listener(const section& from, listener& to) {
    const yaml_node* const protocols = from.find("protocols");
    if (protocols == nullptr || protocols->items.empty()) {
        to.h2 = true;
    }
    const yaml_node* const http2 = from.find("http2");
    if (http2 != nullptr && !to.h2) {
        from.in().warn(*http2, "'http2' has no effect: 'protocols' leaves it out");
    }
}

}  // namespace

rows<kernel_options> kernel_rows() {
    using part = kernel_options;
    // The kernel reads sizes of sockets as int, and doubles them.
    constexpr key_range sizes{0, gibibyte - 1};
    return {
        size("receive_buffer", &part::receive_buffer, sizes,
             "SO_RCVBUF; 0 = the kernel lets it grow by itself (`tcp_rmem`)."),
        size("send_buffer", &part::send_buffer, sizes,
             "SO_SNDBUF; 0 = the kernel lets it grow by itself (`tcp_wmem`)."),
        size("notsent_lowat", &part::notsent_lowat, sizes,
             "TCP_NOTSENT_LOWAT: of what is not sent yet, the kernel takes no more; 0 = as much as "
             "its buffer holds."),
        duration("user_timeout", &part::user_timeout, {0, hour},
                 "TCP_USER_TIMEOUT: data that is not acknowledged for so long ends the connection; "
                 "0 = the system's retries."),
    };
}

table<keepalive> keepalive_table() {
    return {
        .rows =
            {
                duration("idle", &keepalive::idle, keepalive_range,
                         "Silence before the first probe."),
                duration("interval", &keepalive::interval, keepalive_range, "Time between probes."),
                count("count", &keepalive::count, {1, 127}, "Unanswered probes before the end."),
            },
        .brief = short_form<keepalive>{
            .read =
                [](reader& in, const yaml_node& node, keepalive& to) {
                    to.enabled = boolean_of(in, node).value_or(to.enabled);
                    return true;
                },
            .write =
                [](const keepalive& from) {
                    return from.enabled ? std::nullopt : std::optional<std::string>("false");
                },
        },
    };
}

table<listener> listener_table() {
    return {
        .rows =
            {
                bind_row(),
                protocols_row(),
                group("tls", &listener::tls, listener_tls_table(),
                      "Makes this a TLS listener; `false` takes back what `defaults` say."),
                inner("limits", limit_rows(),
                      "What one listener and each of its connections may take."),
                group("paths", &listener::paths, paths_table(),
                      "How paths are read. Routes match the normal form: dot segments resolved, "
                      "escapes of unreserved characters decoded, repeated slashes merged. Origins "
                      "get the path as it came, with dot segments resolved."),
                group("http2", &listener::http2, listener_http2_table(),
                      "What an HTTP/2 connection of a client may have at the same time.")
                    .when([](const listener& of) { return of.h2; }),
                group("timeouts", &listener::timeouts, listener_timeouts_table(),
                      "Deadlines towards the client."),
                group("buffer", &listener::buffer, listener_buffer_table(),
                      "Bytes of responses that are taken from the origin ahead of slow clients, so "
                      "that its connections are free early, and of HTTP/2 windows that have grown; "
                      "0 = none."),
                group("socket", &listener::socket, listener_socket_table(),
                      "Options of the listener's sockets."),
            },
        .check = check_listener,
    };
}

}  // namespace penstock::config
