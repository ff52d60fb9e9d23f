#include "penstock/net/digest.hpp"

#include "penstock/base/check.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <new>
#include <span>

namespace penstock::net {
namespace {

constexpr std::size_t digest_size = 32;
constexpr std::size_t bytes_max = 48;

// The library fails here only for want of memory.
void require(int good) {
    if (good != 1)
        throw std::bad_alloc();
}

std::string base64(std::span<const unsigned char> bytes) {
    // Four characters for every three bytes begun, and the zero that OpenSSL puts behind them.
    std::array<unsigned char, (bytes_max + 2) / 3 * 4 + 1> text{};
    PENSTOCK_CHECK(bytes.size() <= bytes_max);
    const int written = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
    return {text.begin(), text.begin() + written};
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
    return base64({digest.data(), size});
}

std::string sha1_base64(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    require(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr));
    return base64({digest.data(), size});
}

std::string random_base64(std::size_t size) {
    std::array<unsigned char, bytes_max> random{};
    PENSTOCK_CHECK(size <= random.size());
    require(RAND_bytes(random.data(), static_cast<int>(size)));
    return base64({random.data(), size});
}

}  // namespace penstock::net
