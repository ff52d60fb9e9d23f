// The character classes of RFC 9110 §5 as tables, for everything in `http` that reads or writes
// bytes.
#pragma once

#include "penstock/base/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::http {

inline constexpr std::size_t method_bytes_max = 32;

namespace grammar {

enum char_class : std::uint8_t {
    token_char = 1,   // tchar
    field_char = 2,   // VCHAR, obs-text, SP, HTAB
    target_char = 4,  // 0x21 … 0x7e
    query_char = 8,   // target_char, but not '#'
    path_char = 16,   // query_char, but not '?'
    host_char = 32,   // what normalize_authority lets through
};

inline constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> made{};
    for (std::size_t c = 0x21; c <= 0x7e; ++c)
        made[c] = field_char | target_char | query_char | path_char;
    for (std::size_t c = 0x80; c <= 0xff; ++c)
        made[c] = field_char;
    made[' '] = made['\t'] = field_char;
    made['#'] = field_char | target_char;
    made['?'] = field_char | target_char | query_char;
    constexpr std::string_view tokens =
        "!#$%&'*+-.^_`|~0123456789"
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char c : tokens)
        made[static_cast<unsigned char>(c)] |= token_char;
    constexpr std::string_view hosts =
        "-._~!$&'()*+=%:[]0123456789"
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char c : hosts)
        made[static_cast<unsigned char>(c)] |= host_char;
    return made;
}();

inline constexpr std::array<char, 256> lowered = [] {
    std::array<char, 256> made{};
    for (std::size_t c = 0; c < made.size(); ++c)
        made[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return made;
}();

[[nodiscard]] constexpr bool all(std::string_view text, char_class of) noexcept {
    for (const char c : text) {
        if ((classes[static_cast<unsigned char>(c)] & of) == 0)
            return false;
    }
    return true;
}

}  // namespace grammar

[[nodiscard]] constexpr char to_lower(char c) noexcept {
    return grammar::lowered[static_cast<unsigned char>(c)];
}
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
    return (grammar::classes[static_cast<unsigned char>(c)] & grammar::token_char) != 0;
}
[[nodiscard]] constexpr bool is_field_char(char c) noexcept {
    return (grammar::classes[static_cast<unsigned char>(c)] & grammar::field_char) != 0;
}
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    return !text.empty() && grammar::all(text, grammar::token_char);
}
[[nodiscard]] constexpr bool is_field_text(std::string_view text) noexcept {
    return grammar::all(text, grammar::field_char);
}

[[nodiscard]] constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

// A field value as it may be written: no control bytes, no white space at its ends.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) noexcept {
    return is_field_text(text) && trim_space(text).size() == text.size();
}

}  // namespace penstock::http
