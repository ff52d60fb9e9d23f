#include "penstock/http/refused_head.hpp"

#include "http/grammar.hpp"
#include "penstock/http/fields.hpp"

#include <algorithm>
#include <cstddef>

namespace penstock::http {
namespace {

// Takes the next line, without its LF, off the front.
std::string_view take_line(std::string_view& text) noexcept {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string_view without_cr(std::string_view line) noexcept {
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

// The empty line that may stand before a head.
std::string_view behind_empty_line(std::string_view received) noexcept {
    if (received.starts_with("\r\n"))
        received.remove_prefix(2);
    return received;
}

bool has_control(std::string_view text) noexcept { return !is_field_text(text); }

// ---- Targets

// True if the dot segments lead above the beginning, however they are written.
bool climbs(std::string_view path) noexcept {
    int depth = 0;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        if (segment.empty())
            continue;
        int dots = 0;
        while (!segment.empty()) {
            const bool escaped = segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
                                 to_lower(segment[2]) == 'e';
            if (!escaped && segment.front() != '.')
                break;
            segment.remove_prefix(escaped ? 3 : 1);
            ++dots;
        }
        const bool dotted = segment.empty() && dots > 0 && dots <= 2;
        depth += dotted ? 1 - dots : 1;
        if (depth < 0)
            return true;
    }
    return false;
}

std::string_view explain_path(std::string_view target) noexcept {
    if (target.find('#') != std::string_view::npos)
        return "fragment in target";
    const std::string_view path = target.substr(0, target.find('?'));
    if (path.find('\\') != std::string_view::npos)
        return "backslash in path";
    for (std::size_t at = path.find('%'); at != std::string_view::npos;
         at = path.find('%', at + 1)) {
        if (path.size() - at < 3 || hex_value(path[at + 1]) < 0 || hex_value(path[at + 2]) < 0)
            return "malformed escape in path";
        if (path.substr(at + 1, 2) == "00")
            return "encoded NUL in path";
    }
    if (climbs(path))
        return "path above its root";
    return "malformed path";
}

std::string_view explain_target(std::string_view target) noexcept {
    const auto visible = [](char c) { return c >= 0x21 && c <= 0x7e; };
    if (!std::all_of(target.begin(), target.end(), visible))
        return "byte in target that no URI has";
    // Of HTTP/2 the scheme is a field of its own.
    if (target.starts_with('/'))
        return "scheme other than http and https";
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos)
        return "target of no known form";
    const std::string_view name = target.substr(0, scheme);
    const bool served = equal_nocase(name, "http") || equal_nocase(name, "https");
    return served ? "malformed host in target" : "scheme other than http and https";
}

// ---- Fields

// What is wrong with one line; empty for nothing.
std::string_view explain_line(std::string_view line) noexcept {
    if (!line.ends_with('\r'))
        return "bare LF at the end";
    line.remove_suffix(1);
    if (line.find('\r') != std::string_view::npos)
        return "bare CR";
    if (line.find('\0') != std::string_view::npos)
        return "NUL";
    if (line.empty())
        return {};
    if (is_space(line.front()))
        return "folded line";
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
        return "no colon";
    const std::string_view name = line.substr(0, colon);
    if (name.empty())
        return "no name";
    if (is_space(name.back()) && is_token(trim_space(name)))
        return "blank before the colon";
    if (!is_token(name))
        return "name that is no token";
    return has_control(line.substr(colon + 1)) ? std::string_view("control byte in the value")
                                               : std::string_view();
}

std::string numbered(std::string_view what, std::size_t field) {
    return std::string(what).append(" (field ").append(std::to_string(field)).append(")");
}

// The first line that breaks the grammar.
std::string explain_lines(std::string_view received, std::string_view otherwise) {
    std::string_view rest = behind_empty_line(received);
    const std::string_view first = take_line(rest);
    if (!first.ends_with('\r') && first.size() < received.size())
        return "bare LF behind the request line";
    const std::string_view line = without_cr(first);
    if (line.find('\r') != std::string_view::npos)
        return "bare CR in the request line";
    if (line.find('\0') != std::string_view::npos)
        return "NUL in the request line";
    for (std::size_t field = 1; rest.find('\n') != std::string_view::npos; ++field) {
        const std::string_view wrong = explain_line(take_line(rest));
        if (!wrong.empty())
            return numbered(wrong, field);
    }
    return std::string(otherwise);
}

// The longest one is what broke the limit.
std::string explain_large_field(std::string_view received) {
    std::string_view rest = behind_empty_line(received);
    (void)take_line(rest);
    std::size_t longest = 0;
    std::size_t at = 0;
    for (std::size_t field = 1; !rest.empty(); ++field) {
        const std::size_t size = take_line(rest).size();
        at = size > longest ? field : at;
        longest = std::max(longest, size);
    }
    return at > 0 ? numbered("header field too large", at) : "header field too large";
}

// The value of a field line with this name; `count` is how many there are.
std::string_view find_value(std::string_view received, std::string_view name, std::size_t& count) {
    std::string_view rest = behind_empty_line(received);
    (void)take_line(rest);
    std::string_view found;
    count = 0;
    while (!rest.empty()) {
        const std::string_view line = without_cr(take_line(rest));
        if (line.empty())
            break;
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !equal_nocase(line.substr(0, colon), name))
            continue;
        if (count++ == 0)
            found = trim_space(line.substr(colon + 1));
    }
    return found;
}

std::string_view explain_host(std::string_view received) {
    if (received.empty())
        return "missing, differing or malformed host";
    std::size_t count = 0;
    const std::string_view value = find_value(received, "host", count);
    if (count == 0)
        return "no Host";
    if (count > 1)
        return "more than one Host";
    if (value.empty())
        return "empty Host";
    if (value.find(',') != std::string_view::npos)
        return "list in Host";
    return value.find('@') != std::string_view::npos ? "user in Host" : "malformed name in Host";
}

}  // namespace

head_glance glance_at(std::string_view received) noexcept {
    received = behind_empty_line(received);
    std::string_view rest = received;
    const std::string_view line = without_cr(take_line(rest));
    head_glance seen;
    const std::size_t first = std::min(line.find(' '), line.size());
    seen.method = line.substr(0, std::min(first, method_bytes_max));
    if (first < line.size()) {
        std::string_view target = line.substr(first + 1);
        const std::size_t version = target.rfind(" HTTP/");
        seen.target = target.substr(0, version);
    }
    std::size_t count = 0;
    seen.host = find_value(received, "host", count);
    seen.user_agent = find_value(received, "user-agent", count);
    return seen;
}

std::string explain(error why, const refused_head& of) {
    if (why.category() != category())
        return {};
    switch (static_cast<errc>(why.value())) {
        case errc::bad_path:
            return std::string(explain_path(of.target));
        case errc::bad_target:
            return std::string(explain_target(of.target));
        case errc::bad_field:
        case errc::bad_line_end:
            return explain_lines(of.received, why.message());
        case errc::field_too_large:
            return explain_large_field(of.received);
        case errc::bad_host:
            return std::string(explain_host(of.received));
        default:
            return why.message();
    }
}

}  // namespace penstock::http
