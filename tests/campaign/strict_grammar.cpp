#include "campaign/strict_grammar.hpp"

#include <limits>

namespace penstock::campaign {
namespace {

constexpr std::size_t extension_max = 256;

bool is_token_byte(char c) noexcept {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && marks.find(c) != std::string_view::npos);
}

bool is_text_byte(char c) noexcept {
    const auto code = static_cast<unsigned char>(c);
    return c == '\t' || (code >= 0x20 && code != 0x7f);
}

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void skip_space(std::string_view& text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
}

bool skip_token(std::string_view& text) noexcept {
    std::size_t size = 0;
    while (size < text.size() && is_token_byte(text[size]))
        ++size;
    text.remove_prefix(size);
    return size > 0;
}

bool skip_quoted(std::string_view& text) noexcept {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return true;
        }
        i += text[i] == '\\' ? 1 : 0;
        if (i >= text.size() || !is_text_byte(text[i]))
            return false;
    }
    return false;
}

}  // namespace

bool is_token(std::string_view text) noexcept { return skip_token(text) && text.empty(); }

bool is_text(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_text_byte(c))
            return false;
    }
    return true;
}

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made)
        c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return made;
}

std::string_view trim(std::string_view text) noexcept {
    skip_space(text);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

std::optional<std::uint64_t> read_decimal(std::string_view text) noexcept {
    if (text.empty() || text.size() > 19)
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    const bool fits = value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    return fits ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> read_chunk_size(std::string_view text) noexcept {
    if (text.empty() || text.size() > 16)
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const int digit = digit_of(c);
        if (digit < 0)
            return std::nullopt;
        value = value * 16 + static_cast<std::uint64_t>(digit);
    }
    return value <= std::uint64_t{1} << 62U ? std::optional(value) : std::nullopt;
}

bool is_extension(std::string_view text) noexcept {
    if (text.size() > extension_max)
        return false;
    while (!text.empty()) {
        skip_space(text);
        if (!text.starts_with(';'))
            return false;
        text.remove_prefix(1);
        skip_space(text);
        if (!skip_token(text))
            return false;
        std::string_view behind = text;
        skip_space(behind);
        if (!behind.starts_with('='))
            continue;
        behind.remove_prefix(1);
        skip_space(behind);
        if (behind.starts_with('"') ? !skip_quoted(behind) : !skip_token(behind))
            return false;
        text = behind;
    }
    return true;
}

}  // namespace penstock::campaign
