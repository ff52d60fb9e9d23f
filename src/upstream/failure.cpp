#include "penstock/upstream/failure.hpp"

#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <cerrno>
#include <string>

namespace penstock::upstream {
namespace {

using exchange::reason;

class upstream_category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "upstream"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::no_endpoint:
                return "the upstream has no endpoint";
            case errc::interim_flood:
                return "too many interim responses";
            case errc::unexpected_upgrade:
                return "upgrade that was not asked for";
            case errc::unwritable_request:
                return "the request head cannot be serialised";
            case errc::stream_reset:
                return "the origin reset the stream";
            case errc::stream_refused:
                return "the origin refused the stream";
            case errc::connection_broken:
                return "the origin broke the rules of HTTP/2";
            case errc::no_extended_connect:
                return "the origin offers no extended CONNECT";
            case errc::protocol_unavailable:
                return "the origin does not speak the protocol that it has to";
        }
        return "unknown error";
    }
};

reason reason_of_own(errc why) noexcept {
    switch (why) {
        case errc::no_endpoint:
            return reason::no_endpoint;
        case errc::interim_flood:
            return reason::interim_flood;
        case errc::unexpected_upgrade:
            return reason::unexpected_upgrade;
        case errc::stream_reset:
            return reason::stream_reset;
        case errc::stream_refused:
            return reason::stream_refused;
        case errc::connection_broken:
            return reason::http_protocol_error;
        case errc::no_extended_connect:
            return reason::upgrade_unavailable;
        case errc::protocol_unavailable:
            return reason::tls_protocol_error;
        case errc::unwritable_request:
            break;
    }
    return reason::proxy_internal_error;
}

reason reason_of_net(net::errc why) noexcept {
    switch (why) {
        case net::errc::end_of_stream:
        case net::errc::closed:
        case net::errc::keepalive_timeout:
            return reason::connection_terminated;
        case net::errc::peer_gone:
            return reason::client_gone;
        case net::errc::head_timeout:
            return reason::head_timeout;
        case net::errc::body_timeout:
            return reason::body_timeout;
        case net::errc::write_timeout:
            return reason::connection_write_timeout;
        case net::errc::connect_timeout:
        case net::errc::handshake_timeout:
            return reason::connection_timeout;
        case net::errc::first_byte_timeout:
        case net::errc::upstream_idle_timeout:
            return reason::connection_read_timeout;
        case net::errc::queue_timeout:
            return reason::connection_limit_reached;
        case net::errc::queue_full:
            return reason::queue_full;
        case net::errc::tunnel_timeout:
            return reason::tunnel_timeout;
        case net::errc::deadline_exceeded:
            return reason::deadline;
        case net::errc::tls_failed:
            return reason::tls_protocol_error;
        case net::errc::certificate_untrusted:
            return reason::tls_certificate_error;
        case net::errc::name_not_resolved:
            return reason::dns_error;
        case net::errc::draining:
            return reason::draining;
        case net::errc::stalled_client:
            return reason::stalled_client;
        case net::errc::would_block:
        case net::errc::too_large:
            break;
    }
    return reason::proxy_internal_error;
}

reason reason_of_response(http::errc why) noexcept {
    switch (why) {
        case http::errc::field_too_large:
        case http::errc::header_too_large:
        case http::errc::too_many_fields:
            return reason::http_response_header_section_size;
        case http::errc::bad_transfer_encoding:
        case http::errc::transfer_coding_unknown:
        case http::errc::bad_chunk:
        case http::errc::chunk_extension_too_large:
            return reason::http_response_transfer_coding;
        case http::errc::truncated:
            return reason::http_response_incomplete;
        default:
            return reason::http_protocol_error;
    }
}

reason reason_of_system(int why) noexcept {
    switch (why) {
        case ECONNREFUSED:
            return reason::connection_refused;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE:
        case ENOTCONN:
            return reason::connection_terminated;
        case ETIMEDOUT:
            return reason::connection_timeout;
        case EHOSTUNREACH:
        case EHOSTDOWN:
        case ENETUNREACH:
        case ENETDOWN:
        case EACCES:
        case EPERM:
            return reason::destination_unavailable;
        default:
            // Out of descriptors, memory or ports: ours to mend, not the origin's.
            return reason::proxy_internal_error;
    }
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const upstream_category instance;
    return instance;
}

exchange::reason reason_of(error why) noexcept {
    if (!why)
        return reason::none;
    if (why.category() == category())
        return reason_of_own(static_cast<errc>(why.value()));
    if (why.category() == net::category()) {
        return reason_of_net(static_cast<net::errc>(why.value()));
    }
    if (why.category() == http::category()) {
        return reason_of_response(static_cast<http::errc>(why.value()));
    }
    return reason_of_system(why.value());
}

}  // namespace penstock::upstream
