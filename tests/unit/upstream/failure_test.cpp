#include "penstock/upstream/failure.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace penstock::upstream {
namespace {

using exchange::reason;

error system_error(int value) { return {value, boost::system::system_category()}; }

TEST(Failure, GivesEveryOriginErrorItsReason) {
    struct {
        const char* name;
        error why;
        reason expected;
    } const cases[] = {
        {"none", error(), reason::none},
        {"refused", system_error(ECONNREFUSED), reason::connection_refused},
        {"connect timeout", net::errc::connect_timeout, reason::connection_timeout},
        {"kernel's connect timeout", system_error(ETIMEDOUT), reason::connection_timeout},
        {"no route", system_error(EHOSTUNREACH), reason::destination_unavailable},
        {"no network", system_error(ENETUNREACH), reason::destination_unavailable},
        {"end of stream", net::errc::end_of_stream, reason::connection_terminated},
        {"reset", system_error(ECONNRESET), reason::connection_terminated},
        {"broken pipe", system_error(EPIPE), reason::connection_terminated},
        {"first byte", net::errc::first_byte_timeout, reason::connection_read_timeout},
        {"idle", net::errc::upstream_idle_timeout, reason::connection_read_timeout},
        {"write", net::errc::write_timeout, reason::connection_write_timeout},
        {"queue full", net::errc::queue_full, reason::queue_full},
        {"queue timeout", net::errc::queue_timeout, reason::connection_limit_reached},
        {"tls", net::errc::tls_failed, reason::tls_protocol_error},
        {"certificate", net::errc::certificate_untrusted, reason::tls_certificate_error},
        {"name", net::errc::name_not_resolved, reason::dns_error},
        {"deadline", net::errc::deadline_exceeded, reason::deadline},
        {"client", net::errc::peer_gone, reason::client_gone},
        {"status line", http::errc::bad_status_line, reason::http_protocol_error},
        {"two lengths", http::errc::length_conflict, reason::http_protocol_error},
        {"head", http::errc::header_too_large, reason::http_response_header_section_size},
        {"fields", http::errc::too_many_fields, reason::http_response_header_section_size},
        {"coding", http::errc::bad_transfer_encoding, reason::http_response_transfer_coding},
        {"chunk", http::errc::bad_chunk, reason::http_response_transfer_coding},
        {"truncated", http::errc::truncated, reason::http_response_incomplete},
        {"interim", errc::interim_flood, reason::interim_flood},
        {"upgrade", errc::unexpected_upgrade, reason::unexpected_upgrade},
        {"endpoint", errc::no_endpoint, reason::no_endpoint},
        {"stream reset", errc::stream_reset, reason::stream_reset},
        {"stream refused", errc::stream_refused, reason::stream_refused},
        {"breach of HTTP/2", errc::connection_broken, reason::http_protocol_error},
        {"no extended CONNECT", errc::no_extended_connect, reason::upgrade_unavailable},
        {"no protocol agreed", errc::protocol_unavailable, reason::tls_protocol_error},
        {"own head", errc::unwritable_request, reason::proxy_internal_error},
        {"descriptors", system_error(EMFILE), reason::proxy_internal_error},
    };
    for (const auto& item : cases)
        EXPECT_EQ(reason_of(item.why), item.expected) << item.name;
}

}  // namespace
}  // namespace penstock::upstream
