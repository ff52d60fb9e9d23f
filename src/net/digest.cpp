#include "penstock/net/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>

namespace penstock::net {
namespace {

constexpr std::size_t digest_size = 32;

// The library fails here only for want of memory.
void require(int good) {
    if (good != 1)
        throw std::bad_alloc();
}

}  // namespace

void sha256::closer::operator()(evp_md_ctx_st* of) const noexcept { EVP_MD_CTX_free(of); }

sha256::sha256() : state_(EVP_MD_CTX_new()) {
    require(state_ ? 1 : 0);
    require(EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr));
}

void sha256::update(std::string_view bytes) {
    require(EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()));
}

std::string sha256::finish() {
    std::array<unsigned char, digest_size> digest{};
    unsigned int size = 0;
    require(EVP_DigestFinal_ex(state_.get(), digest.data(), &size));
    // Four characters for every three bytes begun, and the zero that OpenSSL puts behind them.
    std::array<unsigned char, (digest_size + 2) / 3 * 4 + 1> text{};
    const int written = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
    return {text.begin(), text.begin() + written};
}

}  // namespace penstock::net
