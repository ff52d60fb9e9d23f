#include "penstock/base/path_escapes.hpp"

#include "penstock/base/text.hpp"

namespace penstock {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

}  // namespace

int unescape(std::string_view text) noexcept {
    if (text.size() < 3 || text[0] != '%')
        return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high < 0 || low < 0)
        return -1;
    const int value = high * 16 + low;
    return value == 0 ? -1 : value;
}

unescaped append_unescaped(std::string_view raw, std::string& to) {
    unescaped made;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const path_byte now = path_byte_of(raw[i]);
        const int value = now == path_byte::percent ? unescape(raw.substr(i)) : 0;
        if (now == path_byte::bad || value < 0) {
            made.good = false;
            return made;
        }
        if (now != path_byte::percent) {
            to += raw[i];
            continue;
        }
        i += 2;
        const char byte = static_cast<char>(value);
        if (is_unreserved(byte)) {
            to += byte;
            continue;
        }
        made.separators = made.separators || byte == '/' || byte == '\\';
        to += '%';
        to += hex_digits[static_cast<unsigned>(value) >> 4U];
        to += hex_digits[static_cast<unsigned>(value) & 15U];
    }
    return made;
}

bool hides_dots(std::string_view segment) noexcept {
    const auto is_dots = [](std::string_view part) { return part == "." || part == ".."; };
    for (std::size_t start = 0, i = 0;; ++i) {
        const std::string_view rest = segment.substr(i);
        if (!rest.empty() && !rest.starts_with(escaped_slash_text) &&
            !rest.starts_with(escaped_backslash_text))
            continue;
        if (is_dots(segment.substr(start, i - start)))
            return true;
        if (rest.empty())
            return false;
        start = i + escaped_slash_text.size();
        i = start - 1;
    }
}

}  // namespace penstock
