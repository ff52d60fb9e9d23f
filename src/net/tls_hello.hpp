// What a ClientHello asks for, before anything of it is judged: for the choice of a certificate,
// and for the event of a handshake that fails. To be called within OpenSSL's callback for it.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>

namespace penstock::net {

// The server's name as it stands there, "" = none.
[[nodiscard]] std::string_view hello_name(SSL* ssl) noexcept;

// For a log: "invalid" for what could forge a line of it.
[[nodiscard]] std::string_view clean_hello_name(std::string_view name) noexcept;
// The protocols of ALPN with commas between them, clean and no more than a few.
[[nodiscard]] std::string hello_protocols(SSL* ssl);
// RFC 8446 §4.2.10.
[[nodiscard]] bool hello_offers_early_data(SSL* ssl) noexcept;
// The newest version that the client speaks, "TLSv1.3".
[[nodiscard]] std::string_view hello_version(SSL* ssl) noexcept;

}  // namespace penstock::net
