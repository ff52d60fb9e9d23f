// Digests (FIPS 180-4) and random bytes, by OpenSSL, in base64.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace penstock::net {

// Over bytes as they pass. Flow: update() for each piece → finish() once.
class sha256 {
 public:
    sha256();
    void update(std::string_view bytes);
    // The digest in base64, 44 characters.
    [[nodiscard]] std::string finish();

 private:
    struct closer {
        void operator()(evp_md_ctx_st* of) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, closer> state_;
};

// SHA-1, for protocols that prescribe it; 28 characters.
[[nodiscard]] std::string sha1_base64(std::string_view bytes);
// At most 48 bytes that nobody can guess.
[[nodiscard]] std::string random_base64(std::size_t size);

}  // namespace penstock::net
