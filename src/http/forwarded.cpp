#include "penstock/http/forwarded.hpp"

#include "http/grammar.hpp"

#include <algorithm>
#include <charconv>

namespace penstock::http {
namespace {

bool is_quote(char c) noexcept { return c == '"'; }

// RFC 7239 §6: a number, or a word that hides it.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    if (text.size() > 1 && text.front() == '_')
        return is_token(text) ? std::optional<std::uint16_t>(std::uint16_t{0}) : std::nullopt;
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, port);
    if (text.empty() || text.size() > 5 || read.ec != std::errc() || read.ptr != end)
        return std::nullopt;
    return port;
}

std::optional<forwarded_node> with_port(std::string_view host, std::string_view port) noexcept {
    const std::optional<std::uint16_t> read = parse_port(port);
    if (!read || host.empty())
        return std::nullopt;
    return forwarded_node{host, *read};
}

// The end of the pair at the front: the next semicolon outside quotes.
std::string_view take_pair(std::string_view& element) noexcept {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < element.size() && (quoted || element[end] != ';'); ++end)
        quoted = is_quote(element[end]) ? !quoted : quoted;
    const std::string_view pair = element.substr(0, end);
    element.remove_prefix(std::min(end + 1, element.size()));
    return pair;
}

// A token, or a quoted string without escapes.
std::optional<std::string_view> parse_value(std::string_view text) noexcept {
    if (text.empty() || !is_quote(text.front())) {
        // Colons and brackets need quotes (RFC 7239 §4), but some proxies leave them out, and no
        // other reading of them exists.
        const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
            return is_token_char(c) || c == ':' || c == '[' || c == ']';
        });
        return plain && !text.empty() ? std::optional(text) : std::nullopt;
    }
    if (text.size() < 2 || !is_quote(text.back()))
        return std::nullopt;
    text = text.substr(1, text.size() - 2);
    if (text.find_first_of("\"\\") != std::string_view::npos)
        return std::nullopt;
    return text;
}

bool take_parameter(std::string_view pair, forwarded_element& into) noexcept {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos)
        return false;
    const std::string_view name = pair.substr(0, equals);
    const std::optional<std::string_view> value = parse_value(pair.substr(equals + 1));
    if (!value || !is_token(name))
        return false;
    std::string_view* const to = equal_nocase(name, "for")     ? &into.node
                                 : equal_nocase(name, "proto") ? &into.scheme
                                 : equal_nocase(name, "host")  ? &into.host
                                                               : nullptr;
    if (to == nullptr)
        return true;
    // RFC 7239 §4: each parameter once.
    if (!to->empty() || value->empty())
        return false;
    *to = *value;
    return true;
}

bool is_named(const fields::field& one, field_id id, std::string_view name) noexcept {
    return one.id == id && (id != field_id::other || equal_nocase(one.name, name));
}

}  // namespace

std::optional<forwarded_node> parse_node(std::string_view text) noexcept {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return std::nullopt;
        const std::string_view rest = text.substr(end + 1);
        if (rest.empty())
            return forwarded_node{text};
        if (rest.front() != ':')
            return std::nullopt;
        return with_port(text.substr(0, end + 1), rest.substr(1));
    }
    const std::size_t colon = text.find(':');
    const bool one = colon != std::string_view::npos && text.rfind(':') == colon;
    if (one)
        return with_port(text.substr(0, colon), text.substr(colon + 1));
    if (text.empty())
        return std::nullopt;
    return forwarded_node{text};
}

std::optional<forwarded_element> parse_forwarded(std::string_view element) noexcept {
    forwarded_element made;
    while (!element.empty()) {
        const std::string_view pair = trim_space(take_pair(element));
        if (!pair.empty() && !take_parameter(pair, made))
            return std::nullopt;
    }
    return made;
}

std::string_view take_last_element(std::string_view& list) noexcept {
    bool quoted = false;
    std::size_t begin = list.size();
    for (; begin > 0 && (quoted || list[begin - 1] != ','); --begin)
        quoted = is_quote(list[begin - 1]) ? !quoted : quoted;
    const std::string_view element = trim_space(list.substr(begin));
    list = list.substr(0, begin > 0 ? begin - 1 : 0);
    return element;
}

void find_last(const fields& of, std::string_view name, list_cut how, last_members& into) noexcept {
    const field_id id = field_id_of(name);
    if (!of.may_have(id))
        return;
    for (const fields::field field : of) {
        if (!is_named(field, id, name))
            continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t end =
                how == list_cut::lines ? rest.size() : std::min(rest.find(','), rest.size());
            const std::string_view member = trim_space(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (!member.empty())
                into.add(member);
        }
    }
}

std::string_view last_member(const fields& of, std::string_view name) noexcept {
    const field_id id = field_id_of(name);
    std::string_view found;
    if (!of.may_have(id))
        return found;
    for (const fields::field field : of) {
        if (!is_named(field, id, name))
            continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.rfind(',');
            const bool first = comma == std::string_view::npos;
            const std::string_view member = trim_space(first ? rest : rest.substr(comma + 1));
            rest = first ? std::string_view() : rest.substr(0, comma);
            if (member.empty())
                continue;
            found = member;
            break;
        }
    }
    return found;
}

}  // namespace penstock::http
