#include "net/tls_record_key.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>

namespace penstock::net {
namespace {

unsigned char* bytes(char* at) noexcept { return reinterpret_cast<unsigned char*>(at); }
const unsigned char* bytes(const char* at) noexcept {
    return reinterpret_cast<const unsigned char*>(at);
}

mac_context_ptr make_hmac(const char* digest) {
    const mac_ptr hmac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
    mac_context_ptr made(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
    // OpenSSL reads it only; its parameters' type just does not say so.
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
        OSSL_PARAM_construct_end(),
    };
    return made && EVP_MAC_CTX_set_params(made.get(), parameters.data()) == 1 ? std::move(made)
                                                                              : nullptr;
}

// RFC 8446 §7.1: HKDF-Expand-Label with an empty context, of no more than one block of the hash.
// OpenSSL's function for it looks the hash and HMAC up by name each time, under a lock.
bool expand(EVP_MAC_CTX* hmac, std::span<const unsigned char> secret, std::string_view label,
            std::span<unsigned char> into) {
    static constexpr std::string_view prefix = "tls13 ";
    std::array<unsigned char, 32> info{};
    std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
    const std::size_t label_size = prefix.size() + label.size();
    info[1] = static_cast<unsigned char>(into.size());
    info[2] = static_cast<unsigned char>(label_size);
    unsigned char* const end = std::copy(label.begin(), label.end(),
                                         std::copy(prefix.begin(), prefix.end(), info.begin() + 3));
    // No context, and the first block.
    end[0] = 0;
    end[1] = 1;
    const std::size_t info_size = 3 + label_size + 2;
    std::size_t size = 0;
    const bool made = EVP_MAC_init(hmac, secret.data(), secret.size(), nullptr) == 1 &&
                      EVP_MAC_update(hmac, info.data(), info_size) == 1 &&
                      EVP_MAC_final(hmac, block.data(), &size, block.size()) == 1 &&
                      size >= into.size();
    if (made)
        std::copy_n(block.begin(), into.size(), into.begin());
    OPENSSL_cleanse(block.data(), block.size());
    return made;
}

// OpenSSL keeps the latest key, and states that follow from it.
void forget(EVP_MAC_CTX* hmac) noexcept {
    static constexpr std::array<unsigned char, 32> nothing{};
    static_cast<void>(EVP_MAC_init(hmac, nothing.data(), nothing.size(), nullptr));
}

}  // namespace

struct tls_record_key::suite {
    std::uint32_t id;
    mac_context_ptr hmac;
    std::size_t secret_size;
    std::size_t key_size;
    cipher_ptr cipher;
};

// Fetched once by each thread: a fetch takes a lock and searches.
const tls_record_key::suite* tls_record_key::find(const SSL_CIPHER* of) {
    thread_local const std::array<suite, 3> known{{
        {TLS1_3_CK_AES_128_GCM_SHA256, make_hmac("SHA256"), 32, 16,
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr))},
        {TLS1_3_CK_AES_256_GCM_SHA384, make_hmac("SHA384"), 48, 32,
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr))},
        {TLS1_3_CK_CHACHA20_POLY1305_SHA256, make_hmac("SHA256"), 32, 32,
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr))},
    }};
    const std::uint32_t id = of != nullptr ? SSL_CIPHER_get_id(of) : 0;
    const auto* const found =
        std::find_if(known.begin(), known.end(), [id](const suite& each) { return each.id == id; });
    return found != known.end() && found->cipher && found->hmac ? found : nullptr;
}

tls_record_key::~tls_record_key() {
    OPENSSL_cleanse(secret_.data(), secret_.size());
    OPENSSL_cleanse(iv_.data(), iv_.size());
}

bool tls_record_key::set(const SSL_CIPHER* by, std::span<const unsigned char> secret,
                         std::uint64_t sequence) {
    suite_ = find(by);
    if (suite_ == nullptr || secret.size() != suite_->secret_size)
        return false;
    context_.reset(EVP_CIPHER_CTX_new());
    std::copy(secret.begin(), secret.end(), secret_.begin());
    if (!context_ || !derive())
        return false;
    sequence_ = sequence;
    return true;
}

bool tls_record_key::derive() {
    std::array<unsigned char, 32> key{};
    const std::span<const unsigned char> secret(secret_.data(), suite_->secret_size);
    const bool made =
        expand(suite_->hmac.get(), secret, "key", std::span(key.data(), suite_->key_size)) &&
        expand(suite_->hmac.get(), secret, "iv", iv_) &&
        EVP_CipherInit_ex2(context_.get(), suite_->cipher.get(), key.data(), iv_.data(),
                           as_ == use::seal ? 1 : 0, nullptr) == 1;
    OPENSSL_cleanse(key.data(), key.size());
    forget(suite_->hmac.get());
    sequence_ = 0;
    return made;
}

bool tls_record_key::update() {
    std::array<unsigned char, secret_max> next{};
    const std::size_t size = suite_->secret_size;
    const bool made = expand(suite_->hmac.get(), std::span(secret_.data(), size), "traffic upd",
                             std::span(next.data(), size));
    secret_ = next;
    OPENSSL_cleanse(next.data(), next.size());
    return made && derive();
}

// The nonce is the IV with the sequence number over its end, the header the additional data.
bool tls_record_key::begin(const char* header) {
    std::array<unsigned char, 12> nonce = iv_;
    for (std::size_t i = 0; i < sizeof sequence_; ++i)
        nonce[nonce.size() - 1 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
    ++sequence_;
    int size = 0;
    return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
           EVP_CipherUpdate(context_.get(), nullptr, &size, bytes(header), header_size) == 1;
}

bool tls_record_key::seal(unsigned char type, std::string_view data, char* out) {
    const std::size_t length = data.size() + 1 + tag_size;
    out[0] = SSL3_RT_APPLICATION_DATA;
    out[1] = 3;
    out[2] = 3;
    out[3] = static_cast<char>(length >> 8U);
    out[4] = static_cast<char>(length & 0xffU);
    EVP_CIPHER_CTX* const context = context_.get();
    unsigned char* at = bytes(out + header_size);
    int size = 0;
    if (!begin(out))
        return false;
    if (EVP_CipherUpdate(context, at, &size, bytes(data.data()), static_cast<int>(data.size())) !=
        1)
        return false;
    at += size;
    if (EVP_CipherUpdate(context, at, &size, &type, 1) != 1)
        return false;
    at += size;
    return EVP_CipherFinal_ex(context, at, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size,
                               out + header_size + data.size() + 1) == 1;
}

std::optional<std::size_t> tls_record_key::open(std::span<const char> record, char* into) {
    if (record.size() < overhead || record.size() > header_size + sealed_max)
        return std::nullopt;
    const std::size_t size = record.size() - header_size - tag_size;
    std::array<char, tag_size> tag{};
    std::copy(record.end() - tag_size, record.end(), tag.begin());
    EVP_CIPHER_CTX* const context = context_.get();
    int done = 0;
    int rest = 0;
    const bool good =
        begin(record.data()) &&
        EVP_CipherUpdate(context, bytes(into), &done, bytes(record.data() + header_size),
                         static_cast<int>(size)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
        EVP_CipherFinal_ex(context, bytes(into) + done, &rest) == 1;
    return good ? std::optional(size) : std::nullopt;
}

}  // namespace penstock::net
