#include "penstock/net/tls_failure.hpp"

#include <array>

namespace penstock::net {

std::string_view name(tls_failure of) noexcept {
    constexpr std::array<std::string_view, tls_failure_count> names{
        "none",
        "not_tls",
        "version_unsupported",
        "no_shared_cipher",
        "no_shared_group",
        "no_shared_signature",
        "no_application_protocol",
        "unknown_name",
        "certificate_required",
        "certificate_untrusted",
        "certificate_expired",
        "certificate_revoked",
        "certificate_refused",
        "client_alert",
        "client_gone",
        "timeout",
        "hello_too_large",
        "protocol_error",
        "internal_error",
    };
    return names[static_cast<std::size_t>(of)];
}

}  // namespace penstock::net
