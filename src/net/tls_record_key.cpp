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

// RFC 5246 §5: the PRF for the key block. Each block of it is an HMAC of the seed behind A(i),
// which is an HMAC of the one before.
bool expand_tls12(EVP_MAC_CTX* hmac, const tls12_secrets& from, std::span<unsigned char> into) {
    static constexpr std::string_view label = "key expansion";
    std::array<unsigned char, label.size() + 2 * SSL3_RANDOM_SIZE> seed{};
    std::array<unsigned char, EVP_MAX_MD_SIZE> chained{};
    std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
    auto* end = std::copy(label.begin(), label.end(), seed.begin());
    end = std::copy(from.server_random.begin(), from.server_random.end(), end);
    std::copy(from.client_random.begin(), from.client_random.end(), end);
    std::size_t size = 0;
    const auto hash = [&](std::span<const unsigned char> front, std::span<const unsigned char> rest,
                          std::span<unsigned char> out) {
        return EVP_MAC_init(hmac, from.master.data(), from.master.size(), nullptr) == 1 &&
               EVP_MAC_update(hmac, front.data(), front.size()) == 1 &&
               EVP_MAC_update(hmac, rest.data(), rest.size()) == 1 &&
               EVP_MAC_final(hmac, out.data(), &size, out.size()) == 1 && size > 0;
    };
    bool made = hash(seed, {}, chained);
    for (std::size_t done = 0; made && done < into.size();) {
        made = hash({chained.data(), size}, seed, block);
        const std::size_t count = std::min(size, into.size() - done);
        std::copy_n(block.begin(), count, into.begin() + static_cast<std::ptrdiff_t>(done));
        done += count;
        made = made && hash({chained.data(), size}, {}, chained);
    }
    OPENSSL_cleanse(chained.data(), chained.size());
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
    int id;                   // of the cipher, which goes with one hash in both versions
    std::size_t secret_size;  // in TLS 1.3
    std::size_t key_size;
    std::size_t fixed_iv_size;  // in TLS 1.2
    mac_context_ptr hmac;
    cipher_ptr cipher;
};

// Fetched once by each thread: a fetch takes a lock and searches.
const tls_record_key::suite* tls_record_key::find(const SSL_CIPHER* of) {
    thread_local const std::array<suite, 3> known{{
        {NID_aes_128_gcm, 32, 16, 4, make_hmac("SHA256"),
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr))},
        {NID_aes_256_gcm, 48, 32, 4, make_hmac("SHA384"),
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr))},
        {NID_chacha20_poly1305, 32, 32, 12, make_hmac("SHA256"),
         cipher_ptr(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr))},
    }};
    const int id = of != nullptr ? SSL_CIPHER_get_cipher_nid(of) : NID_undef;
    const auto* const found =
        std::find_if(known.begin(), known.end(), [id](const suite& each) { return each.id == id; });
    return found != known.end() && found->cipher && found->hmac ? found : nullptr;
}

tls12_secrets::~tls12_secrets() { OPENSSL_cleanse(master.data(), master.size()); }

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
    std::array<unsigned char, 32> room{};
    const std::span<const unsigned char> secret(secret_.data(), suite_->secret_size);
    const std::span<unsigned char> key(room.data(), suite_->key_size);
    const bool made = expand(suite_->hmac.get(), secret, "key", key) &&
                      expand(suite_->hmac.get(), secret, "iv", iv_) && set_key(key);
    OPENSSL_cleanse(room.data(), room.size());
    forget(suite_->hmac.get());
    sequence_ = 0;
    return made;
}

bool tls_record_key::set_key(std::span<const unsigned char> key) {
    return EVP_CipherInit_ex2(context_.get(), suite_->cipher.get(), key.data(), iv_.data(),
                              as_ == use::seal ? 1 : 0, nullptr) == 1;
}

// RFC 5246 §6.3: no MAC keys with these suites, so first both keys, then both fixed parts of
// nonces, the client's in front.
bool tls_record_key::set_tls12(const SSL_CIPHER* by, const tls12_secrets& from,
                               tls_record_key& client, tls_record_key& server) {
    std::array<unsigned char, 2 * (32 + 12)> room{};
    const suite* const found = find(by);
    if (found == nullptr)
        return false;
    const std::size_t size = found->key_size;
    const std::size_t fixed = found->fixed_iv_size;
    const std::span<unsigned char> block(room.data(), 2 * (size + fixed));
    bool made = expand_tls12(found->hmac.get(), from, block);
    for (std::size_t i = 0; made && i < 2; ++i) {
        tls_record_key& each = i == 0 ? client : server;
        each.suite_ = found;
        each.tls12_ = true;
        each.explicit_size_ = fixed < each.iv_.size() ? explicit_nonce_size : 0;
        each.iv_ = {};
        const auto iv = block.subspan(2 * size + i * fixed, fixed);
        std::copy(iv.begin(), iv.end(), each.iv_.begin());
        each.sequence_ = i == 0 ? from.of_client : from.of_server;
        each.context_.reset(EVP_CIPHER_CTX_new());
        made = each.context_ && each.set_key(block.subspan(i * size, size));
    }
    OPENSSL_cleanse(room.data(), room.size());
    forget(found->hmac.get());
    return made;
}

