#include "penstock/http/target.hpp"

#include "http/grammar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
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

// Characters of a name: unreserved ones and sub-delimiters, but for those that end a list.
constexpr std::array<bool, 256> name_chars = [] {
    std::array<bool, 256> made{};
    for (std::size_t c = 0; c < 128; ++c)
        made[c] = is_unreserved(static_cast<char>(c));
    for (const char c : std::string_view("!$&'()*+="))
        made[static_cast<unsigned char>(c)] = true;
    return made;
}();

constexpr bool is_name_char(char c) noexcept { return name_chars[static_cast<unsigned char>(c)]; }

// The byte of the escape at the front of `text`, if a name may have it; else -1. What ends a name,
// a list or a path when it is decoded is none.
int escaped_in_name(std::string_view text) noexcept {
    if (text.size() < 3 || hex_value(text[1]) < 0 || hex_value(text[2]) < 0)
        return -1;
    const int value = hex_value(text[1]) * 16 + hex_value(text[2]);
    return value >= 0x80 || is_name_char(static_cast<char>(value)) ? value : -1;
}

// Writes the one form of a name or an IPv4 address (RFC 3986 §3.2.2): labels in lower case, perhaps
// with one trailing dot, escapes of unreserved characters decoded. `to` has room for all of it.
// Null if the text is none.
char* write_name(std::string_view text, char* to) noexcept {
    char before = '.';
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int value = escaped_in_name(text.substr(i));
            if (value < 0)
                return nullptr;
            const char byte = static_cast<char>(value);
            const bool plain = value < 0x80 && is_unreserved(byte);
            if (!plain) {
                *to++ = before = '%';
                *to++ = to_lower(text[i + 1]);
                *to++ = to_lower(text[i + 2]);
            }
            i += 2;
            if (!plain)
                continue;
            c = byte;
        }
        if (!is_name_char(c) || (c == '.' && before == '.'))
            return nullptr;
        *to++ = to_lower(c);
        before = c;
    }
    return text.empty() ? nullptr : to;
}

// ":port" or nothing. An empty port is none (RFC 3986 §6.2.3).
bool is_port_suffix(std::string_view text) noexcept {
    if (text.empty() || text == ":")
        return true;
    if (text.front() != ':' || text.size() > 6)
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

char* write_lower(std::string_view text, char* to) noexcept {
    for (const char c : text)
        *to++ = to_lower(c);
    return to;
}

// Null if it is no host.
char* write_host(std::string_view text, char* to) noexcept {
    if (text.size() > host_bytes_max)
        return nullptr;
    if (!text.starts_with('['))
        return write_name(text, to);
    const bool address = text.ends_with(']') && is_ipv6(text.substr(1, text.size() - 2));
    return address ? write_lower(text, to) : nullptr;
}

}  // namespace

result<void> normalize_authority(std::string_view text, std::string& out) {
    const std::size_t end = host_end(text);
    const std::string_view port = text.substr(end);
    if (!is_port_suffix(port))
        return error(errc::bad_host);
    const std::size_t start = out.size();
    out.resize(start + text.size());
    char* written = write_host(text.substr(0, end), out.data() + start);
    if (written == nullptr) {
        out.resize(start);
        return error(errc::bad_host);
    }
    if (port.size() > 1)
        written = write_lower(port, written);
    out.resize(static_cast<std::size_t>(written - out.data()));
    return {};
}

std::string_view host_of(std::string_view authority) noexcept {
    std::string_view host = authority.substr(0, host_end(authority));
    if (host.ends_with('.'))
        host.remove_suffix(1);
    return host;
}

std::optional<std::uint16_t> port_of(std::string_view authority) noexcept {
    const std::size_t digits = host_end(authority) + 1;
    if (digits >= authority.size())
        return std::nullopt;
    std::uint16_t port = 0;
    const char* const end = authority.data() + authority.size();
    const auto read = std::from_chars(authority.data() + digits, end, port);
    return read.ec == std::errc() && read.ptr == end ? std::optional(port) : std::nullopt;
}

}  // namespace penstock::http
