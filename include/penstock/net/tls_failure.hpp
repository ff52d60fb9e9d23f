// Why a TLS handshake with a client failed: a fixed vocabulary for logs and metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::net {

enum class tls_failure : std::uint8_t {
    none,
    not_tls,              // the first bytes are no TLS record, HTTP mostly
    version_unsupported,  // none of the client's versions is spoken here
    no_shared_cipher,
    no_shared_group,
    no_shared_signature,      // the client takes no signature that our certificates can make
    no_application_protocol,  // RFC 7301 §3.2
    unknown_name,             // SNI that no certificate is for, with `strict_sni`
    certificate_required,     // the client sent none
    certificate_untrusted,    // the client's chain does not verify
    certificate_expired,      // likewise, or not valid yet
    certificate_revoked,
    certificate_refused,  // the client does not take ours, as its alert says
    client_alert,         // another alert of the client's
    client_gone,          // it closed or reset the connection
    timeout,
    hello_too_large,
    protocol_error,  // whatever else breaks the rules
    internal_error,  // ours
};
inline constexpr std::size_t tls_failure_count =
    static_cast<std::size_t>(tls_failure::internal_error) + 1;

// "not_tls" and so on.
[[nodiscard]] std::string_view name(tls_failure of) noexcept;

}  // namespace penstock::net
