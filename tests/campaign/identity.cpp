#include "campaign/identity.hpp"

#include "campaign/rng.hpp"

#include <charconv>

namespace penstock::campaign {
namespace {

constexpr std::size_t mark_size = 16;
constexpr std::string_view digits = "0123456789abcdef";

std::uint32_t check_sum(identity of) noexcept {
    return static_cast<std::uint32_t>(mix((std::uint64_t{of.index} << 8U) + of.part) & 0xffffffU);
}

void append_hex(std::uint32_t value, int width, std::string& out) {
    for (int shift = (width - 1) * 4; shift >= 0; shift -= 4)
        out += digits[(value >> static_cast<unsigned>(shift)) & 15U];
}

// Only the digits that a mark is written with: an escape that the path's normalisation undoes
// (`%41`) must not mend a damaged mark.
std::optional<std::uint32_t> read_hex(std::string_view text) noexcept {
    if (text.find_first_not_of(digits) != std::string_view::npos)
        return std::nullopt;
    std::uint32_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<identity> read_mark(std::string_view text) noexcept {
    if (text.size() < mark_size || text.front() != 'q')
        return std::nullopt;
    const auto index = read_hex(text.substr(1, 8));
    const auto part = read_hex(text.substr(9, 1));
    const auto sum = read_hex(text.substr(10, 6));
    if (!index || !part || !sum)
        return std::nullopt;
    const identity found{*index, *part};
    return check_sum(found) == *sum ? std::optional(found) : std::nullopt;
}

}  // namespace

std::string mark_of(identity of) {
    std::string mark = "q";
    append_hex(of.index, 8, mark);
    append_hex(of.part, 1, mark);
    append_hex(check_sum(of), 6, mark);
    return mark;
}

std::optional<identity> find_mark(std::string_view text) {
    const std::vector<identity> all = find_marks(text);
    return all.empty() ? std::nullopt : std::optional(all.front());
}

std::vector<identity> find_marks(std::string_view text) {
    std::vector<identity> found;
    for (std::size_t at = text.find('q'); at != std::string_view::npos; at = text.find('q', at)) {
        const auto mark = read_mark(text.substr(at));
        if (mark)
            found.push_back(*mark);
        at += mark ? mark_size : 1;
    }
    return found;
}

}  // namespace penstock::campaign
