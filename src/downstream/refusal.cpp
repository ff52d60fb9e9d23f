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
        return exchange::reason_of_client(why);
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
        case http::errc::ambiguous_dots:
        case http::errc::ambiguous_segment:
        case http::errc::escaped_separator:
            return reason::ambiguous_path;
        case http::errc::version_unsupported:
            return reason::version_unsupported;
        default:
            return reason::http_request_error;
    }
}

}  // namespace penstock::downstream
