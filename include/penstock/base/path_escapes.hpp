// The escapes of a path in normal form. Requests (`http`) and the paths of routes (`config`) are
// both brought into this form by these functions, so that a route matches what it says. Dot
// segments and repeated slashes are the callers' business. Nothing is kept between calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

// What a byte of a path is; `bad` is a byte that no path holds.
enum class path_byte : std::uint8_t { bad, plain, slash, dot, percent };

inline constexpr std::array<path_byte, 256> path_bytes = [] {
    std::array<path_byte, 256> made{};
    for (std::size_t c = 0x21; c <= 0x7e; ++c)
        made[c] = path_byte::plain;
    made['#'] = made['\\'] = made['?'] = path_byte::bad;
    made['/'] = path_byte::slash;
    made['.'] = path_byte::dot;
    made['%'] = path_byte::percent;
    return made;
}();

[[nodiscard]] constexpr path_byte path_byte_of(char c) noexcept {
    return path_bytes[static_cast<unsigned char>(c)];
}

inline constexpr std::string_view escaped_slash_text = "%2F";
inline constexpr std::string_view escaped_backslash_text = "%5C";

// The byte that the escape at the front of `text` stands for; -1 if there is no escape, or if it
// stands for NUL.
[[nodiscard]] int unescape(std::string_view text) noexcept;

struct unescaped {
    bool good = true;         // false: a bad byte, a bad escape or %00
    bool separators = false;  // an escaped '/' or '\' is among the bytes
};

// Appends `raw` to `to`: escapes of unreserved characters decoded, all others with upper-case
// digits (RFC 3986 §6.2.2). Escaped separators are data and stay escaped. After a fault `to` holds
// a part of it.
unescaped append_unescaped(std::string_view raw, std::string& to);

// Whether a segment in normal form has a '.' or '..' segment for readers that take its escaped
// separators for separators.
[[nodiscard]] bool hides_dots(std::string_view segment) noexcept;

}  // namespace penstock
