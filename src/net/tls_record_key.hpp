// tls_record_key: protects TLS 1.3 records in one direction with what follows from a traffic secret
// (RFC 8446 §5.2, §5.3, §7.2, §7.3). Memory in, memory out.
#pragma once

#include "net/openssl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace penstock::net {

class tls_record_key {
 public:
    enum class use : std::uint8_t { seal, open };

    static constexpr std::size_t header_size = 5;
    static constexpr std::size_t tag_size = 16;
    // What a sealed record is longer than its data: header, content type and tag.
    static constexpr std::size_t overhead = header_size + 1 + tag_size;
    static constexpr std::size_t data_max = SSL3_RT_MAX_PLAIN_LENGTH;
    // Of a record behind its header (§5.2).
    static constexpr std::size_t sealed_max = data_max + 256;
    static constexpr std::size_t secret_max = 48;

    explicit tls_record_key(use as) noexcept : as_(as) {}
    ~tls_record_key();
    tls_record_key(const tls_record_key&) = delete;
    tls_record_key& operator=(const tls_record_key&) = delete;

    // `by` is the suite that the handshake agreed on, `sequence` how many records it has protected
    // already. False if it is none of TLS 1.3's or OpenSSL fails; then this may not be used.
    [[nodiscard]] bool set(const SSL_CIPHER* by, std::span<const unsigned char> secret,
                           std::uint64_t sequence);
    // Writes a record of at most `data_max` bytes, `data` + overhead long. `data` may lie at
    // out + header_size.
    [[nodiscard]] bool seal(unsigned char type, std::string_view data, char* out);
    // A whole record. The plaintext with its type and padding goes to `into`, which has room for
    // all behind the header, or is there already; its size, or nothing if the record is forged.
    [[nodiscard]] std::optional<std::size_t> open(std::span<const char> record, char* into);
    // The next generation of keys (§7.2).
    [[nodiscard]] bool update();
    // Records since the keys were last changed.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

 private:
    struct suite;
    [[nodiscard]] static const suite* find(const SSL_CIPHER* of);
    [[nodiscard]] bool derive();
    [[nodiscard]] bool begin(const char* header);

    const suite* suite_ = nullptr;
    cipher_context_ptr context_;
    std::array<unsigned char, secret_max> secret_{};
    std::array<unsigned char, 12> iv_{};
    std::uint64_t sequence_ = 0;
    use as_;
};

}  // namespace penstock::net
