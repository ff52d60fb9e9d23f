#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace penstock::config {

namespace {

constexpr std::size_t quoted_max = 80;
constexpr std::size_t edit_length_max = 64;

std::uint8_t byte_at(std::string_view text, std::size_t i) noexcept {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
}

// Length of the character that begins at `i`, or 0 if it isn't one.
std::size_t utf8_character(std::string_view text, std::size_t i) noexcept {
    const std::uint8_t first = byte_at(text, i);
    if (first < 0x80) {
        return 1;
    }
    const std::uint8_t second = byte_at(text, i + 1);
    const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                               : first >= 0xe0 && first <= 0xef ? 3
                               : first >= 0xf0 && first <= 0xf4 ? 4
                                                                : 0;
    for (std::size_t k = 1; k < length; ++k) {
        if ((byte_at(text, i + k) & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || beyond ? 0 : length;
}

bool is_control(char c) noexcept {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < 0x20 || byte == 0x7f;
}

using edit_row = std::array<std::size_t, edit_length_max + 1>;

// Edits between two words of at most edit_length_max bytes, a swap of neighbours being one.
std::size_t edit_distance(std::string_view a, std::string_view b) noexcept {
    edit_row before{};
    edit_row above{};
    edit_row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before = above;
        above = row;
    }
    return above[b.size()];
}

}  // namespace

std::size_t utf8_valid_length(std::string_view text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t length = utf8_character(text, i);
        if (length == 0) {
            break;
        }
        i += length;
    }
    return i;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string out(text.substr(0, bytes_max));
    out.resize(utf8_valid_length(out));
    std::replace_if(out.begin(), out.end(), is_control, '?');
    return out;
}

std::string in_quotes(std::string_view text) {
    return "'" + printable(text, quoted_max) + (text.size() > quoted_max ? "…'" : "'");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

std::string joined(const std::vector<std::string_view>& words) {
    std::string out;
    for (const std::string_view word : words) {
        out += out.empty() ? "" : ", ";
        out += word;
    }
    return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t fewest = (word.size() + 1) / 3;
    for (const std::string_view candidate : candidates) {
        const std::size_t longer = std::max(candidate.size(), word.size());
        if (longer - std::min(candidate.size(), word.size()) > fewest || longer > edit_length_max) {
            continue;
        }
        const std::size_t edits = edit_distance(word, candidate);
        if (edits < fewest || (edits == fewest && best.empty())) {
            best = candidate;
            fewest = edits;
        }
    }
    return best;
}

std::string nearest_hint(std::string_view word, const std::vector<std::string_view>& candidates) {
    const std::string_view best = nearest(word, candidates);
    return best.empty() ? std::string() : "did you mean " + in_quotes(best) + "?";
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

bool is_token(std::string_view text) noexcept {
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool has_control(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

bool is_visible_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace penstock::config
