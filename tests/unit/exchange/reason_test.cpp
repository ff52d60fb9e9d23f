#include "penstock/exchange/reason.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace penstock::exchange {
namespace {

TEST(Reason, HasATokenOfItsOwn) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < reason_count; ++i) {
        const std::string_view text = token(static_cast<reason>(i));
        EXPECT_TRUE(seen.insert(text).second) << text << " stands for two reasons";
        // Fit for a Proxy-Status parameter, a label and a JSON text as it is.
        EXPECT_FALSE(text.empty()) << i;
        EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || c == '_';
        })) << text;
    }
}

TEST(Reason, IsCalledWhatItIs) {
    struct row {
        reason why;
        std::string_view text;
    };
    for (const row& one : {row{reason::none, "none"},
                           {reason::dns_error, "dns_error"},
                           {reason::connection_terminated, "connection_terminated"},
                           {reason::connection_limit_reached, "connection_limit_reached"},
                           {reason::tls_certificate_error, "tls_certificate_error"},
                           {reason::http_request_error, "http_request_error"},
                           {reason::http_response_transfer_coding, "http_response_transfer_coding"},
                           {reason::proxy_loop_detected, "proxy_loop_detected"},
                           {reason::no_route, "no_route"},
                           {reason::client_gone, "client_gone"},
                           {reason::deadline, "deadline"},
                           {reason::version_unsupported, "version_unsupported"},
                           {reason::stale_connection, "stale_connection"},
                           {reason::tunnel_timeout, "tunnel_timeout"},
                           {reason::connection_cap, "connection_cap"},
                           {reason::draining, "draining"}})
        EXPECT_EQ(token(one.why), one.text);
}

}  // namespace
}  // namespace penstock::exchange
