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

}  // namespace penstock
