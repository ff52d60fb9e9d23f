#include "penstock/proxy/failure.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

using exchange::reason;

constexpr std::size_t attempts_max = 3;

// The connection was never made, so the origin cannot have seen the request.
bool is_connect_failure(reason why) noexcept {
    switch (why) {
        case reason::dns_error:
        case reason::destination_unavailable:
        case reason::connection_refused:
        case reason::connection_timeout:
        case reason::tls_protocol_error:
        case reason::tls_certificate_error:
            return true;
        default:
            return false;
    }
}

// What is ours or the origin's; 502 for all that the origin did.
int status_of_failure(reason why) noexcept {
    switch (why) {
        case reason::proxy_internal_error:
            return 500;
        case reason::transfer_coding_unknown:
            return 501;
        case reason::no_endpoint:
        case reason::queue_full:
        case reason::connection_limit_reached:
        case reason::connection_cap:
        case reason::draining:
        case reason::shed_memory:
        case reason::stream_refused:
        case reason::stalled_client:
            return 503;
        case reason::connection_timeout:
        case reason::connection_read_timeout:
        case reason::connection_write_timeout:
        case reason::tunnel_timeout:
        case reason::deadline:
            return 504;
        case reason::version_unsupported:
            return 505;
        case reason::proxy_loop_detected:
            return 508;
        default:
            return 502;
    }
}

}  // namespace

int status_of(reason why) noexcept {
    switch (why) {
        case reason::none:
            return 200;
        case reason::http_request_error:
        case reason::ambiguous_path:
        case reason::plain_http:
            return 400;
        case reason::no_route:
            return 404;
        case reason::http_request_denied:
            return 405;
        case reason::head_timeout:
        case reason::body_timeout:
            return 408;
        case reason::body_too_large:
            return 413;
        case reason::uri_too_long:
            return 414;
        case reason::expectation_failed:
            return 417;
        case reason::misdirected_request:
            return 421;
        case reason::address_cap:
        case reason::address_rate:
            return 429;
        case reason::request_header_too_large:
            return 431;
        case reason::client_gone:
        case reason::client_protocol_error:
        case reason::write_timeout:
            return 499;
        default:
            return status_of_failure(why);
    }
}

bool may_be_repeated(const retry_facts& of) noexcept {
    return of.attempts < attempts_max && http::idempotent(of.verb) && of.body_empty;
}

retry decide_retry(const upstream::attempt_failure& failed, const retry_facts& of) noexcept {
    if (failed.response_begun || failed.body_consumed || of.attempts >= attempts_max)
        return retry::no;
    const bool unsent = !failed.request_sent;
    const bool repeatable = may_be_repeated(of);
    const bool died =
        failed.reason == reason::connection_terminated || failed.reason == reason::stream_refused;
    // A pooled connection that the origin had given up: the next one is new, so this happens once.
    if (failed.reused && died && (unsent || repeatable))
        return retry::fresh;
    const bool elsewhere = of.tried < of.endpoints;
    if (elsewhere && unsent && (died || is_connect_failure(failed.reason)))
        return retry::another;
    if (elsewhere && of.attempts == 1 && died && repeatable)
        return retry::another;
    return retry::no;
}

}  // namespace penstock::proxy
