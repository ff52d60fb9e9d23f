// Certificates, keys and trust out of PEM texts into an SSL_CTX. False leaves the reason in
// OpenSSL's error queue. `library` is the context's own.
#pragma once

#include "net/openssl.hpp"
#include "penstock/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::net {

[[nodiscard]] bool use_chain(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem);
[[nodiscard]] bool use_key(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem);
// Trusted roots; empty = the system's.
[[nodiscard]] bool trust(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& pem);
// Clients are told which authorities' certificates are asked for.
[[nodiscard]] bool name_client_authorities(SSL_CTX* context, const std::string& pem);
[[nodiscard]] bool revoke(SSL_CTX* context, OSSL_LIB_CTX* library, const std::string& crl_pem);
// As far as they can be read.
[[nodiscard]] std::vector<crl_ptr> read_lists(const std::string& crl_pem, OSSL_LIB_CTX* library);

// Null if the text does not begin with a certificate.
[[nodiscard]] certificate_ptr read_leaf(const std::string& pem);
// That can be read without a password.
[[nodiscard]] bool is_private_key(const std::string& pem);
[[nodiscard]] bool is_key_of(X509* certificate, const std::string& key_pem);
// DNS names and addresses of its subjectAltName, in lower case.
[[nodiscard]] std::vector<std::string> names_of(X509* certificate);

// Whom it is for (RFC 4514), with control bytes escaped.
[[nodiscard]] std::string subject_of(X509* certificate);

// Seconds since the epoch; nothing if it is no time.
[[nodiscard]] std::optional<std::int64_t> seconds_of(const ASN1_TIME* time);

// The end of a certificate on our clock, or some time after `now` + a day.
[[nodiscard]] time_point end_of(X509* certificate, time_point now);

// `what`, and why.
[[nodiscard]] std::string openssl_failure(const std::string& what);

}  // namespace penstock::net
