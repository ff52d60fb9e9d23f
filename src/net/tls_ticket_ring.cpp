#include "net/tls_ticket_ring.hpp"

#include "net/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>

namespace penstock::net {

tls_ticket_ring::tls_ticket_ring(std::string_view secret, std::string_view scope,
                                 std::int64_t rotate)
    : secret_(secret), scope_(scope), rotate_(std::max<std::int64_t>(rotate, 1)) {}

tls_ticket_ring::~tls_ticket_ring() {
    OPENSSL_cleanse(secret_.data(), secret_.size());
    OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

std::optional<tls_ticket_key> tls_ticket_ring::current(std::int64_t now) {
    if (!move_to(now / rotate_))
        return std::nullopt;
    return keys_[1];
}

std::optional<tls_ticket_key> tls_ticket_ring::find(std::span<const unsigned char> name,
                                                    std::int64_t now) {
    if (!move_to(now / rotate_))
        return std::nullopt;
    for (const tls_ticket_key& each : keys_) {
        if (std::equal(name.begin(), name.end(), each.name.begin(), each.name.end()))
            return each;
    }
    return std::nullopt;
}

bool tls_ticket_ring::move_to(std::int64_t epoch) {
    if (epoch_ == epoch)
        return true;
    epoch_.reset();
    for (std::size_t i = 0; i < around; ++i) {
        if (!derive(epoch + static_cast<std::int64_t>(i) - 1, keys_[i]))
            return false;
    }
    epoch_ = epoch;
    return true;
}

// RFC 5869. The epoch's length is part of it, so that processes that disagree about it share no
// key by accident.
bool tls_ticket_ring::derive(std::int64_t epoch, tls_ticket_key& into) const {
    std::string info = "penstock ticket " + std::to_string(rotate_) + ' ' + std::to_string(epoch);
    info += '\0';
    info += scope_;
    const kdf_ptr kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
    const kdf_context_ptr context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    if (!context)
        return false;
    std::string digest = "SHA256";
    std::string secret = secret_;
    const std::array<OSSL_PARAM, 4> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end(),
    };
    std::array<unsigned char, 80> out{};
    const bool made = EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) == 1;
    std::copy_n(out.begin(), into.name.size(), into.name.begin());
    std::copy_n(out.begin() + 16, into.cipher.size(), into.cipher.begin());
    std::copy_n(out.begin() + 48, into.mac.size(), into.mac.begin());
    OPENSSL_cleanse(secret.data(), secret.size());
    OPENSSL_cleanse(out.data(), out.size());
    return made;
}

}  // namespace penstock::net
