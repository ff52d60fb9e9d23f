#include "downstream/refusal.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

namespace penstock::downstream {

using exchange::reason;

reason reason_of_head(error why) noexcept {
    // The read buffer's own cap, which a generous limit on heads can be above.
    if (why == net::errc::too_large)
        return reason::request_header_too_large;
    if (why.category() != http::category())
        return reason_of_client(why);
    switch (static_cast<http::errc>(why.value())) {
        case http::errc::uri_too_long:
            return reason::uri_too_long;
        case http::errc::field_too_large:
        case http::errc::header_too_large:
        case http::errc::too_many_fields:
            return reason::request_header_too_large;
        case http::errc::bad_expectation:
            return reason::expectation_failed;
        case http::errc::transfer_coding_unknown:
            return reason::transfer_coding_unknown;
        case http::errc::version_unsupported:
            return reason::version_unsupported;
        default:
            return reason::http_request_error;
    }
}

reason reason_of_client(error why) noexcept {
    if (why == http::errc::bad_expectation)
        return reason::expectation_failed;
    if (why.category() == http::category())
        return reason::http_request_error;
    if (why.category() != net::category())
        return reason::client_gone;
    switch (static_cast<net::errc>(why.value())) {
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

}  // namespace penstock::downstream
