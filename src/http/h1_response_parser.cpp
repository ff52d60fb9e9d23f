#include "http/grammar.hpp"
#include "http/head_lines.hpp"
#include "penstock/http/h1_head.hpp"

#include <algorithm>

namespace penstock::http {
namespace {

constexpr std::string_view status_line_start = "HTTP/1.";

// HTTP-version SP 3DIGIT [ SP [ reason-phrase ] ]; the space without a phrase is left out by some
// origins, which leaves no doubt about what is meant (RFC 9112 §4).
error read_status_line(std::string_view line, response_head& into) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    constexpr std::size_t status_at = status_line_start.size() + 2;
    if (line.size() < status_at + 3 || !line.starts_with(status_line_start))
        return fault_of(line, errc::bad_status_line);
    const char minor = line[status_line_start.size()];
    if ((minor != '0' && minor != '1') || line[status_at - 1] != ' ')
        return fault_of(line, errc::bad_status_line);
    int status = 0;
    for (const char c : line.substr(status_at, 3)) {
        if (!digit(c))
            return fault_of(line, errc::bad_status_line);
        status = status * 10 + (c - '0');
    }
    std::string_view phrase = line.substr(status_at + 3);
    if (status < 100 || (!phrase.empty() && phrase.front() != ' ') || !is_field_text(phrase))
        return fault_of(line, errc::bad_status_line);
    into.version = minor == '1' ? version::http_1_1 : version::http_1_0;
    into.status = status;
    into.reason_phrase = trim_space(phrase);
    return {};
}

}  // namespace

void h1_response_parser::reset() noexcept {
    lines_.reset();
    have_line_ = false;
}

result<std::optional<std::size_t>> h1_response_parser::feed(std::string_view received,
                                                            response_head& into) {
    // What does not begin like HTTP/1 is refused with its first bytes, not after a timeout.
    if (!have_line_) {
        const std::size_t known = std::min(received.size(), status_line_start.size());
        if (received.substr(0, known) != status_line_start.substr(0, known))
            return error(errc::bad_status_line);
    }
    for (;;) {
        const auto line = lines_.next(received, limits_);
        if (!line)
            return line.error() == errc::uri_too_long ? error(errc::header_too_large)
                                                      : line.error();
        if (!*line)
            return std::optional<std::size_t>();
        error failed;
        if (!have_line_) {
            have_line_ = true;
            failed = read_status_line(**line, into);
        } else if (!(*line)->empty()) {
            failed = read_field_line(**line, limits_, into.fields);
        } else {
            return std::optional(lines_.position());
        }
        if (failed)
            return failed;
    }
}

}  // namespace penstock::http