bool tls_record_key::update() {
    if (tls12_)
        return false;
    std::array<unsigned char, secret_max> next{};
    const std::size_t size = suite_->secret_size;
    const bool made = expand(suite_->hmac.get(), std::span(secret_.data(), size), "traffic upd",
                             std::span(next.data(), size));
    secret_ = next;
    OPENSSL_cleanse(next.data(), next.size());
    return made && derive();
}

// The nonce is the IV with the sequence number over its end, which in TLS 1.2 with AES-GCM stands
// in the record and is of the sender's choice. `size` is the plaintext's: TLS 1.3 takes the header
// for additional data, TLS 1.2 the sequence number and what the header was without protection.
bool tls_record_key::begin(const char* header, std::size_t size, const char* explicit_nonce) {
    std::array<unsigned char, 12> nonce = iv_;
    std::array<unsigned char, sizeof sequence_ + header_size> extra{};
    for (std::size_t i = 0; i < sizeof sequence_; ++i) {
        const auto byte = static_cast<unsigned char>(sequence_ >> (8 * i));
        nonce[nonce.size() - 1 - i] ^= byte;
        extra[sizeof sequence_ - 1 - i] = byte;
    }
    ++sequence_;
    if (explicit_nonce != nullptr)
        std::copy_n(bytes(explicit_nonce), explicit_size_, nonce.end() - explicit_size_);
    std::copy_n(bytes(header), header_size, extra.begin() + sizeof sequence_);
    if (tls12_) {
        extra[extra.size() - 2] = static_cast<unsigned char>(size >> 8U);
        extra[extra.size() - 1] = static_cast<unsigned char>(size & 0xffU);
    }
    const std::size_t first = tls12_ ? 0 : sizeof sequence_;
    int done = 0;
    return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
           EVP_CipherUpdate(context_.get(), nullptr, &done, extra.data() + first,
                            static_cast<int>(extra.size() - first)) == 1;
}

// TLS 1.2's explicit nonces count on from the handshake's records. OpenSSL began with a random one
// for its Finished, which ours meet with a chance of 1 in 2^64 per record.
bool tls_record_key::seal(unsigned char type, std::string_view data, char* out) {
    const std::size_t length = data.size() + overhead() - header_size;
    out[0] = static_cast<char>(tls12_ ? type : SSL3_RT_APPLICATION_DATA);
    out[1] = 3;
    out[2] = 3;
    out[3] = static_cast<char>(length >> 8U);
    out[4] = static_cast<char>(length & 0xffU);
    for (std::size_t i = 0; i < explicit_size_; ++i)
        out[header_size + i] = static_cast<char>(sequence_ >> (8 * (explicit_size_ - 1 - i)));
    EVP_CIPHER_CTX* const context = context_.get();
    unsigned char* at = bytes(out + data_offset());
    int size = 0;
    if (!begin(out, data.size(), nullptr))
        return false;
    if (EVP_CipherUpdate(context, at, &size, bytes(data.data()), static_cast<int>(data.size())) !=
        1)
        return false;
    at += size;
    if (!tls12_) {
        if (EVP_CipherUpdate(context, at, &size, &type, 1) != 1)
            return false;
        at += size;
    }
    return EVP_CipherFinal_ex(context, at, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size, at) == 1;
}

std::optional<std::size_t> tls_record_key::open(std::span<const char> record, char* into) {
    if (record.size() < overhead() || record.size() > header_size + sealed_max)
        return std::nullopt;
    const std::size_t size = record.size() - data_offset() - tag_size;
    const char* const explicit_nonce = explicit_size_ > 0 ? record.data() + header_size : nullptr;
    std::array<char, tag_size> tag{};
    std::copy(record.end() - tag_size, record.end(), tag.begin());
    EVP_CIPHER_CTX* const context = context_.get();
    int done = 0;
    int rest = 0;
    const bool good =
        begin(record.data(), size, explicit_nonce) &&
        EVP_CipherUpdate(context, bytes(into), &done, bytes(record.data() + data_offset()),
                         static_cast<int>(size)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
        EVP_CipherFinal_ex(context, bytes(into) + done, &rest) == 1;
    return good ? std::optional(size) : std::nullopt;
}

}  // namespace penstock::net
