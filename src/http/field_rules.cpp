#include "http/field_rules.hpp"

#include "http/grammar.hpp"
#include "penstock/http/fields.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

namespace penstock::http {
namespace {

bool starts_nocase(std::string_view text, std::string_view prefix) noexcept {
    return equal_nocase(text.substr(0, prefix.size()), prefix);
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& list) noexcept {
    return std::any_of(list.begin(), list.end(),
                       [name](std::string_view each) { return equal_nocase(name, each); });
}

bool starts_with_one_of(std::string_view name,
                        std::initializer_list<std::string_view> prefixes) noexcept {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [name](std::string_view each) { return starts_nocase(name, each); });
}

std::string with_dashes(std::string_view name) {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    return dashed;
}

constexpr std::array<std::string_view, 9> forbidden_trailers = {
    "age",        "cache-control", "expires", "pragma",  "range",
    "set-cookie", "set-cookie2",   "vary",    "warning",
};

}  // namespace

bool is_disguised(std::string_view name) {
    if (name.find('_') == std::string_view::npos)
        return false;
    const std::string dashed = with_dashes(name);
    return field_id_of(dashed) != field_id::other || is_forwarding_name(dashed);
}

bool is_forwarding_name(std::string_view name) noexcept {
    // The first letter tells nearly all others apart.
    const char first = name.empty() ? '\0' : to_lower(name.front());
    if (first == 'x')
        return starts_nocase(name, "x-forwarded") || equal_nocase(name, "x-real-ip");
    return first == 'f' && equal_nocase(name, "forwarded");
}

bool is_protected(std::string_view name) noexcept {
    switch (field_id_of(name)) {
        case field_id::authorization:
        case field_id::cdn_loop:
        case field_id::client_cert:
        case field_id::client_cert_chain:
        case field_id::cookie:
        case field_id::host:
        case field_id::via:
        case field_id::x_request_id:
            return true;
        default:
            return is_forwarding_name(name) || starts_nocase(name, "content-") ||
                   equal_nocase(name, "set-cookie");
    }
}

bool is_forbidden_trailer(std::string_view name) {
    if (name.find('_') != std::string_view::npos)
        return is_forbidden_trailer(with_dashes(name));
    const field_id id = field_id_of(name);
    // RFC 9209 §2 allows Proxy-Status.
    if (id != field_id::other)
        return id != field_id::proxy_status;
    return is_forwarding_name(name) || starts_with_one_of(name, {"content-", "if-", "proxy-"}) ||
           is_one_of(name, forbidden_trailers);
}

}  // namespace penstock::http
