#include "http/grammar.hpp"
#include "http/head_lines.hpp"
#include "penstock/http/h1_head.hpp"

namespace penstock::http {
namespace {

constexpr std::string_view status_line_start = "HTTP/1.";

bool is_decimal(char c) noexcept { return c >= '0' && c <= '9'; }

// HTTP-version SP 3DIGIT [ SP [ reason-phrase ] ]; the space without a phrase is left out by some
// origins, which leaves no doubt about what is meant (RFC 9112 §4).
error read_status_line(std::string_view line, response_head& into) {
    constexpr std::size_t status_at = status_line_start.size() + 2;
    if (line.size() < status_at + 3 || !line.starts_with(status_line_start))
        return fault_of(line, errc::bad_status_line);
    const char minor = line[status_line_start.size()];
    if (!is_decimal(minor) || line[status_at - 1] != ' ')
        return fault_of(line, errc::bad_status_line);
    int status = 0;
    for (const char c : line.substr(status_at, 3)) {
        if (!is_decimal(c))
            return fault_of(line, errc::bad_status_line);
        status = status * 10 + (c - '0');
    }
    std::string_view phrase = line.substr(status_at + 3);
    if (status < 100 || (!phrase.empty() && phrase.front() != ' ') || !is_field_text(phrase))
        return fault_of(line, errc::bad_status_line);
    // RFC 9110 §2.5: a later minor version is read as the latest that is known.
    into.version = minor == '0' ? version::http_1_0 : version::http_1_1;
    into.status = status;
    into.reason_phrase = trim_space(phrase);
    return {};
}

}  // namespace

void h1_response_parser::reset() noexcept {
    lines_.reset();
    begun_ = have_line_ = false;
}

// Looks at what comes before the status line and at its first bytes: what does not begin like
// HTTP/1 is refused with these, not after a timeout.
error h1_response_parser::begin(std::string_view received) {
    const bool cr = received.starts_with('\r');
    if (received.empty() || (cr && received.size() == 1))
        return {};
    if (cr && received[1] != '\n')
        return errc::bad_line_end;
    const std::size_t skipped = cr ? 2 : received.starts_with('\n') ? 1 : 0;
    if (skipped > 0)
        lines_.expect(cr ? line_ends::crlf : line_ends::lf);
    lines_.skip(skipped);
    begun_ = true;
    return {};
}

result<std::optional<std::size_t>> h1_response_parser::feed(std::string_view received,
                                                            response_head& into) {
    if (!begun_) {
        if (const error failed = begin(received))
            return failed;
        if (!begun_)
            return std::optional<std::size_t>();
    }
    if (!have_line_) {
        const std::string_view first = received.substr(lines_.position());
        if (!status_line_start.starts_with(first.substr(0, status_line_start.size())))
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
