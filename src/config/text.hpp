// Small text functions of this module: quoting for messages, UTF-8, nearest word, splitting.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

// Length of the longest prefix that is valid UTF-8 (RFC 3629).
[[nodiscard]] std::size_t utf8_valid_length(std::string_view text) noexcept;

// 'text' for a message: control bytes become '?', and at most 80 bytes are shown.
[[nodiscard]] std::string in_quotes(std::string_view text);

// Control bytes become '?', at most `bytes_max` are kept, cut between characters.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

// "a|b|c" → a, b, c.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// "a, b, c".
[[nodiscard]] std::string joined(const std::vector<std::string_view>& words);

// The candidate with the fewest edits (a swap of neighbours is one), if they are at most a third of
// the word's length plus one; empty if there is none.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);
// "did you mean 'x'?", or empty if nothing is near.
[[nodiscard]] std::string nearest_hint(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] bool is_token(std::string_view text) noexcept;     // RFC 9110 §5.6.2
[[nodiscard]] bool has_control(std::string_view text) noexcept;  // below 0x20 but tab, or 0x7f
// Contains only 0x21–0x7e.
[[nodiscard]] bool is_visible_ascii(std::string_view text) noexcept;

}  // namespace penstock::config
