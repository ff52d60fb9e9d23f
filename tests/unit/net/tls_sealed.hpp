// The other end of tls_records for tests and the fuzz target: a client that seals whatever it is
// told to, also what no TLS library would send. Both sides' secrets are fixed.
#pragma once

#include "net/tls_records.hpp"

#include <openssl/ssl.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::net::test {

class sealing_client {
 public:
    // `suite` is 1 to 3, the second byte of TLS 1.3's numbers, or 4 to 6 for TLS 1.2 with the same
    // ciphers.
    static constexpr unsigned char suites = 6;
    explicit sealing_client(unsigned char suite) : size_(suite == 2 ? 48 : 32) {
        static constexpr std::array<std::array<unsigned char, 2>, suites> numbers{
            {{0x13, 1}, {0x13, 2}, {0x13, 3}, {0xc0, 0x2f}, {0xc0, 0x30}, {0xcc, 0xa8}}};
        cipher_ = SSL_CIPHER_find(ssl_.get(), numbers.at(suite - 1U).data());
        fill(secrets.client, 7);
        fill(secrets.server, 90);
        if (suite > 3) {
            secrets12.master.fill(7);
            secrets12.client_random.fill(8);
            secrets12.server_random.fill(9);
            good_ = tls_record_key::set_tls12(cipher_, secrets12, seals_, opens_);
        } else {
            good_ = seals_.set(cipher_, span_of(secrets.client), 0) &&
                    opens_.set(cipher_, span_of(secrets.server), 0);
        }
    }
    // The server's side of it.
    [[nodiscard]] bool begin(tls_records& server) const {
        return seals_.tls12() ? server.begin(cipher_, secrets12) : server.begin(cipher_, secrets);
    }
    [[nodiscard]] bool tls12() const noexcept { return seals_.tls12(); }
    [[nodiscard]] std::size_t overhead() const noexcept { return seals_.overhead(); }

    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] const SSL_CIPHER* cipher() const noexcept { return cipher_; }
    // A record; `padding` zeros stand behind the type, in TLS 1.3.
    std::string seal(unsigned char type, std::string_view data, std::size_t padding = 0) {
        std::string inner(data);
        if (padding > 0 && !tls12()) {
            inner += static_cast<char>(type);
            inner.append(padding - 1, '\0');
            type = 0;
        }
        std::string out(inner.size() + overhead(), '\0');
        good_ = seals_.seal(type, inner, out.data()) && good_;
        return out;
    }
    // The plaintext of a record of the server's, with its type at the end.
    std::optional<std::string> open(std::string_view record) {
        std::string out(record.size(), '\0');
        const auto size = opens_.open({record.data(), record.size()}, out.data());
        if (!size)
            return std::nullopt;
        out.resize(*size);
        if (tls12())
            out += record.front();
        return out;
    }
    bool update_sealing() { return seals_.update(); }
    bool update_opening() { return opens_.update(); }

    tls_traffic_secrets secrets;
    tls12_secrets secrets12;

 private:
    void fill(tls_traffic_secrets::one& of, unsigned char from) const noexcept {
        of.size = size_;
        for (std::size_t i = 0; i < size_; ++i)
            of.bytes[i] = static_cast<unsigned char>(from + i);
    }
    static std::span<const unsigned char> span_of(const tls_traffic_secrets::one& of) noexcept {
        return {of.bytes.data(), of.size};
    }

    ssl_context_ptr context_{SSL_CTX_new(TLS_method())};
    ssl_ptr ssl_{SSL_new(context_.get())};
    std::size_t size_;
    const SSL_CIPHER* cipher_ = nullptr;
    tls_record_key seals_{tls_record_key::use::seal};
    tls_record_key opens_{tls_record_key::use::open};
    bool good_ = false;
};

}  // namespace penstock::net::test
