// The configuration that operators are promised to be able to write, every key of it, with the
// upstream that its last route names.
#pragma once

#include <string_view>

namespace penstock::config {

inline constexpr std::string_view contract_example = R"yaml(
workers: auto                       # io_contexts; auto = CPUs of the affinity mask and cgroup quota

admin: {bind: "127.0.0.1:9901"}     # /metrics /healthz /readyz /status

log:
  level: info
  access: {path: /var/log/penstock/access.log, sample: 100%, slow: 500ms}

listeners:
  web:
    bind: "0.0.0.0:8080"            # or a list
    protocols: [http/1.1, h2c]      # plain default: both
  edge:
    bind: "0.0.0.0:8443"
    protocols: [h2, http/1.1]       # TLS default: both, by ALPN
    tls:
      certificates: [{cert: site.pem, key: site.key}]
      min_version: "1.2"
      tickets: {secret_file: ticket.secret, rotate: 1h}
      client_ca: clients.pem        # asks for and verifies client certificates
    limits: {connections: 10000, connections_per_address: 0, header: 64KiB, header_count: 100,
            body: 100MiB}
    timeouts: {tls_handshake: 10s, head: 10s, body_idle: 60s, write_idle: 60s, keepalive: 75s}
    buffer: {exchange: 256KiB, connection: 1MiB, total: 64MiB}
    socket: {backlog: 4096, nodelay: true, keepalive: {idle: 30s, interval: 10s, count: 3}}

routes:                             # most specific wins; two equal matches are an error
  - name: api
    match: {hosts: ["api.example.com"], path: {prefix: "/v1/"}, methods: [GET, POST]}
    upstream: api
    timeouts: {total: 15s}
    priority: high
  - name: health
    match: {path: {exact: "/ping"}}
    respond: {status: 200, body: "pong"}
  - name: old
    match: {path: {prefix: "/old/"}}
    redirect: {to: "https://example.com/new/", status: 308}
  - upstream: app

upstreams:
  api:
    endpoints: ["api.internal:8080", {address: "10.0.0.2:8080", weight: 2}]
    protocol: http/1.1              # http/1.1 | h2 | auto (ALPN)
    tls: {verify: true, ca: ca.pem, server_name: api.internal}
    balance: p2c                    # round_robin | least_request | p2c | maglev | random
    pool: {connections: 1000, min_idle: 0, idle: 1000, idle_timeout: 90s, queue: 1000,
            queue_timeout: 1s}
    timeouts: {connect: 5s, first_byte: 60s, try: 0s, idle: 60s}
    retry: {attempts: 2, budget: 20%}
    breaker: {window: 10s, min_requests: 20, failure_ratio: 50%, open: 5s, half_open_requests: 3}
    health: {path: /healthz, interval: 5s, timeout: 1s, healthy: 2, unhealthy: 3}
  app: {endpoints: ["127.0.0.1:3000"]}

dns: {servers: ["127.0.0.1:53"], prefer: any, deny: [], ttl: {min: 1s, max: 1h, negative: 5s},
        stale: 1h}

shedding: {cpu: 85%, loop_delay: 50ms, retry_after: 5s}
)yaml";

}  // namespace penstock::config
