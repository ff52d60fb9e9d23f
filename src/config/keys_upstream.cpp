// The keys of upstreams.
#include "config/names.hpp"
#include "config/tables.hpp"
#include "config/text.hpp"

#include <set>

namespace penstock::config {

namespace {

row<endpoint> address_row() {
    return {
        .info = {.path = "address",
                 .type = key_type::address,
                 .required = true,
                 .meaning = "`host:port`, `IP:port` or `[IPv6]:port`.",
                 .example = "\"app.internal:8443\""},
        .read =
            [](const section& from, endpoint& to) {
                to.at = parse_node(from.in(), *from.find("address"), parse_endpoint)
                            .value_or(address{});
            },
        .shown = [](const endpoint&) { return true; },
        .write = [](dump_writer& to, const endpoint& from) { to.quoted(format_address(from.at)); }};
}

bool load_brief_endpoint(reader& in, const yaml_node& node, endpoint& to) {
    to.at = parse_node(in, node, parse_endpoint).value_or(address{});
    return true;
}

table<endpoint> endpoint_table() {
    return {
        .rows = {address_row(), count("weight", &endpoint::weight, {1, 1000},
                                      "Its share relative to the others.")},
        .brief =
            short_form<endpoint>{
                .type = key_type::address, .read = load_brief_endpoint, .key = "address"},
    };
}

table<upstream_http2> upstream_http2_table() {
    using part = upstream_http2;
    return {.rows = {
                count("streams", &part::streams, {1, 1000},
                      "Requests on one connection at the same time, if the origin allows as many."),
                size("stream_window", &part::stream_window, window_range,
                     "Bytes of one response's body that wait here for the client, at first: over a "
                     "distance windows grow with bandwidth and delay. Each stream may have 64KiB; "
                     "what is beyond that comes out of `buffer.total`."),
                duration("ping_interval", &part::ping_interval, wait_range,
                         "Silence on a busy connection before a PING asks whether the origin is "
                         "there; an origin that answers with GOAWAY(ENHANCE_YOUR_CALM) is asked "
                         "half as often from then on. Servers of gRPC allow one in 5m."),
                duration("ping_timeout", &part::ping_timeout, wait_range,
                         "How long its answer may take before the connection counts as dead."),
            }};
}

table<upstream_buffer> upstream_buffer_table() {
    return {
        .rows = {
            size("total", &upstream_buffer::total, body_range,
                 "Bytes of the whole upstream, on top of 64KiB of each stream; windows take three "
                 "quarters of it at most."),
        }};
}

table<pool_limits> upstream_pool_table() {
    using part = pool_limits;
    return {
        .rows = {
            count("connections", &part::connections, {1, 1'000'000},
                  "Per endpoint, whole process; tunnels count."),
            later<part>({.path = "min_idle",
                         .type = key_type::integer,
                         .default_text = "0",
                         .range = {0, 1'000'000},
                         .meaning = "Idle ones opened ahead of requests."}),
            count("idle", &part::idle, {0, 1'000'000}, "Idle ones kept, whole process."),
            duration("idle_timeout", &part::idle_timeout, wait_range,
                     "How long an idle one is kept."),
            count("queue", &part::queue, {0, 1'000'000},
                  "Exchanges of one worker that may wait for a connection."),
            duration("queue_timeout", &part::queue_timeout, wait_range, "How long each may wait."),
        }};
}

table<upstream_timeouts> upstream_timeouts_table() {
    using part = upstream_timeouts;
    return {
        .rows = {
            duration("connect", &part::connect, wait_range, "TCP connect and TLS handshake."),
            duration("first_byte", &part::first_byte, wait_range,
                     "From the request's end to the response's first byte."),
            later<part>({.path = "try",
                         .type = key_type::duration,
                         .default_text = "0s",
                         .range = {0, 24 * hour},
                         .meaning = "One attempt of several; 0 = no limit of its own."}),
            duration("idle", &part::idle, wait_range,
                     "No byte of a response body, but for an answered gRPC call's; or no progress "
                     "of a request's."),
        }};
}

row<upstream> protocol_row() {
    return choice("protocol", &upstream::protocol,
                  {{"http/1.1", upstream_protocol::http1},
                   {"h2", upstream_protocol::h2},
                   {"auto", upstream_protocol::by_alpn}},
                  "Protocol spoken: `h2` without TLS by prior knowledge; `auto` is what the origin "
                  "chooses within the TLS handshake, h2 first.")
        .example("auto");
}

// A value that a later release knows gets a better message than "not one of".
row<upstream> balance_row() {
    row<upstream> out = choice("balance", &upstream::balance,
                               {{"p2c", balance::p2c},
                                {"random", balance::random},
                                {"round_robin", balance::round_robin},
                                {"least_request", balance::least_request}},
                               "How an endpoint is picked.");
    out.read = [read = out.read](const section& from, upstream& to) {
        const yaml_node& node = *from.find("balance");
        if (node.text != "maglev") {
            return read(from, to);
        }
        from.in().error(node, "'maglev' is not available in this release",
                        "available: " + joined(split(from.info("balance").choices, '|')));
    };
    return out;
}

rows<upstream> later_rows() {
    using type = key_type;
    return {
        later<upstream>("retry",
                        {{.path = "attempts",
                          .type = type::integer,
                          .default_text = "2",
                          .range = {1, 10},
                          .meaning = "Attempts in all."},
                         {.path = "budget",
                          .type = type::ratio,
                          .default_text = "20%",
                          .meaning = "Retries as a share of active requests."}},
                        "Second attempts."),
        later<upstream>("breaker",
                        {{.path = "window",
                          .type = type::duration,
                          .default_text = "10s",
                          .range = wait_range,
                          .meaning = "Time looked at."},
                         {.path = "min_requests",
                          .type = type::integer,
                          .default_text = "20",
                          .range = {1, 1'000'000},
                          .meaning = "Requests in the window before it may open."},
                         {.path = "failure_ratio",
                          .type = type::ratio,
                          .default_text = "50%",
                          .meaning = "Share that opens it."},
                         {.path = "open",
                          .type = type::duration,
                          .default_text = "5s",
                          .range = wait_range,
                          .meaning = "How long it stays open."},
                         {.path = "half_open_requests",
                          .type = type::integer,
                          .default_text = "3",
                          .range = {1, 1000},
                          .meaning = "Trial requests before it closes."}},
                        "Takes failing endpoints out."),
        later<upstream>("health",
                        {{.path = "path",
                          .type = type::text,
                          .default_text = "/healthz",
                          .meaning = "Path asked for."},
                         {.path = "interval",
                          .type = type::duration,
                          .default_text = "5s",
                          .range = wait_range,
                          .meaning = "Time between checks."},
                         {.path = "timeout",
                          .type = type::duration,
                          .default_text = "1s",
                          .range = wait_range,
                          .meaning = "Deadline of a check."},
                         {.path = "healthy",
                          .type = type::integer,
                          .default_text = "2",
                          .range = {1, 100},
                          .meaning = "Good checks to come back."},
                         {.path = "unhealthy",
                          .type = type::integer,
                          .default_text = "3",
                          .range = {1, 100},
                          .meaning = "Bad checks to be taken out."}},
                        "Active health checks."),
    };
}

void check_endpoints(const section& from, const upstream& of) {
    std::set<std::string> seen;
    for (const endpoint& one : of.endpoints) {
        if (one.at.port != 0 && !seen.insert(format_address(one.at)).second) {
            from.in().warn(one.where, in_quotes(format_address(one.at)) + " is listed twice",
                           "'weight' gives an endpoint a larger share");
        }
    }
}

void check_upstream(const section& from, upstream& to) {
    check_endpoints(from, to);
    if (to.protocol == upstream_protocol::by_alpn && !to.tls.has_value()) {
        from.in().warn(*from.find("protocol"), "'auto' without 'tls' is http/1.1",
                       "the protocol is agreed on within the TLS handshake");
        to.protocol = upstream_protocol::http1;
    }
    const yaml_node* const http2 = from.find("http2");
    if (http2 != nullptr && to.protocol == upstream_protocol::http1) {
        from.in().warn(*http2, "'http2' has no effect: 'protocol' leaves it out");
    }
}

rows<upstream> socket_rows() {
    rows<upstream> out = through(&upstream::kernel, kernel_rows());
    out.push_back(group("keepalive", &upstream::keep, keepalive_table(),
                        "TCP keepalive; `false` turns it off."));
    return out;
}

}  // namespace

table<upstream> upstream_table() {
    table<upstream> out{
        .rows =
            {
                items("endpoints", &upstream::endpoints, endpoint_table(),
                      "Origins as `host:port`, or with the keys below.")
                    .within({1, 256})
                    .required(),
                protocol_row(),
                group("http2", &upstream::http2, upstream_http2_table(),
                      "HTTP/2 connections to the origins.")
                    .when(
                        [](const upstream& of) { return of.protocol != upstream_protocol::http1; }),
                group("buffer", &upstream::buffer, upstream_buffer_table(),
                      "Bytes of HTTP/2 responses that wait here for slow clients, and of windows "
                      "that have grown.")
                    .when(
                        [](const upstream& of) { return of.protocol != upstream_protocol::http1; }),
                group("tls", &upstream::tls, upstream_tls_table(),
                      "TLS to the origins; `true` takes the defaults below."),
                balance_row(),
                group("pool", &upstream::pool, upstream_pool_table(),
                      "Connections to the origins."),
                group("timeouts", &upstream::timeouts, upstream_timeouts_table(),
                      "Deadlines towards the origin."),
                flag("via", &upstream::via,
                     "Send `Via` to the origins. Without it they answer as if asked directly: "
                     "nginx and IIS turn compression off for requests with `Via`. Leaving it out "
                     "deviates from RFC 9110 §7.6.3; loops are found by `CDN-Loop` (RFC 8586)."),
                choice("location", &upstream::rewrite_location,
                       choice_words<bool>{{"rewrite", true}, {"keep", false}},
                       "`rewrite`: a Location, Content-Location or Refresh that names an "
                       "endpoint's own address gets the client's scheme and authority."),
                inner("socket", socket_rows(), "Options of the sockets to the origins."),
            },
        .check = check_upstream,
    };
    for (row<upstream>& one : later_rows()) {
        out.rows.push_back(std::move(one));
    }
    return out;
}

}  // namespace penstock::config
