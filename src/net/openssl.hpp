// OpenSSL's objects as owners, and its error queue as text. Included by the TLS files of net only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <exception>
#include <memory>
#include <string>
#include <type_traits>

namespace penstock::net {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* value) const noexcept {
        Free(value);
    }
};

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using bio_method_ptr = std::unique_ptr<BIO_METHOD, freed_by<BIO_meth_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using cipher_ptr = std::unique_ptr<EVP_CIPHER, freed_by<EVP_CIPHER_free>>;
using cipher_context_ptr = std::unique_ptr<EVP_CIPHER_CTX, freed_by<EVP_CIPHER_CTX_free>>;
using kdf_ptr = std::unique_ptr<EVP_KDF, freed_by<EVP_KDF_free>>;
using kdf_context_ptr = std::unique_ptr<EVP_KDF_CTX, freed_by<EVP_KDF_CTX_free>>;
using mac_ptr = std::unique_ptr<EVP_MAC, freed_by<EVP_MAC_free>>;
using mac_context_ptr = std::unique_ptr<EVP_MAC_CTX, freed_by<EVP_MAC_CTX_free>>;
using crl_ptr = std::unique_ptr<X509_CRL, freed_by<X509_CRL_free>>;
using general_names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;

// What OpenSSL calls has frames of C above it, which no exception may cross: a callback whose
// `work` finds no memory has the outcome that `otherwise` is or gives.
template <class Otherwise, class Work>
[[nodiscard]] auto guarded(Otherwise otherwise, Work work) noexcept {
    try {
        return work();
    } catch (const std::exception&) {
        if constexpr (std::is_invocable_v<Otherwise>)
            return otherwise();
        else
            return otherwise;
    }
}

// The library context of a worker, for all that its handshakes do: OpenSSL 3.0 looks its algorithms
// up behind locks, and each context has its own. Made at the first call with what the system's
// configuration says, on the one thread that makes SSL_CTXs; good until the process ends. Null =
// OpenSSL's default one, where its configuration cannot be loaded twice.
[[nodiscard]] OSSL_LIB_CTX* library_of(int worker);

// Empties this thread's error queue; its entries in one line, oldest first, each without the
// numbers that only OpenSSL's developers read.
[[nodiscard]] std::string take_openssl_errors();

// A read-only view of `text`, which has to outlive it.
[[nodiscard]] bio_ptr bio_over(const std::string& text);

}  // namespace penstock::net
