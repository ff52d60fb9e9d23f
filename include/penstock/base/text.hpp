// Helpers for text that every layer reads. No locale, no allocation.
#pragma once

#include <string_view>

namespace penstock {

// Without the optional white space around it (RFC 9110 §5.6.3).
[[nodiscard]] constexpr std::string_view trim_space(std::string_view text) noexcept {
    constexpr auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

// RFC 3986 §2.3.
[[nodiscard]] constexpr bool is_unreserved(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// -1 for what is no digit.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

}  // namespace penstock
