// An OCSP response (RFC 6960) that a server sends along with its certificate (RFC 6066 §8). Only
// one that says something about this certificate, and says so now, is any good to a client; another
// makes some of them refuse the connection. Its signature is the client's to verify.
#pragma once

#include "net/openssl.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace penstock::net {

struct tls_staple {
    static constexpr std::int64_t no_end = std::numeric_limits<std::int64_t>::max();

    static constexpr std::int64_t skew = 300;  // of the responder's clock, in seconds

    std::string response;         // DER
    std::int64_t from = 0;        // its thisUpdate, in seconds since the epoch
    std::int64_t until = no_end;  // its nextUpdate

    [[nodiscard]] bool good_at(std::int64_t now) const noexcept {
        return from - skew <= now && now < until;
    }
};

// Nothing if it is none for `leaf`; then `why` says what it is instead. Leaves OpenSSL's error
// queue empty.
[[nodiscard]] std::optional<tls_staple> read_staple(const std::string& der, const X509* leaf,
                                                    std::string& why);

}  // namespace penstock::net
