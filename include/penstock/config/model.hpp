// The configuration as plain structs: defaults filled in, durations as chrono types, sizes in
// bytes. This is what the rest of the system reads; how it comes out of YAML is `load`'s business.
// Each section carries `where`, the place in the file, for messages about it.
#pragma once

#include "penstock/config/http2_model.hpp"
#include "penstock/config/tls_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::config {

// A socket address as written: numeric host (IPv6 in brackets) or name, and a port.
struct address {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const address&) const = default;
};

// An IPv4 or IPv6 network, held as IPv6 (IPv4 mapped, so 10.0.0.0/8 has prefix 104).
struct network {
    std::uint8_t bytes[16] = {};
    int prefix = 128;
};

struct limits {
    std::uint64_t connections = 10000;          // 0 = no cap of this listener's own
    std::uint64_t connections_per_address = 0;  // of one address or IPv6 /64; 0 = no cap
    std::uint32_t requests_per_address = 0;     // a second, likewise; 0 = no cap
    std::uint64_t header = 64 * kib;            // whole head
    std::uint64_t request_line = 8 * kib;
    std::uint64_t header_field = 16 * kib;
    std::uint32_t header_count = 100;
    std::uint64_t body = 0;         // 0 = no cap
    std::uint64_t body_rate = 500;  // bytes a second, under pressure; 0 = none is asked for
    std::uint64_t requests = 0;     // requests per connection, 0 = no cap
};

struct listener_timeouts {
    milliseconds tls_handshake = 10s;
    milliseconds head = 10s;        // whole head, from its first byte
    milliseconds body_idle = 60s;   // no byte of a request body
    milliseconds write_idle = 60s;  // no progress of our write
    milliseconds keepalive = 75s;   // idle between requests
    milliseconds tunnel_idle = 1h;  // no byte in either direction of an upgraded connection
};

struct keepalive {
    bool enabled = true;
    std::chrono::seconds idle = 30s;
    std::chrono::seconds interval = 10s;
    int count = 3;
};

struct socket_options {
    int backlog = 4096;
    bool nodelay = true;
    keepalive keep;
};

// Of responses that are taken from the origin ahead of slow clients, and of windows of HTTP/2 that
// have grown; 0 = none are.
struct buffer_limits {
    std::uint64_t exchange = 256 * kib;
    std::uint64_t connection = mib;
    std::uint64_t total = 64 * mib;  // of the whole listener
};

enum class over_limit { wait, refuse };  // wait in the kernel queue, or answer 503 and close

struct listener {
    std::string name;
    std::vector<address> bind;
    bool http1 = true;
    bool h2 = false;  // h2 over TLS or h2c on plain listeners
    std::optional<listener_tls> tls;
    limits limit;
    listener_http2 http2;
    over_limit over = over_limit::wait;
    listener_timeouts timeouts;
    buffer_limits buffer;
    socket_options socket;
    location where;
};

struct header_value {
    std::string name;  // as written; compared without case
    std::string value;
};

// Edits of one head; removed first, then set (replaces), then added.
struct header_edits {
    std::vector<std::string> remove;
    std::vector<header_value> set;
    std::vector<header_value> add;
};

enum class path_match { any, exact, prefix };

struct header_match {
    std::string name;                  // lower case
    std::optional<std::string> value;  // absent = the field has to be there
};

struct route_match {
    std::vector<std::string> hosts;  // lower case; exact or "*.example.com"; empty = any
    path_match path_kind = path_match::any;
    std::string path;
    std::vector<std::string> methods;  // upper case; empty = any
    std::vector<header_match> headers;
    bool whole = true;  // false while loading if a part of it was refused
};

struct respond {
    int status = 200;
    std::string body;
    std::string content_type = "text/plain; charset=utf-8";
};

struct redirect {
    std::string to;
    int status = 308;
};

// How response bodies that come in small pieces are put together.
struct flush {
    std::uint64_t bytes = 16 * 1024;  // sent when so many are there
    milliseconds interval = 20ms;     // or this long after the first of them
};

struct route {
    std::string name;  // given, or made from the upstream's name
    route_match match;
    std::string upstream;  // exactly one of upstream, reply and redirection is there
    std::optional<respond> reply;
    std::optional<redirect> redirection;
    std::optional<milliseconds> total_timeout;  // whole exchange, from its first byte
    header_edits request_headers;
    header_edits response_headers;
    std::optional<std::uint64_t> body_limit;  // overrides the listener's
    std::optional<config::flush> flush;       // none: every piece as it comes
    bool digest = false;                      // Content-Digest on responses
    bool websocket = true;                    // short form of `upgrade: [websocket]`
    // Protocols that an Upgrade may switch to; nothing = what `websocket` says.
    std::optional<std::vector<std::string>> upgrade;
    location where;
};

struct endpoint {
    address at;
    std::uint32_t weight = 1;  // 1 … 1000
    location where;
};

enum class balance { round_robin, least_request, p2c, random };

struct pool_limits {
    std::uint32_t connections = 1000;  // per endpoint, whole process
    std::uint32_t idle = 1000;         // idle ones kept per upstream, whole process
    milliseconds idle_timeout = 90s;
    std::uint32_t queue = 1000;  // exchanges waiting for a connection, per upstream and worker
    milliseconds queue_timeout = 1s;
};

struct upstream_timeouts {
    milliseconds connect = 5s;
    milliseconds first_byte = 60s;
    milliseconds idle = 60s;  // no byte of a response body, or no progress of a request's
};

enum class upstream_protocol { http1, h2, by_alpn };

struct upstream {
    std::string name;
    std::vector<endpoint> endpoints;
    upstream_protocol protocol = upstream_protocol::http1;
    upstream_http2 http2;
    upstream_buffer buffer;
    std::optional<upstream_tls> tls;
    config::balance balance = config::balance::round_robin;
    pool_limits pool;
    upstream_timeouts timeouts;
    keepalive keep;
    location where;
};

struct access_log {
    std::string path = "-";  // of the file; "-" = standard output
    double sample = 1.0;     // 0 … 1; errors and slow exchanges are always written
    milliseconds slow = 500ms;
};

struct log {
    std::string level = "info";  // trace debug info warn error off
    std::optional<access_log> access;
};

struct admin {
    address bind{"127.0.0.1", 9901};
    bool enabled = false;  // true once `admin` is in the file
};

struct drain {
    milliseconds delay{0};  // served as before for so long, while /readyz says 503
    milliseconds timeout = 30s;
};

// Values that the file takes from elsewhere: their place in a dump, and what is shown there. They
// are never shown themselves.
using written_values = std::map<std::string, std::string>;

struct model {
    std::uint32_t workers = 0;    // 0 = CPUs of the affinity mask and the cgroup quota
    bool workers_pinned = false;  // each one's thread to one CPU
    config::admin admin;
    config::log log;
    std::vector<listener> listeners;
    std::vector<route> routes;
    std::vector<upstream> upstreams;
    std::vector<network> trust;  // peers whose forwarding headers are believed
    config::drain drain;
    std::optional<std::uint64_t> memory_limit;  // none = the cgroup's; 0 = no limit
    written_values written;  // `${env:…}` and `${file:…}`, as the file has them
    std::string file;
};

}  // namespace penstock::config
