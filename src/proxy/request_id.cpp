#include "proxy/request_id.hpp"

#include <algorithm>
#include <bit>
#include <random>

namespace penstock::proxy {
namespace {

constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t id_digits = 32;

}  // namespace

request_id_maker::request_id_maker() {
    std::random_device source;
    for (std::uint64_t& word : state_)
        word = std::uint64_t{source()} << 32 | source();
    state_[0] |= 1;  // all zero would stay all zero
}

// xoshiro256**.
std::uint64_t request_id_maker::next() noexcept {
    const std::uint64_t drawn = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return drawn;
}

void request_id_maker::make(std::string& into) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<char, id_digits> text;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i % 16 == 0)
            word = next();
        text[i] = digits[word & 0xf];
        word >>= 4;
    }
    into.assign(text.data(), text.size());
}

bool is_harmless_id(std::string_view id) noexcept {
    const auto harmless = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_' || c == '.' || c == ':' || c == '=' || c == '/' || c == '+';
    };
    return !id.empty() && id.size() <= id_bytes_max && std::all_of(id.begin(), id.end(), harmless);
}

}  // namespace penstock::proxy
