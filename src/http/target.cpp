#include "penstock/http/target.hpp"

#include "http/grammar.hpp"

#include <algorithm>
#include <cstddef>

namespace penstock::http {
namespace {

constexpr std::size_t host_bytes_max = 255;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_ipv4(std::string_view text) noexcept {
    int groups = 0;
    int value = 0;
    int digits = 0;
    for (const char c : text) {
        if (c == '.') {
            if (digits == 0 || ++groups > 3)
                return false;
            value = digits = 0;
            continue;
        }
        if (!is_digit(c) || ++digits > 3)
            return false;
        value = value * 10 + (c - '0');
        if (value > 255)
            return false;
    }
    return groups == 3 && digits > 0;
}

bool is_ipv6_group(std::string_view text) noexcept {
    if (text.empty() || text.size() > 4)
        return false;
    for (const char c : text) {
        if (hex_value(c) < 0)
            return false;
    }
    return true;
}

// RFC 3986 §3.2.2, without zones: they mean nothing beyond one machine.
bool is_ipv6(std::string_view text) noexcept {
    int groups = 0;
    bool gap = text.starts_with("::");
    if (gap)
        text.remove_prefix(2);
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos && is_ipv4(group)) {
            groups += 2;
            break;
        }
        if (!is_ipv6_group(group) || ++groups > 8)
            return false;
        if (colon == std::string_view::npos)
            break;
        text.remove_prefix(colon + 1);
        if (text.empty())
            return false;
        if (text.front() != ':')
            continue;
        if (gap)
            return false;
        gap = true;
        text.remove_prefix(1);
    }
    return gap ? groups <= 7 : groups == 8;
}

// A name or an IPv4 address: labels of unreserved characters, perhaps with one trailing dot. RFC
// 3986 also allows escapes and sub-delimiters; they give one name several forms, or end lists.
bool is_name(std::string_view text) noexcept {
    char before = '.';
    for (const char c : text) {
        if (!is_unreserved(c) || (c == '.' && before == '.'))
            return false;
        before = c;
    }
    return !text.empty();
}

// ":port", or nothing. A port that is announced but missing is refused.
bool is_port_suffix(std::string_view text) noexcept {
    if (text.empty())
        return true;
    if (text.front() != ':' || text.size() < 2 || text.size() > 6)
        return false;
    int value = 0;
    for (const char c : text.substr(1)) {
        if (!is_digit(c))
            return false;
        value = value * 10 + (c - '0');
    }
    return value <= 65535;
}

// Where the host ends and the port suffix begins.
std::size_t host_end(std::string_view authority) noexcept {
    if (!authority.starts_with('['))
        return std::min(authority.find(':'), authority.size());
    const std::size_t bracket = authority.find(']');
    return bracket == std::string_view::npos ? authority.size() : bracket + 1;
}

bool is_host(std::string_view text) noexcept {
    if (text.size() > host_bytes_max)
        return false;
    if (!text.starts_with('['))
        return is_name(text);
    return text.ends_with(']') && is_ipv6(text.substr(1, text.size() - 2));
}

}  // namespace

result<void> normalize_authority(std::string_view text, std::string& out) {
    const std::size_t end = host_end(text);
    if (!is_host(text.substr(0, end)) || !is_port_suffix(text.substr(end)))
        return error(errc::bad_host);
    const std::size_t start = out.size();
    out.resize(start + text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        out[start + i] = to_lower(text[i]);
    return {};
}

std::string_view host_of(std::string_view authority) noexcept {
    std::string_view host = authority.substr(0, host_end(authority));
    if (host.ends_with('.'))
        host.remove_suffix(1);
    return host;
}

}  // namespace penstock::http
