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

// TCP_USER_TIMEOUT of a connection that speaks HTTP/2. Its origin reads TCP all the time, whatever
// its streams wait for (RFC 9113 §5.2.2), so one that takes nothing for as long as keepalive would
// ask a silent one is gone. Never less than a request may wait; 0 = the system's retries. The
// kernel measures keepalive by this time too, so it does not differ from that.
[[nodiscard]] milliseconds user_timeout_of(const config::upstream& settings) noexcept;

// Of a connection that was just made, if it has one.
void count_handshake(cluster_counters& in, connection& made) noexcept;

}  // namespace penstock::upstream
