#include "downstream/refusal.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream {
namespace {

using exchange::reason;

struct reason_case {
    const char* name;
    error why;
    reason expected;
};

TEST(Refusal, NamesWhatIsWrongWithAHead) {
    const reason_case cases[] = {
        {"line", http::errc::bad_request_line, reason::http_request_error},
        {"line end", http::errc::bad_line_end, reason::http_request_error},
        {"lengths", http::errc::length_conflict, reason::http_request_error},
        {"body", http::errc::body_not_allowed, reason::http_request_error},
        {"uri", http::errc::uri_too_long, reason::uri_too_long},
        {"field", http::errc::field_too_large, reason::request_header_too_large},
        {"head", http::errc::header_too_large, reason::request_header_too_large},
        {"count", http::errc::too_many_fields, reason::request_header_too_large},
        {"buffer", net::errc::too_large, reason::request_header_too_large},
        {"expect", http::errc::bad_expectation, reason::expectation_failed},
        {"coding", http::errc::transfer_coding_unknown, reason::transfer_coding_unknown},
        {"version", http::errc::version_unsupported, reason::version_unsupported},
        {"time", net::errc::head_timeout, reason::head_timeout},
    };
    for (const reason_case& item : cases)
        EXPECT_EQ(reason_of_head(item.why), item.expected) << item.name;
}

}  // namespace
}  // namespace penstock::downstream
