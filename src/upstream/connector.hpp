// Opens one connection to an endpoint: TCP over its addresses in order, then TLS, all within the
// connect timeout. Decides nothing about caps; the caller holds the place already.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/connection.hpp"

#include <memory>

namespace penstock::upstream {

struct connect_target {
    net::worker& home;
    const config::upstream& settings;
    const shared_endpoint& endpoint;
    std::size_t index;      // of the endpoint in its cluster
    net::tls_context* tls;  // null = plain
};

// Charges phases connect and upstream_tls of from.record, and ends early when from.aborted fires.
// The connection comes without its place.
[[nodiscard]] net::task<result<std::unique_ptr<connection>>> connect(connect_target to,
                                                                     exchange::request& from);

// Of a connection that was just made, if it has one.
void count_handshake(cluster_counters& in, connection& made) noexcept;

}  // namespace penstock::upstream
