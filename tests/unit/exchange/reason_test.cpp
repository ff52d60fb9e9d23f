#include "penstock/exchange/reason.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
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
                           {reason::draining, "draining"},
                           {reason::address_cap, "address_cap"},
                           {reason::address_rate, "address_rate"},
                           {reason::client_protocol_error, "client_protocol_error"},
                           {reason::stream_reset, "stream_reset"},
                           {reason::stream_refused, "stream_refused"},
                           {reason::upgrade_unavailable, "upgrade_unavailable"},
                           {reason::misdirected_request, "misdirected_request"},
                           {reason::stalled_client, "stalled_client"},
                           {reason::ambiguous_path, "ambiguous_path"},
                           {reason::plain_http, "plain_http"},
                           {reason::shed_memory, "shed_memory"}})
        EXPECT_EQ(token(one.why), one.text);
}

TEST(Reason, NamesHowAClientFailed) {
    struct {
        const char* name;
        error why;
        reason expected;
    } const cases[] = {
        {"none", error(), reason::none},
        {"reset", error(ECONNRESET, boost::system::system_category()), reason::client_gone},
        {"gone", net::errc::peer_gone, reason::client_gone},
        {"end", net::errc::end_of_stream, reason::client_gone},
        {"tls", net::errc::tls_failed, reason::client_gone},
        {"slow head", net::errc::head_timeout, reason::head_timeout},
        {"slow body", net::errc::body_timeout, reason::body_timeout},
        {"slow reader", net::errc::write_timeout, reason::write_timeout},
        {"tunnel", net::errc::tunnel_timeout, reason::tunnel_timeout},
        {"deadline", net::errc::deadline_exceeded, reason::deadline},
        {"drain", net::errc::draining, reason::draining},
        {"too large", net::errc::too_large, reason::body_too_large},
        {"body cut", http::errc::truncated, reason::client_gone},
        {"bad chunk", http::errc::bad_chunk, reason::http_request_error},
        {"expectation", http::errc::bad_expectation, reason::expectation_failed},
    };
    for (const auto& item : cases)
        EXPECT_EQ(reason_of_client(item.why), item.expected) << item.name;
}

}  // namespace
}  // namespace penstock::exchange
