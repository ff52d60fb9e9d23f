// SHA-256 over bytes as they pass (FIPS 180-4), by OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace penstock::net {

// Flow: update() for each piece → finish() once.
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

}  // namespace penstock::net
