// What stands behind net/tls's tls_context: SSL_CTXs and what their callbacks look at. Shared with
// tls_session and nobody else.
#pragma once

#include "net/openssl.hpp"
#include "net/tls_record_source.hpp"
#include "net/tls_session_store.hpp"
#include "net/tls_staple.hpp"
#include "net/tls_ticket_ring.hpp"
#include "penstock/net/tls.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::net {

// The certificates that a name is served with.
struct tls_site {
    struct stapled {
        certificate_ptr leaf;
        tls_staple staple;
    };
    ssl_context_ptr context;
    std::vector<stapled> staples;  // of those that have one
    std::optional<tls_ticket_ring> tickets;
    std::array<unsigned char, 32> session_scope{};
    std::int64_t session_seconds = 0;  // from the handshake that was a full one
    const tls_context::implementation* owner = nullptr;
};

struct tls_context::implementation {
    // Null if the client is to be refused. `name` as it was sent; empty = none.
    [[nodiscard]] const tls_site* site_for(std::string_view name) const;

    ssl_context_ptr context;  // a client's
    std::shared_ptr<tls_session_store> store;
    std::vector<std::string> alpn;  // in our order of preference
    bool verifies = false;          // the origin's chain and name are checked

    // A server's.
    std::vector<std::unique_ptr<tls_site>> sites;  // the first is the default
    std::map<std::string, tls_site*, std::less<>> by_name;
    bool strict_sni = false;
    std::size_t record_size = tls_record_source::record_max;
    bool asks_certificate = false;
};

// Told of by OpenSSL's callbacks, which find the session by the SSL object.
class tls_session;
[[nodiscard]] tls_session* session_of(const SSL* ssl) noexcept;

// Sets what a client asks for (SNI carries names only, RFC 6066 §3) and what it verifies.
[[nodiscard]] bool set_tls_server_name(SSL* ssl, std::string name, bool verifies);

// Whether HTTP/2 may be spoken with it (RFC 9113 §9.2.2).
[[nodiscard]] bool suits_http2(const SSL* ssl, const SSL_CIPHER* cipher) noexcept;

}  // namespace penstock::net
