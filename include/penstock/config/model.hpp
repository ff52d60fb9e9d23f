// The configuration as plain structs: defaults filled in, durations as chrono types, sizes in
// bytes. This is what the rest of the system reads; how it comes out of YAML is `load`'s business.
// Each section carries `where`, the place in the file, for messages about it.
#pragma once

#include "penstock/config/address.hpp"
#include "penstock/config/http2_model.hpp"
#include "penstock/config/route_model.hpp"
#include "penstock/config/tls_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::config {

struct limits {
    std::uint64_t connections = 10000;          // 0 = no cap of this listener's own
    std::uint64_t connections_per_address = 0;  // of one address or IPv6 /64; 0 = no cap
    std::uint32_t requests_per_address = 0;     // the same, a second; 0 = no cap
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

// What the kernel is told of a connection's socket; 0 = what the system has by itself.
struct kernel_options {
    std::uint64_t receive_buffer = 0;  // fixed, instead of growing as the kernel sees fit
    std::uint64_t send_buffer = 0;
    std::uint64_t notsent_lowat = 0;  // bytes not yet sent, below which more are taken from us
    milliseconds user_timeout{0};     // for data that is not acknowledged
};

struct socket_options {
    int backlog = 4096;
    bool nodelay = true;
    keepalive keep;
    kernel_options kernel;
    milliseconds defer_accept{0};    // accepted once data is there, or after this; 0 = at once
    std::uint32_t unix_mode = 0660;  // of the file of a Unix socket
};

// Of responses that are taken from the origin ahead of slow clients, and of windows of HTTP/2 that
// have grown; 0 = none are.
struct buffer_limits {
    std::uint64_t exchange = 256 * kib;
    std::uint64_t connection = mib;
    std::uint64_t total = 64 * mib;  // of the whole listener
};

// What an escaped '/' or '\' in a path is, and when repeated slashes become one.
enum class encoded_slash { keep, refuse };     // data, or a reason for 400
enum class merged_slashes { match, forward };  // for matching only, or on the way out as well

struct path_rules {
    config::encoded_slash encoded_slash = config::encoded_slash::keep;
    config::merged_slashes merge_slashes = config::merged_slashes::match;
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
    path_rules paths;
    listener_timeouts timeouts;
    buffer_limits buffer;
    socket_options socket;
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
    kernel_options kernel;
    bool via = false;  // requests carry Via
    // A Location that names an endpoint's own address is given the client's scheme and authority.
    bool rewrite_location = true;
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

// Where values are in the files, by their place in the model: those that are looked at again after
// loading, which are paths of files and settings of TLS.
using value_places = std::map<std::string, location>;

struct model {
    std::uint32_t workers = 0;    // 0 = CPUs of the affinity mask and the cgroup quota
    bool workers_pinned = false;  // each one's thread to one CPU
    config::admin admin;
    config::log log;
    std::vector<listener> listeners;
    std::vector<route> routes;
    std::vector<upstream> upstreams;
    std::vector<network> trust;  // peers whose word on who the client is counts
    config::client_address client_address;
    config::drain drain;
    std::optional<std::uint64_t> memory_limit;  // none = the cgroup's; 0 = no limit
    written_values written;  // `${env:…}` and `${file:…}`, with absolute paths
    value_places places;
    std::string file;
};

}  // namespace penstock::config
