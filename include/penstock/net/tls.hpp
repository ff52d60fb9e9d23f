// TLS contexts: everything compiled from a certificate or trust configuration, shared by the
// connections of one worker. OpenSSL stays behind this header and net/stream.
#pragma once

#include "penstock/base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::net {

// Texts, not paths.
struct tls_certificate {
    std::string chain_pem;  // leaf first
    std::string key_pem;
    std::string ocsp;  // a DER response to staple, or empty
};

enum class tls_client_auth : std::uint8_t { none, optional, required };

struct tls_server_options {
    int worker = 0;  // whose connections will use the context
    // The first is what clients without a known name get. A name's ECDSA and RSA certificates are
    // both offered, ECDSA first.
    std::vector<tls_certificate> certificates;
    bool strict_sni = false;          // refuse unknown names, and clients without one
    std::string min_version = "1.2";  // "1.2" or "1.3"
    std::string ciphers;              // of TLS 1.2, in OpenSSL's syntax; empty = ours
    std::string suites;               // of TLS 1.3, likewise
    std::string groups;               // likewise
    std::vector<std::string> alpn = {"http/1.1"};
    std::size_t record_size = std::size_t{16} * 1024;  // plaintext in a record we send; 1 to 16 KiB

    // Sessions are bound to `ticket_scope`, to the certificates and to all that is said about
    // clients' certificates below. No secret: no tickets.
    std::string ticket_secret;
    std::string ticket_scope;
    std::int64_t ticket_rotate = 3600;  // seconds

    tls_client_auth client_auth = tls_client_auth::none;
    std::string client_ca_pem;
    std::string client_crl_pem;  // empty = revocation is not looked at
};

// What the contexts of one trust configuration share: sessions to resume, and verified chains.
class tls_session_store;
[[nodiscard]] std::shared_ptr<tls_session_store> make_tls_session_store();

struct tls_client_options {
    int worker = 0;  // whose connections will use the context
    bool verify = true;
    std::string ca_pem;  // trusted roots; empty = the system's store
    std::vector<std::string> alpn = {"http/1.1"};
    std::string certificate_pem;  // that the peer may ask for; empty = none
    std::string key_pem;
    std::shared_ptr<tls_session_store> store;  // null = every handshake is a full one
};

class tls_context {
 public:
    // On failure `message` says what OpenSSL disliked, in one line.
    [[nodiscard]] static result<std::unique_ptr<tls_context>> server(
        const tls_server_options& options, std::string& message);
    [[nodiscard]] static result<std::unique_ptr<tls_context>> client(
        const tls_client_options& options, std::string& message);
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    struct implementation;
    [[nodiscard]] implementation& impl() noexcept { return *impl_; }

 private:
    explicit tls_context(std::unique_ptr<implementation> impl) noexcept;
    std::unique_ptr<implementation> impl_;
};

// The certificates that a client's SNI was answered with. True if `host`, in lower case and without
// port, would have been answered with the same ones.
struct tls_site;
[[nodiscard]] bool tls_site_serves(const tls_site& site, std::string_view host);

// A fresh P-256 key and a certificate for `names` (DNS names or addresses), valid for 30 days.
struct self_signed {
    std::string certificate_pem;
    std::string key_pem;
};
[[nodiscard]] result<self_signed> make_self_signed(const std::vector<std::string>& names);

// When a PEM chain's leaf ends, in seconds since the epoch; an error if it cannot be read.
[[nodiscard]] result<std::int64_t> certificate_not_after(const std::string& certificate_pem);

}  // namespace penstock::net
