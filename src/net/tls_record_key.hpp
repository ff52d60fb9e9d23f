// tls_record_key: protects TLS records in one direction. TLS 1.3's by what follows from a traffic
// secret (RFC 8446 §5.2, §5.3, §7.2, §7.3), TLS 1.2's of the AEAD suites by the connection's key
// block (RFC 5246 §6.2.3.3, §6.3; RFC 5288 §3; RFC 7905 §2). Memory in, memory out.
#pragma once

#include "net/openssl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace penstock::net {

// What TLS 1.2's keys follow from (RFC 5246 §8.1, §6.3); wiped when it ends.
struct tls12_secrets {
    tls12_secrets() = default;
    ~tls12_secrets();
    tls12_secrets(const tls12_secrets&) = delete;
    tls12_secrets& operator=(const tls12_secrets&) = delete;

    std::array<unsigned char, SSL3_MASTER_SECRET_SIZE> master{};
    std::array<unsigned char, SSL3_RANDOM_SIZE> client_random{};
    std::array<unsigned char, SSL3_RANDOM_SIZE> server_random{};
    // Records under each side's key, from its ChangeCipherSpec on: Finished, most of all.
    std::uint64_t of_client = 1;
    std::uint64_t of_server = 1;
};

class tls_record_key {
 public:
    enum class use : std::uint8_t { seal, open };

    static constexpr std::size_t header_size = 5;
    static constexpr std::size_t tag_size = 16;
    // Of TLS 1.2 with AES-GCM: a part of the nonce that stands in front of the data.
    static constexpr std::size_t explicit_nonce_size = 8;
    // What a sealed record is longer than its data, at most.
    static constexpr std::size_t overhead_max = header_size + explicit_nonce_size + tag_size;
    static constexpr std::size_t data_max = SSL3_RT_MAX_PLAIN_LENGTH;
    // Of a record behind its header (RFC 8446 §5.2).
    static constexpr std::size_t sealed_max = data_max + 256;
    static constexpr std::size_t secret_max = 48;

    explicit tls_record_key(use as) noexcept : as_(as) {}
    ~tls_record_key();
    tls_record_key(const tls_record_key&) = delete;
    tls_record_key& operator=(const tls_record_key&) = delete;

    // `by` is the suite that TLS 1.3's handshake agreed on, `sequence` how many records the secret
    // has protected already. False if it is neither of AES-GCM nor of ChaCha20-Poly1305, or OpenSSL
    // fails; then this may not be used.
    [[nodiscard]] bool set(const SSL_CIPHER* by, std::span<const unsigned char> secret,
                           std::uint64_t sequence);
    // Both directions of a TLS 1.2 connection. False as above; then neither may be used.
    [[nodiscard]] static bool set_tls12(const SSL_CIPHER* by, const tls12_secrets& from,
                                        tls_record_key& client, tls_record_key& server);

    [[nodiscard]] bool tls12() const noexcept { return tls12_; }
    // Where the data of a record begins, and what the record is longer than its data.
    [[nodiscard]] std::size_t data_offset() const noexcept { return header_size + explicit_size_; }
    [[nodiscard]] std::size_t overhead() const noexcept {
        return data_offset() + (tls12_ ? 0 : 1) + tag_size;
    }

    // Writes a record of at most `data_max` bytes, `data` + overhead() long. `data` may lie at
    // out + data_offset().
    [[nodiscard]] bool seal(unsigned char type, std::string_view data, char* out);
    // A whole record. The plaintext, TLS 1.3's with its type and padding, goes to `into`, which has
    // room for all behind data_offset(), or is there already; its size, or nothing if the record is
    // forged.
    [[nodiscard]] std::optional<std::size_t> open(std::span<const char> record, char* into);
    // The next generation of keys (RFC 8446 §7.2); false for TLS 1.2, which has none.
    [[nodiscard]] bool update();
    // Records since the keys were last changed.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

 private:
    struct suite;
    [[nodiscard]] static const suite* find(const SSL_CIPHER* of);
    [[nodiscard]] bool derive();
    [[nodiscard]] bool set_key(std::span<const unsigned char> key);
    [[nodiscard]] bool begin(const char* header, std::size_t size, const char* explicit_nonce);

    const suite* suite_ = nullptr;
    cipher_context_ptr context_;
    std::array<unsigned char, secret_max> secret_{};
    std::array<unsigned char, 12> iv_{};
    std::uint64_t sequence_ = 0;
    use as_;
    bool tls12_ = false;
    std::uint8_t explicit_size_ = 0;
};

}  // namespace penstock::net
