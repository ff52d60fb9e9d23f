#include "net/tls_hello.hpp"

#include <algorithm>
#include <cstddef>

namespace penstock::net {
namespace {

bool is_clean(std::string_view text) noexcept {
    return text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && c < 0x7f && c != '"' && c != '\\';
           });
}

}  // namespace

// RFC 6066 §3: a list of names with one entry of type 0.
std::string_view hello_name(SSL* ssl) noexcept {
    constexpr std::size_t header = 5;
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 ||
        size < header || data[2] != TLSEXT_NAMETYPE_host_name)
        return {};
    const std::size_t length = static_cast<std::size_t>(data[3]) << 8U | data[4];
    if (length > size - header)
        return {};
    return {reinterpret_cast<const char*>(data) + header, length};
}

std::string_view clean_hello_name(std::string_view name) noexcept {
    return is_clean(name) ? name : "invalid";
}

// RFC 7301 §3.1: a list of names with their lengths in front.
std::string hello_protocols(SSL* ssl) {
    constexpr std::size_t header = 2;
    constexpr std::size_t size_max = 64;
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    std::string found;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                  &size) != 1)
        return found;
    for (std::size_t at = header; at < size && found.size() < size_max; at += 1U + data[at]) {
        const std::size_t length = std::min<std::size_t>(data[at], size - at - 1);
        const std::string_view one(reinterpret_cast<const char*>(data) + at + 1, length);
        if (!found.empty())
            found += ',';
        const bool clean = is_clean(one) && one.find(',') == std::string_view::npos;
        found += clean ? one.substr(0, size_max) : "invalid";
    }
    return found;
}

bool hello_offers_early_data(SSL* ssl) noexcept {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_early_data, &data, &size) == 1;
}

// RFC 8446 §4.2.1.
std::string_view hello_version(SSL* ssl) noexcept {
    unsigned int newest = SSL_client_hello_get0_legacy_version(ssl);
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &size) == 1) {
        newest = 0;
        for (std::size_t at = 1; at + 1 < size; at += 2) {
            const unsigned int one = static_cast<unsigned int>(data[at]) << 8U | data[at + 1];
            if (one <= TLS1_3_VERSION)  // others are there to see whether we ignore them (RFC 8701)
                newest = std::max(newest, one);
        }
    }
    switch (newest) {
        case TLS1_3_VERSION:
            return "TLSv1.3";
        case TLS1_2_VERSION:
            return "TLSv1.2";
        case TLS1_1_VERSION:
            return "TLSv1.1";
        case TLS1_VERSION:
            return "TLSv1";
        default:
            return newest == SSL3_VERSION ? "SSLv3" : "unknown";
    }
}

}  // namespace penstock::net
