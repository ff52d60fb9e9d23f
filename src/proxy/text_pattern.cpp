#include "proxy/text_pattern.hpp"

#include "penstock/base/check.hpp"
#include "penstock/base/json.hpp"
#include "penstock/exchange/client_rules.hpp"
#include "penstock/http/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace penstock::proxy {
namespace {

using config::text_place;
using config::variable;

// RFC 3986 §2.3.
bool is_unreserved(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void append_percent(char c, std::string& to) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto value = static_cast<unsigned char>(c);
    to += '%';
    to += digits[value >> 4U];
    to += digits[value & 15U];
}

// What is a URL's part already: only what no URL has is escaped.
void append_url(std::string_view value, std::string& to) {
    constexpr std::string_view never = "\"<>\\^`{|}#";
    for (const char c : value) {
        const bool visible = c > 0x20 && c < 0x7f;
        if (visible && never.find(c) == std::string_view::npos)
            to += c;
        else
            append_percent(c, to);
    }
}

// What one decoding of a parameter turns back into `value`, escapes in it included.
void append_url_value(std::string_view value, std::string& to) {
    for (const char c : value) {
        if (is_unreserved(c) || c == '/' || c == ':')
            to += c;
        else
            append_percent(c, to);
    }
}

bool is_escape(std::string_view text) noexcept {
    const auto is_hex = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    return text.size() >= 3 && text[0] == '%' && is_hex(text[1]) && is_hex(text[2]);
}

// A value out of a query is encoded already: its escapes and its '+' mean what they meant there.
void append_argument(std::string_view value, std::string& to) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (is_unreserved(value[i]) || value[i] == '+' || is_escape(value.substr(i)))
            to += value[i];
        else
            append_percent(value[i], to);
    }
}

// Text of any kind: a '%' in it begins no escape.
void append_part(std::string_view value, std::string& to) {
    for (const char c : value) {
        if (is_unreserved(c))
            to += c;
        else
            append_percent(c, to);
    }
}

void append_html(std::string_view value, std::string& to) {
    for (const char c : value) {
        switch (c) {
            case '&':
                to += "&amp;";
                break;
            case '<':
                to += "&lt;";
                break;
            case '>':
                to += "&gt;";
                break;
            case '"':
                to += "&quot;";
                break;
            case '\'':
                to += "&#39;";
                break;
            default:
                to += c;
        }
    }
}

// Without the quotes around it.
void append_json(std::string_view value, std::string& to) {
    std::string quoted;
    json_writer(quoted).value(value);
    to += std::string_view(quoted).substr(1, quoted.size() - 2);
}

void append_field(std::string_view value, std::string& to) {
    for (const char c : value)
        to += is_control(c) ? ' ' : c;
}

std::string_view without_blanks(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// The value behind "name=" among members that `separator` separates.
std::string_view member_of(std::string_view list, char separator, std::string_view name) noexcept {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(separator), list.size());
        const std::string_view member = without_blanks(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
        if (member == name)
            return {};
        if (member.starts_with(name) && member.size() > name.size() && member[name.size()] == '=')
            return member.substr(name.size() + 1);
    }
    return {};
}

std::string_view path_of(const exchange::record& of) noexcept {
    return std::string_view(of.path).substr(0, of.path.find('?'));
}

std::string_view query_of(const exchange::record& of) noexcept {
    return std::string_view(of.path).substr(std::min(of.path.find('?'), of.path.size()));
}

