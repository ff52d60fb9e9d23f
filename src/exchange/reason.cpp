#include "penstock/exchange/reason.hpp"

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
    "address_cap",
    "shed_memory",
    "address_rate",
    "client_protocol_error",
    "stream_reset",
    "stream_refused",
    "upgrade_unavailable",
    "misdirected_request",
    "stalled_client",
    "plain_http",
    "ambiguous_path",
};
static_assert(!tokens.back().empty(), "a token for each reason");

}  // namespace

std::string_view token(reason why) noexcept { return tokens[static_cast<std::size_t>(why)]; }

}  // namespace penstock::exchange
