#include "proxy/text_pattern.hpp"

#include "penstock/base/check.hpp"
#include "penstock/base/json.hpp"
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

// One part of a URL. Escapes that it brings along are left alone.
void append_url_part(std::string_view value, std::string& to) {
    for (const char c : value) {
        if (is_unreserved(c) || c == '%')
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

// Without its port, IPv6 without its brackets.
std::string_view client_of(const exchange::record& of) noexcept {
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
        const http::fields& fields = of_.request.head.fields;
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

    // An HTTP/1.0 request may name none: then it is for the address that it came to.
    std::string_view host() {
        const std::string& authority = of_.request.record->host;
        if (!authority.empty())
            return http::host_of(authority);
        if (of_.request.local == nullptr)
            return {};
        made_ = of_.request.local->to_string();
        return http::host_of(made_);
    }

    std::string_view port() {
        const std::string_view authority = of_.request.record->host;
        const std::size_t colon = authority.rfind(':');
        if (authority.empty())
            return number(of_.request.local != nullptr ? of_.request.local->port() : 0);
        if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos)
            return authority.substr(colon + 1);
        return of_.request.head.scheme == "https" ? "443" : "80";
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

}  // namespace

text_pattern::text_pattern(std::string_view text, text_place at, markup body) {
    config::parsed_text parsed = config::parse_variables(text, at);
    PENSTOCK_CHECK(parsed.ok());
    const bool variables = std::any_of(parsed.pieces.begin(), parsed.pieces.end(),
                                       [](const auto& one) { return one.what.has_value(); });
    for (config::text_piece& one : parsed.pieces) {
        if (!variables)
            literal_ += one.literal;
        else if (one.what)
            pieces_.push_back({one, escape_of(*one.what, at, body)});
        else
            pieces_.push_back({std::move(one), escape::plain});
    }
}

text_pattern::escape text_pattern::escape_of(variable what, text_place at, markup body) noexcept {
    switch (at) {
        case text_place::request_header:
        case text_place::response_header:
            return escape::field;
        case text_place::body:
            return body == markup::html   ? escape::html
                   : body == markup::json ? escape::json
                                          : escape::plain;
        default:
            break;
    }
    switch (what) {
        case variable::scheme:
        case variable::host:
        case variable::port:
        case variable::path:
        case variable::query:
        case variable::uri:
            return escape::url;
        default:
            return escape::url_part;
    }
}

void text_pattern::append(std::string_view value, escape how, std::string& to) {
    switch (how) {
        case escape::plain:
            to += value;
            break;
        case escape::field:
            append_field(value, to);
            break;
        case escape::url:
            append_url(value, to);
            break;
        case escape::url_part:
            append_url_part(value, to);
            break;
        case escape::html:
            append_html(value, to);
            break;
        case escape::json:
            append_json(value, to);
            break;
    }
}

void text_pattern::expand(const text_facts& of, std::string& to) const {
    to += literal_;
    for (const piece& one : pieces_) {
        if (one.from.what)
            append(reader(of, one.from).read(), one.how, to);
        else
            to += one.from.literal;
    }
}

std::string_view text_pattern::text(const text_facts& of, std::string& scratch) const {
    if (is_literal())
        return literal_;
    scratch.clear();
    expand(of, scratch);
    return scratch;
}

}  // namespace penstock::proxy
