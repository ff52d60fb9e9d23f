#include "proxy/request_id.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace penstock::proxy {
namespace {

constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t id_digits = 32;

// The two digits of each byte.
constexpr auto hex_pairs = [] {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> made{};
    for (std::size_t byte = 0; byte < made.size(); ++byte)
        made[byte] = {digits[byte / 16], digits[byte % 16]};
    return made;
}();

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
    std::array<char, id_digits> text;
    for (std::size_t i = 0; i < text.size(); i += 16) {
        std::uint64_t word = next();
        for (std::size_t byte = 0; byte < 8; ++byte, word >>= 8)
            std::memcpy(&text[i + byte * 2], hex_pairs[word & 0xff].data(), 2);
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
