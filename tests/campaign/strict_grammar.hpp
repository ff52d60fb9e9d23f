// The words of the strict reader: tokens, values, numbers and chunk extensions, written for it
// alone. Everything takes text without its line end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::campaign {

[[nodiscard]] bool is_token(std::string_view text) noexcept;
// No control byte but the tab.
[[nodiscard]] bool is_text(std::string_view text) noexcept;
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
// At most 19 digits and below 2^63.
[[nodiscard]] std::optional<std::uint64_t> read_decimal(std::string_view text) noexcept;
// 1 to 16 hexadecimal digits, at most 2^62.
[[nodiscard]] std::optional<std::uint64_t> read_chunk_size(std::string_view text) noexcept;
// What may follow a chunk's size: nothing, or well-formed extensions of at most 256 bytes.
[[nodiscard]] bool is_extension(std::string_view text) noexcept;

}  // namespace penstock::campaign