// Without its port, IPv6 without its brackets. A peer over a Unix socket has no address.
std::string_view client_of(const exchange::record& of) noexcept {
    if (of.client.starts_with("unix:"))
        return {};
    const std::string_view host = std::string_view(of.client).substr(0, of.client.rfind(':'));
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// Values that are views into what lives as long as the exchange, or into `made`.
class reader {
 public:
    reader(const text_facts& of, const config::text_piece& what) : of_(of), what_(what) {}

    std::string_view read() {
        const exchange::record& record = *of_.request.record;
        switch (*what_.what) {
            case variable::scheme:
                return of_.request.head.scheme;
            case variable::host:
                return host();
            case variable::port:
                return port();
            case variable::path:
                return path_of(record);
            case variable::query:
                return query_of(record);
            case variable::uri:
                return record.path;
            case variable::method:
                return record.method;
            case variable::client_ip:
                return client_of(record);
            case variable::listener:
                return name_of(record.listener);
            case variable::route:
                return name_of(record.route);
            case variable::upstream:
                if (of_.upstream.empty() && record.upstream != no_name)
                    return name_of(record.upstream);
                return of_.upstream;
            case variable::request_id:
                return record.request_id;
            case variable::tls_sni:
                return of_.request.server_name;
            case variable::tls_client_subject:
                return of_.request.client_subject;
            case variable::status:
                return number(of_.status);
            case variable::reason:
                return exchange::token(of_.why);
            default:
                return named();
        }
    }

 private:
    // Those with an argument.
    std::string_view named() {
        const exchange::request& request = of_.request;
        const http::fields& fields = request.kept ? request.kept->fields : request.head.fields;
        switch (*what_.what) {
            case variable::header:
                if (http::equal_nocase(what_.argument, "host"))
                    return of_.request.record->host;
                return fields.find(what_.argument).value_or(std::string_view());
            case variable::cookie:
                for (const http::fields::field one : fields) {
                    const std::string_view found = one.id == http::field_id::cookie
                                                       ? member_of(one.value, ';', what_.argument)
                                                       : std::string_view();
                    if (!found.empty())
                        return found;
                }
                return {};
            case variable::arg: {
                const std::string_view query = query_of(*of_.request.record);
                return member_of(query.substr(std::min<std::size_t>(1, query.size())), '&',
                                 what_.argument);
            }
            default:
                return {};
        }
    }

    // An HTTP/1.0 request may name none: then it is for the address that it came to, which a Unix
    // socket does not have.
    std::string_view host() {
        const exchange::client_authority asked = authority_of_client(of_.request);
        if (!asked.host.empty())
            return asked.host;
        if (!has_local())
            return {};
        made_ = of_.request.local->to_string();
        return http::host_of(made_);
    }

    std::string_view port() {
        const exchange::request& request = of_.request;
        const exchange::client_authority asked = authority_of_client(request);
        if (asked.port != 0)
            return number(asked.port);
        const bool told = request.told && !request.told->scheme.empty();
        if (asked.host.empty() && !told)
            return has_local() ? number(request.local->port()) : std::string_view();
        return request.head.scheme == "https" ? "443" : "80";
    }

    [[nodiscard]] bool has_local() const noexcept {
        return of_.request.local != nullptr && !of_.request.local->is_unix();
    }

    std::string_view number(int value) {
        const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr;
        return {digits_.data(), static_cast<std::size_t>(end - digits_.data())};
    }

    const text_facts& of_;
    const config::text_piece& what_;
    std::array<char, 12> digits_{};
    std::string made_;
};

void append_body(std::string_view value, markup in, std::string& to) {
    switch (in) {
        case markup::none:
            to += value;
            break;
        case markup::html:
            append_html(value, to);
            break;
        case markup::json:
            append_json(value, to);
            break;
    }
}

bool holds_nocase(std::string_view text, std::string_view what) noexcept {
    for (std::size_t i = 0; i + what.size() <= text.size(); ++i) {
        if (http::equal_nocase(text.substr(i, what.size()), what))
            return true;
    }
    return false;
}

bool is_token(std::string_view text) noexcept {
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_unreserved(c) || marks.find(c) != std::string_view::npos;
    });
}

// Types that say nothing, so that browsers look at the body (WHATWG MIME Sniffing §7).
bool is_guessed(std::string_view value) noexcept {
    const std::string_view type = without_blanks(value.substr(0, value.find(';')));
    const std::size_t slash = type.find('/');
    if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) ||
        !is_token(type.substr(slash + 1)))
        return true;
    constexpr std::array<std::string_view, 3> unknown = {"unknown/unknown", "application/unknown",
                                                         "*/*"};
    return std::any_of(unknown.begin(), unknown.end(),
                       [type](std::string_view one) { return http::equal_nocase(type, one); });
}

}  // namespace

