#include "penstock/exchange/reason.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

namespace penstock::exchange {
namespace {

constexpr std::array<std::string_view, reason_count> tokens{
    "none",
    "dns_error",
    "destination_unavailable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_protocol_error",
    "http_response_transfer_coding",
    "proxy_internal_error",
    "proxy_loop_detected",
    "no_route",
    "client_gone",
    "head_timeout",
    "body_timeout",
    "write_timeout",
    "deadline",
    "request_header_too_large",
    "uri_too_long",
    "body_too_large",
    "expectation_failed",
    "transfer_coding_unknown",
    "version_unsupported",
    "stale_connection",
    "queue_full",
    "no_endpoint",
    "interim_flood",
    "unexpected_upgrade",
    "tunnel_timeout",
    "connection_cap",
    "draining",
};
static_assert(!tokens.back().empty(), "a token for each reason");

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
    if (why == http::errc::bad_expectation)
        return reason::expectation_failed;
    return why.category() == http::category() ? reason::http_request_error : reason::client_gone;
}

std::string_view token(reason why) noexcept { return tokens[static_cast<std::size_t>(why)]; }

}  // namespace penstock::exchange
