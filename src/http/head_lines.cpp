#include "http/head_lines.hpp"

#include "http/grammar.hpp"
#include "http/scan.hpp"

#include <cstring>

namespace penstock::http {

error fault_of(std::string_view line, errc otherwise) noexcept {
    const bool broken =
        line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos;
    return broken ? errc::bad_line_end : otherwise;
}

error read_field_line(std::string_view line, const head_limits& limits, fields& into) {
    const std::size_t colon = scan::prefix(scan::token, line);
    // White space in front of a name or of the colon, and folded lines, end up here too.
    if (colon == 0 || colon == line.size() || line[colon] != ':')
        return fault_of(line, errc::bad_field);
    const std::string_view value = trim_space(line.substr(colon + 1));
    if (!scan::all_field(value))
        return fault_of(line, errc::bad_field);
    if (into.size() >= limits.count)
        return errc::too_many_fields;
    into.add(line.substr(0, colon), value);
    return {};
}

result<std::optional<std::string_view>> head_line_reader::next(std::string_view received,
                                                               const head_limits& limits) {
    const char* const found =
        scanned_ < received.size()
            ? static_cast<const char*>(
                  std::memchr(received.data() + scanned_, '\n', received.size() - scanned_))
            : nullptr;
    if (found == nullptr) {
        scanned_ = received.size();
        if (const error failed = over_limit(scanned_ - line_, scanned_, limits))
            return failed;
        return std::optional<std::string_view>();
    }
    const auto line_end = static_cast<std::size_t>(found - received.data());
    const std::size_t line_max = at_first_line() ? limits.line : limits.field;
    const bool bare = line_end == line_ || received[line_end - 1] != '\r';
    if (line_end - line_ > line_max || line_end - first_ >= limits.head) {
        const std::size_t with_cr = line_end - line_ + (bare ? 1 : 0);
        if (const error failed = over_limit(with_cr, line_end + 1, limits))
            return failed;
    }
    if (ends_ == line_ends::either)
        ends_ = bare ? line_ends::lf : line_ends::crlf;
    if (bare != (ends_ == line_ends::lf))
        return error(errc::bad_line_end);
    const std::string_view line = received.substr(line_, line_end - line_ - (bare ? 0 : 1));
    line_ = scanned_ = line_end + 1;
    return std::optional(line);
}

// `line_bytes` are those of the line without its LF, `end` is how far the head is known to reach. A
// line of the largest size has a CR behind it; one byte more breaks the limit, whenever it comes.
// Of two broken limits the one counts that was broken by the earlier byte.
error head_line_reader::over_limit(std::size_t line_bytes, std::size_t end,
                                   const head_limits& limits) const noexcept {
    const bool first = at_first_line();
    const std::size_t line_max = first ? limits.line : limits.field;
    const bool line_over = line_bytes > line_max + 1;
    const bool head_over = end - first_ > limits.head;
    if (!line_over && !head_over)
        return {};
    const bool line_breaks_first = line_ + line_max + 2 <= first_ + limits.head + 1;
    if (!head_over || (line_over && line_breaks_first))
        return first ? errc::uri_too_long : errc::field_too_large;
    return errc::header_too_large;
}

}  // namespace penstock::http