markup markup_of(const http::fields& of) noexcept {
    if (!of.may_have(http::field_id::content_type) || of.count(http::field_id::content_type) == 0)
        return markup::html;
    markup found = markup::none;
    for (const http::fields::field one : of) {
        if (one.id != http::field_id::content_type)
            continue;
        if (is_guessed(one.value) || holds_nocase(one.value, "html") ||
            holds_nocase(one.value, "xml"))
            return markup::html;
        if (holds_nocase(one.value, "json"))
            found = markup::json;
    }
    return found;
}

// Where in a URL a text has come to, as far as its literals and what its variables are tell.
class text_pattern::position {
 public:
    explicit position(text_place at) noexcept : at_(at), query_(at == text_place::url_query) {}

    void pass(std::string_view literal) noexcept {
        for (const char c : literal) {
            if (c == '#' || (c == '?' && !query_))
                value_ = false;
            if (c == '#' || c == '?')
                query_ = c == '?';
            value_ = query_ && c != '&' && (value_ || c == '=');
        }
    }

    // The escape of a variable, which is passed.
    escape pass(variable what) noexcept {
        switch (at_) {
            case text_place::request_header:
            case text_place::response_header:
                return escape::field;
            case text_place::body:
                return escape::body;
            default:
                break;
        }
        switch (what) {
            case variable::query:
            case variable::uri: {
                // The query itself, or one that is the value of a parameter.
                const bool inside = query_ && (value_ || what == variable::uri);
                query_ = true;
                return inside ? escape::url_value : escape::url;
            }
            case variable::scheme:
            case variable::host:
            case variable::port:
            case variable::path:
                return query_ ? escape::url_value : escape::url;
            case variable::arg:
                return escape::argument;
            default:
                return escape::part;
        }
    }

 private:
    text_place at_;
    bool query_;          // behind the '?'
    bool value_ = false;  // behind the '=' of a parameter
};

text_pattern::text_pattern(std::string_view text, text_place at) {
    config::parsed_text parsed = config::parse_variables(text, at);
    PENSTOCK_CHECK(parsed.ok());
    const bool variables = std::any_of(parsed.pieces.begin(), parsed.pieces.end(),
                                       [](const auto& one) { return one.what.has_value(); });
    position now(at);
    for (config::text_piece& one : parsed.pieces) {
        if (!variables) {
            literal_ += one.literal;
        } else if (one.what) {
            const escape how = now.pass(*one.what);
            pieces_.push_back({std::move(one), how});
        } else {
            now.pass(one.literal);
            pieces_.push_back({std::move(one), escape::plain});
        }
    }
}

void text_pattern::expand(const text_facts& of, std::string& to, markup in) const {
    to += literal_;
    for (const piece& one : pieces_) {
        if (!one.from.what) {
            to += one.from.literal;
            continue;
        }
        reader made(of, one.from);
        const std::string_view value = made.read();
        switch (one.how) {
            case escape::plain:
                to += value;
                break;
            case escape::field:
                append_field(value, to);
                break;
            case escape::body:
                append_body(value, in, to);
                break;
            case escape::url:
                append_url(value, to);
                break;
            case escape::url_value:
                append_url_value(value, to);
                break;
            case escape::argument:
                append_argument(value, to);
                break;
            case escape::part:
                append_part(value, to);
                break;
        }
    }
}

std::string_view text_pattern::text(const text_facts& of, std::string& scratch) const {
    if (is_literal())
        return literal_;
    scratch.clear();
    expand(of, scratch);
    return scratch;
}

void text_pattern::add_fields_read(std::vector<std::string>& to) const {
    for (const piece& one : pieces_) {
        const bool cookie = one.from.what == variable::cookie;
        if (!cookie && one.from.what != variable::header)
            continue;
        const std::string name = cookie ? "Cookie" : one.from.argument;
        const bool known = std::any_of(to.begin(), to.end(), [&name](const std::string& other) {
            return http::equal_nocase(name, other);
        });
        if (!known)
            to.push_back(name);
    }
}

void keep_fields(exchange::request& of, const std::vector<std::string>& names) {
    if (names.empty())
        return;
    of.kept = std::make_unique<exchange::kept_fields>();
    for (const http::fields::field one : of.head.fields) {
        const bool read = std::any_of(names.begin(), names.end(), [&one](const std::string& name) {
            return http::equal_nocase(one.name, name);
        });
        if (read)
            of.kept->fields.add(one);
    }
}

}  // namespace penstock::proxy
