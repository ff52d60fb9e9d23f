// What a client did wrong, as a reason.
#include "penstock/exchange/reason.hpp"
#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

namespace penstock::exchange {
namespace {

reason reason_of_client_net(net::errc why) noexcept {
    switch (why) {
        case net::errc::head_timeout:
            return reason::head_timeout;
        case net::errc::body_timeout:
            return reason::body_timeout;
        case net::errc::write_timeout:
            return reason::write_timeout;
        case net::errc::tunnel_timeout:
            return reason::tunnel_timeout;
        case net::errc::deadline_exceeded:
            return reason::deadline;
        case net::errc::draining:
            return reason::draining;
        case net::errc::too_large:
            return reason::body_too_large;
        case net::errc::stalled_client:
            return reason::stalled_client;
        default:
            return reason::client_gone;
    }
}

}  // namespace

reason reason_of_client(error why) noexcept {
    if (!why)
        return reason::none;
    if (why.category() == net::category())
        return reason_of_client_net(static_cast<net::errc>(why.value()));
    if (why == http::errc::truncated)
        return reason::client_gone;
    if (why == http::errc::connection_breach)
        return reason::client_protocol_error;
    if (why == http::errc::bad_expectation)
        return reason::expectation_failed;
    return why.category() == http::category() ? reason::http_request_error : reason::client_gone;
}

}  // namespace penstock::exchange
