#include "penstock/net/error.hpp"

#include <cerrno>
#include <string>

namespace penstock::net {
namespace {

class net_category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "net"; }
    std::string message(int value) const override { return text(static_cast<errc>(value)); }

 private:
    static const char* text(errc value) noexcept {
        switch (value) {
            case errc::would_block:
                return "nothing to do without waiting";
            case errc::end_of_stream:
                return "the peer closed where more had to come";
            case errc::closed:
                return "closed by this side";
            case errc::peer_gone:
                return "the peer closed the connection while it was served";
            case errc::head_timeout:
                return "no whole head in time";
            case errc::body_timeout:
                return "no body bytes in time";
            case errc::write_timeout:
                return "no progress of a write in time";
            case errc::keepalive_timeout:
                return "idle for too long";
            case errc::handshake_timeout:
                return "TLS handshake not finished in time";
            case errc::connect_timeout:
                return "connection not made in time";
            case errc::first_byte_timeout:
                return "no response head in time";
            case errc::upstream_idle_timeout:
                return "no response bytes in time";
            case errc::queue_timeout:
                return "no pooled connection in time";
            case errc::queue_full:
                return "too many wait for a pooled connection";
            case errc::tunnel_timeout:
                return "tunnel idle for too long";
            case errc::deadline_exceeded:
                return "the total deadline passed";
            case errc::tls_failed:
                return "TLS failed";
            case errc::certificate_untrusted:
                return "the peer's certificate did not verify";
            case errc::name_not_resolved:
                return "the name has no address";
            case errc::draining:
                return "the process is going down";
            case errc::too_large:
                return "a size limit was reached";
            case errc::stalled_client:
                return "the client stood still while others waited";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept {
    static const net_category instance;
    return instance;
}

error last_system_error() noexcept { return {errno, boost::system::system_category()}; }

}  // namespace penstock::net
