#include "http/grammar.hpp"
#include "http/head_lines.hpp"
#include "http/scan.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/http/path.hpp"
#include "penstock/http/target.hpp"

#include <algorithm>
#include <string>

namespace penstock::http {
namespace {

// No error is errc{}.
errc read_version(std::string_view text, version& into) noexcept {
    constexpr std::string_view name = "HTTP/";
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() != name.size() + 3 || !text.starts_with(name) || text[6] != '.' ||
        !digit(text[5]) || !digit(text[7]))
        return errc::bad_version;
    if (text[5] > '1')
        return errc::version_unsupported;
    if (text[5] != '1')
        return errc::bad_version;
    // RFC 9110 §2.5: a later minor version is read as the latest that is known.
    into = text[7] == '0' ? version::http_1_0 : version::http_1_1;
    return errc{};
}

error take_origin_form(std::string_view target, request_head& into) {
    const result<void> normal = normalize_target(target, into);
    return normal ? error() : normal.error();
}

// scheme "://" authority [ path ] [ "?" query ]; its authority is the request's, whatever Host says
// (RFC 9112 §3.2.2).
error take_absolute_form(std::string_view target, request_head& into) {
    const std::size_t colon = std::min(target.find(':'), target.size());
    const std::string_view scheme = target.substr(0, colon);
    const bool http = equal_nocase(scheme, "http");
    if (!http && !equal_nocase(scheme, "https"))
        return errc::bad_target;
    std::string_view rest = target.substr(colon);
    if (!rest.starts_with("://"))
        return errc::bad_target;
    rest.remove_prefix(3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    if (!normalize_authority(authority, into.authority))
        return errc::bad_target;
    into.scheme = http ? "http" : "https";
    if (rest.starts_with('/'))
        return take_origin_form(rest, into);
    if (rest.empty()) {
        // RFC 9112 §3.2.4: OPTIONS of a whole server leaves a proxy as "*".
        into.path = into.verb == method::options ? "*" : "/";
        return {};
    }
    return take_origin_form(std::string("/").append(rest), into);
}

// RFC 9112 §3.2.3: host and port, and nothing stands in for a missing port.
error take_authority_form(std::string_view target, request_head& into) {
    const std::size_t colon = target.rfind(':');
    const bool port = colon != std::string_view::npos && colon + 1 < target.size() &&
                      target.find(']', colon) == target.npos;
    if (!port || !normalize_authority(target, into.authority))
        return errc::bad_target;
    return {};
}

error take_target(std::string_view target, request_head& into) {
    if (into.verb == method::connect)
        return take_authority_form(target, into);
    if (target.starts_with('/'))
        return take_origin_form(target, into);
    if (target == "*") {
        if (into.verb != method::options)
            return errc::bad_target;
        into.path = "*";
        return {};
    }
    return take_absolute_form(target, into);
}

// method SP request-target SP HTTP-version. The target comes last, so that a later version of the
// protocol is called by its name whatever its targets look like.
error read_request_line(std::string_view line, request_head& into) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    const std::string_view name = line.substr(0, first);
    if (!is_token(name) || name.size() > method_bytes_max)
        return fault_of(line, errc::bad_method);
    into.method_text = name;
    into.verb = method_of(name);
    if (first == last)
        return fault_of(line, errc::bad_request_line);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    if (target.empty() || target.find(' ') != std::string_view::npos)
        return fault_of(line, errc::bad_request_line);
    if (!scan::all(scan::target, target))
        return fault_of(line, errc::bad_target);
    if (const errc wrong = read_version(line.substr(last + 1), into.version); wrong != errc{})
        return fault_of(line, wrong);
    return take_target(target, into);
}

// A request may end before its line is whole, or readable: what answers it depends on the method.
void read_method(std::string_view begun, request_head& into) {
    const std::string_view name = begun.substr(0, begun.find(' '));
    if (name.size() == begun.size() || name.size() > method_bytes_max || !is_token(name))
        return;
    into.method_text = name;
    into.verb = method_of(name);
}

// RFC 9112 §3.2: exactly one, except that HTTP/1.0 may do without. An authority that the target
// named stands, but a Host beside it has to be one.
error take_host(request_head& into) {
    const std::size_t count = into.fields.count(field_id::host);
    if (count == 0)
        return into.version == version::http_1_0 ? error() : errc::bad_host;
    const std::size_t known = into.authority.size();
    if (count > 1 || !normalize_authority(*into.fields.find(field_id::host), into.authority))
        return errc::bad_host;
    if (known > 0)
        into.authority.resize(known);
    into.fields.remove(field_id::host);
    return {};
}

}  // namespace

void h1_request_parser::reset() noexcept {
    lines_.reset();
    begun_ = have_line_ = false;
    may_skip_ = true;
}

bool h1_request_parser::started() const noexcept { return begun_; }

// Looks at what comes before the request line and at its first byte: at most one empty line (RFC
// 9112 §2.2), then a method. A client that speaks something else is answered at once.
error h1_request_parser::begin(std::string_view received) {
    if (received.empty())
        return {};
    std::size_t skipped = 0;
    if (may_skip_ && received.starts_with('\r')) {
        if (received.size() == 1)
            return {};
        if (received[1] != '\n')
            return errc::bad_line_end;
        skipped = 2;
    }
    if (received.size() == skipped)
        return {};
    lines_.skip(skipped);
    begun_ = true;
    const char first = received[skipped];
    if (is_token_char(first))
        return {};
    return first == '\r' || first == '\n' || first == '\0' ? errc::bad_line_end
                                                           : errc::bad_request_line;
}

// The method and the space behind it. What lies behind a limit is not looked at, so that the result
// does not depend on how the head was cut.
std::size_t h1_request_parser::method_room() const noexcept {
    return std::min({method_bytes_max + 1, limits_.line, limits_.head});
}

result<std::optional<std::size_t>> h1_request_parser::feed(std::string_view received,
                                                           request_head& into) {
    if (!begun_) {
        if (const error failed = begin(received))
            return failed;
        if (!begun_)
            return std::optional<std::size_t>();
    }
    for (;;) {
        const std::size_t from = lines_.position();
        const auto line = lines_.next(received, limits_);
        if (!have_line_ && (!line || !*line))
            read_method(received.substr(from, method_room()), into);
        if (!line)
            return line.error();
        if (!*line)
            return std::optional<std::size_t>();
        error failed;
        if (!have_line_) {
            have_line_ = true;
            failed = read_request_line(**line, into);
        } else if (!(*line)->empty()) {
            failed = read_field_line(**line, limits_, into.fields);
        } else {
            failed = take_host(into);
            if (!failed)
                return std::optional(lines_.position());
        }
        if (failed)
            return failed;
    }
}

}  // namespace penstock::http
