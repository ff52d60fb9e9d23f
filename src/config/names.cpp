#include "config/names.hpp"

#include "config/text.hpp"
#include "penstock/base/path_escapes.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace penstock::config {

namespace {

constexpr std::size_t host_name_max = 253;
constexpr std::size_t label_max = 63;
constexpr std::size_t unix_path_max = 107;
constexpr std::string_view unix_scheme = "unix:";
constexpr int mapped_bits = 96;  // of an IPv4 address held as IPv6

bool is_alphanumeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool to_ipv4(std::string_view text, in_addr& out) {
    return inet_pton(AF_INET, std::string(text).c_str(), &out) == 1;
}

bool to_ipv6(std::string_view text, in6_addr& out) {
    return inet_pton(AF_INET6, std::string(text).c_str(), &out) == 1;
}

std::string print_ipv6(const in6_addr& from) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    inet_ntop(AF_INET6, &from, buffer.data(), buffer.size());
    return buffer.data();
}

// "host:port" cut in two; IPv6 keeps its brackets. Not valid without a port.
struct host_port {
    std::string_view host;
    std::string_view port;
    bool valid = false;
};

host_port cut_port(std::string_view text) noexcept {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return {};
    }
    const host_port out{text.substr(0, colon), text.substr(colon + 1), true};
    const bool bracketed = out.host.starts_with('[') && out.host.ends_with(']');
    const bool bare_ipv6 = out.host.find(':') != std::string_view::npos && !bracketed;
    return bare_ipv6 ? host_port{} : out;
}

parsed<std::uint16_t> parse_port(std::string_view text, std::int64_t least) {
    const parsed<std::int64_t> number = parse_integer(text);
    if (!number.value.has_value() || text.size() > 5 || *number.value < least ||
        *number.value > 65535) {
        return refusal<std::uint16_t>(in_quotes(text) + " is not a port",
                                      "a number from " + std::to_string(least) + " to 65535");
    }
    return {static_cast<std::uint16_t>(*number.value), {}, {}};
}

// A numeric host in the model's form, or nothing.
std::optional<std::string> numeric_host(std::string_view text) {
    in_addr v4{};
    if (to_ipv4(text, v4)) {
        return std::string(text);
    }
    in6_addr v6{};
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (bracketed && to_ipv6(text.substr(1, text.size() - 2), v6)) {
        return "[" + print_ipv6(v6) + "]";
    }
    return std::nullopt;
}

// "[fe80::1%eth0]", which names an interface of this machine (RFC 4007 §11).
bool has_zone(std::string_view host) noexcept {
    return host.starts_with('[') && host.find('%') != std::string_view::npos;
}

parsed<address> refuse_zone(std::string_view host) {
    return refusal<address>(in_quotes(host) + " has a zone, and zones are not supported",
                            "an address that is not link-local needs none");
}

parsed<address> refuse_without_port(std::string_view text) {
    in6_addr v6{};
    // Most of these are addresses as they stand too, but an address without a port is not meant
    // here.
    const std::size_t colon = std::min(text.rfind(':'), text.size());
    const std::string_view port = text.substr(std::min(colon + 1, text.size()));
    if (port.size() > 1 && to_ipv6(text.substr(0, colon), v6) &&
        parse_port(port, 0).value.has_value()) {
        return refusal<address>(in_quotes(text) + " has an IPv6 address without brackets",
                                "did you mean '[" + std::string(text.substr(0, colon)) +
                                    "]:" + std::string(port) + "'?");
    }
    if (to_ipv6(text, v6)) {
        return refusal<address>(
            in_quotes(text) + " has no port",
            "an IPv6 address stands in brackets: '[" + std::string(text) + "]:8080'");
    }
    return refusal<address>(in_quotes(text) + " has no port");
}

// Looks like 10.0.0.256 or [::g]: meant as an address, so not to be taken for a name.
bool looks_numeric(std::string_view host) noexcept {
    return host.starts_with('[') || std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= '0' && c <= '9') || c == '.';
           });
}

bool has_dot_segment(std::string_view path) {
    const std::vector<std::string_view> segments = split(path, '/');
    return std::any_of(segments.begin(), segments.end(),
                       [](std::string_view s) { return s == "." || s == ".."; });
}

// A path that the kernel takes, with the NUL behind it.
parsed<address> parse_unix(std::string_view text) {
    const std::string_view path = text.substr(unix_scheme.size());
    const std::size_t slashes = std::min(path.find_first_not_of('/'), path.size());
    if (slashes > 1 && slashes < path.size() && !path.ends_with('/')) {
        return refusal<address>(
            in_quotes(text) + " is a URL, not an address",
            "did you mean 'unix:" + std::string(path.substr(slashes - 1)) + "'?");
    }
    if (!path.starts_with('/') || path.ends_with('/') || path.starts_with("//")) {
        return refusal<address>(in_quotes(text) + " has no absolute path of a socket",
                                "as in 'unix:/run/penstock/web.sock'");
    }
    if (path.size() > unix_path_max || has_control(path)) {
        return refusal<address>(
            in_quotes(text) + " cannot be the path of a socket",
            "at most " + std::to_string(unix_path_max) + " bytes, without control bytes");
    }
    return {address{std::string(text), 0}, {}, {}};
}

constexpr std::string_view unix_word = "unix";

// Fields that Penstock reads or writes with another meaning.
constexpr std::array<std::string_view, 28> taken_fields = {
    "authorization",
    "client-cert",
    "client-cert-chain",
    "connection",
    "cookie",
    "date",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "location",
    "max-forwards",
    "proxy-authorization",
    "proxy-connection",
    "proxy-status",
    "retry-after",
    "server",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
};

// What keeps a path from having a normal form, in which `normal` is left.
std::string path_fault(std::string_view path, std::string& normal) {
    const std::size_t mark = path.find_first_of("?#\\");
    if (mark != std::string_view::npos) {
        return in_quotes(path.substr(mark, 1));
    }
    if (!is_visible_ascii(path)) {
        return "a byte that has to be percent-encoded";
    }
    if (!append_unescaped(path, normal).good) {
        const bool nul = path.find("%00") != std::string_view::npos;
        return nul ? "'%00'" : "a '%' without two hexadecimal digits";
    }
    if (normal.find("//") != std::string::npos) {
        return "'//'";
    }
    if (has_dot_segment(normal)) {
        return "a '.' or '..' segment";
    }
    const std::vector<std::string_view> segments = split(normal, '/');
    return std::any_of(segments.begin(), segments.end(), hides_dots)
               ? "an escaped separator next to '.' or '..'"
               : "";
}

void clear_host_bits(network& net) noexcept {
    for (int bit = net.prefix; bit < 128; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
        std::uint8_t& byte = net.bytes[bit / 8];
        byte = static_cast<std::uint8_t>(byte & ~mask);
    }
}

bool is_mapped(const network& net) noexcept {
    constexpr std::array<std::uint8_t, 12> start{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return net.prefix >= mapped_bits && std::memcmp(net.bytes, start.data(), start.size()) == 0;
}

// The address part into `out`; gives the bits that its prefix length counts from.
std::optional<int> network_address(std::string_view text, network& out) {
    in_addr v4{};
    if (to_ipv4(text, v4)) {
        out.bytes[10] = 0xff;
        out.bytes[11] = 0xff;
        std::memcpy(out.bytes + 12, &v4, sizeof v4);
        return mapped_bits;
    }
    in6_addr v6{};
    if (to_ipv6(text, v6)) {
        std::memcpy(out.bytes, &v6, sizeof v6);
        return 0;
    }
    return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
    });
}

bool is_host_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > host_name_max || text.ends_with('.')) {
        return false;
    }
    const std::vector<std::string_view> labels = split(text, '.');
    return std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
        const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
        return !label.empty() && label.size() <= label_max && label.front() != '-' &&
               label.back() != '-' && std::all_of(label.begin(), label.end(), allowed);
    });
}

parsed<address> parse_bind(std::string_view text) {
    if (text.starts_with(unix_scheme)) {
        return parse_unix(text);
    }
    const host_port parts = cut_port(text);
    if (!parts.valid) {
        parsed<address> refused = refuse_without_port(text);
        if (refused.hint.empty() && parse_port(text, 0).value.has_value()) {
            refused.hint = "did you mean ':" + std::string(text) + "'?";
        }
        return refused;
    }
    const parsed<std::uint16_t> port = parse_port(parts.port, 0);
    if (!port.value.has_value()) {
        return refusal<address>(port.message, port.hint);
    }
    if (parts.host.empty() || parts.host == every_address) {
        return {address{std::string(every_address), *port.value}, {}, {}};
    }
    if (parts.host == "localhost") {
        return {address{"127.0.0.1", *port.value}, {}, {}};
    }
    if (std::optional<std::string> host = numeric_host(parts.host); host.has_value()) {
        return {address{std::move(*host), *port.value}, {}, {}};
    }
    if (has_zone(parts.host)) {
        return refuse_zone(parts.host);
    }
    return refusal<address>(in_quotes(parts.host) + " is not an IP address",
                            "a listener binds an address, ':8080' stands for every address");
}

parsed<address> parse_endpoint(std::string_view text) {
    if (text.starts_with("unix:/")) {
        return parse_unix(text);
    }
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
        std::string_view rest = text.substr(scheme + 3);
        rest = rest.substr(0, rest.find('/'));
        const bool tls = text.starts_with("https:");
        return refusal<address>(in_quotes(text) + " is a URL, not an address",
                                "write 'host:port', as in " + in_quotes(rest) +
                                    (tls ? ", and 'tls: true' next to 'endpoints'" : ""));
    }
    const host_port parts = cut_port(text);
    if (!parts.valid) {
        return refuse_without_port(text);
    }
    const parsed<std::uint16_t> port = parse_port(parts.port, 1);
    if (!port.value.has_value()) {
        return refusal<address>(port.message, port.hint);
    }
    if (std::optional<std::string> host = numeric_host(parts.host); host.has_value()) {
        return {address{std::move(*host), *port.value}, {}, {}};
    }
    if (has_zone(parts.host)) {
        return refuse_zone(parts.host);
    }
    // A dot at the end says that no search domain is to be tried (RFC 1034 §3.1).
    std::string_view name = parts.host;
    if (name.size() > 1 && name.ends_with('.')) {
        name.remove_suffix(1);
    }
    if (looks_numeric(parts.host) || !is_host_name(name)) {
        return refusal<address>(in_quotes(parts.host) +
                                " is neither an IP address nor a host name");
    }
    return {address{lower(parts.host), *port.value}, {}, {}};
}

std::string format_address(const address& from) {
    if (is_unix(from)) {
        return from.host;
    }
    return from.host + ":" + std::to_string(from.port);
}

parsed<std::uint32_t> parse_mode(std::string_view text) {
    const bool octal = text.size() >= 3 && text.size() <= 4 &&
                       text.find_first_not_of("01234567") == std::string_view::npos;
    std::uint32_t mode = 0;
    for (const char digit : text) {
        mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
    }
    if (!octal || mode > 0777) {
        return refusal<std::uint32_t>(in_quotes(text) + " is not a file mode", "as in \"0660\"");
    }
    return {mode, {}, {}};
}

std::string format_mode(std::uint32_t mode) {
    std::string text = "0";
    for (const unsigned shift : {6U, 3U, 0U}) {
        text += static_cast<char>('0' + ((mode >> shift) & 7U));
    }
    return text;
}

parsed<network> parse_network(std::string_view text) {
    if (text == unix_word) {
        network peers;
        peers.unix_peers = true;
        return {peers, {}, {}};
    }
    const std::size_t slash = text.find('/');
    network out;
    const std::optional<int> base = network_address(text.substr(0, slash), out);
    if (!base.has_value()) {
        return refusal<network>(in_quotes(text) + " is not an address or network",
                                "as in 10.0.0.0/8, 192.0.2.1 or fd00::/8");
    }
    if (slash == std::string_view::npos) {
        return {out, {}, {}};
    }
    const parsed<std::int64_t> length = parse_integer(text.substr(slash + 1));
    if (!length.value.has_value() || *length.value < 0 || *length.value > 128 - *base) {
        return refusal<network>(in_quotes(text.substr(slash + 1)) + " is not a prefix length",
                                "a number from 0 to " + std::to_string(128 - *base));
    }
    out.prefix = *base + static_cast<int>(*length.value);
    const network written = out;
    clear_host_bits(out);
    if (std::memcmp(written.bytes, out.bytes, sizeof out.bytes) != 0) {
        return refusal<network>(in_quotes(text) + " has bits beyond its prefix",
                                "did you mean " + in_quotes(format_network(out)) + "?");
    }
    return {out, {}, {}};
}

std::string format_network(const network& from) {
    if (from.unix_peers) {
        return std::string(unix_word);
    }
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    const bool v4 = is_mapped(from);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? from.bytes + 12 : from.bytes, buffer.data(),
              buffer.size());
    return std::string(buffer.data()) + "/" + std::to_string(from.prefix - (v4 ? mapped_bits : 0));
}

parsed<std::string> parse_client_field(std::string_view text) {
    if (!is_token(text)) {
        return refusal<std::string>(in_quotes(text) + " is not the name of a field",
                                    "as in X-Forwarded-For, Forwarded or CF-Connecting-IP");
    }
    const std::string name = lower(text);
    const bool taken =
        name.starts_with("content-") || name.find('_') != std::string::npos ||
        std::find(taken_fields.begin(), taken_fields.end(), name) != taken_fields.end();
    if (taken) {
        return refusal<std::string>(in_quotes(text) + " does not say who the client is",
                                    "as in X-Forwarded-For, Forwarded or CF-Connecting-IP");
    }
    return {std::string(text), {}, {}};
}

parsed<std::string> parse_scheme_field(std::string_view text) {
    if (lower(text) == "none") {
        return {"none", {}, {}};
    }
    const std::string name = lower(text);
    const bool known = name == "x-forwarded-proto";
    if (known || (name != "forwarded" && parse_client_field(text).value.has_value())) {
        return {std::string(text), {}, {}};
    }
    return refusal<std::string>(in_quotes(text) + " does not say a scheme",
                                "as in X-Forwarded-Proto or CloudFront-Forwarded-Proto, or 'none'");
}

parsed<std::string> parse_host_pattern(std::string_view text) {
    const std::string shown = in_quotes(text);
    if (std::optional<std::string> host = numeric_host(text); host.has_value()) {
        return {std::move(host), {}, {}};
    }
    if (text.find("://") != std::string_view::npos) {
        return refusal<std::string>(shown + " is a URL, not a host");
    }
    if (text.find(':') != std::string_view::npos) {
        return refusal<std::string>(shown + " has a port", "hosts are compared without their port");
    }
    std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
    name = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
    if (!is_host_name(name)) {
        const bool star = text.find('*') != std::string_view::npos;
        return refusal<std::string>(
            shown + " is not a host",
            star ? "'*' stands only for leading labels: '*.example.com'" : "");
    }
    return {(text.starts_with("*.") ? "*." : "") + lower(name), {}, {}};
}

parsed<std::string> parse_upgrade(std::string_view text) {
    constexpr std::size_t bytes_max = 64;
    const std::string shown = in_quotes(text);
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view name = text.substr(0, slash);
    const bool versioned = slash < text.size();
    if (text.size() > bytes_max || !is_token(name) ||
        (versioned && !is_token(text.substr(slash + 1))))
        return refusal<std::string>(shown + " is not a protocol",
                                    "a name as in Upgrade, with or without a version: spdy/3.1");
    // Requests that were not looked at would pass within such a tunnel.
    const std::string lowered = lower(name);
    if (lowered == "h2c" || lowered == "h2" || lowered == "http")
        return refusal<std::string>(shown + " cannot be switched to",
                                    "HTTP/2 without TLS is spoken by 'protocols: [h2c]'");
    return {std::string(text), {}, {}};
}

bool is_media_type(std::string_view text) noexcept {
    std::string_view type = text.substr(0, text.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t'))
        type.remove_suffix(1);
    const std::size_t slash = std::min(type.find('/'), type.size());
    return is_token(type.substr(0, slash)) && slash < type.size() &&
           is_token(type.substr(slash + 1));
}

parsed<std::string> parse_route_path(std::string_view text) {
    if (!text.starts_with('/')) {
        return refusal<std::string>(in_quotes(text) + " does not begin with '/'",
                                    "did you mean " + in_quotes("/" + std::string(text)) + "?");
    }
    std::string normal;
    if (const std::string fault = path_fault(text, normal); !fault.empty()) {
        return refusal<std::string>(in_quotes(text) + " contains " + fault,
                                    "paths are matched in normal form, where it cannot occur");
    }
    return {std::move(normal), {}, {}};
}

parsed<std::string> parse_redirect_target(std::string_view text) {
    const std::string head = lower(text.substr(0, 8));
    const std::size_t scheme = head == "https://"                 ? 8
                               : head.starts_with("http://")      ? 7
                               : text.starts_with("${scheme}://") ? 12
                                                                  : 0;
    const bool path = text.starts_with('/') && !text.starts_with("//");
    const bool url = scheme > 0 && text.size() > scheme && text[scheme] != '/';
    if (!path && !url) {
        return refusal<std::string>(in_quotes(text) +
                                    " is neither an http or https URL nor a path");
    }
    if (!is_visible_ascii(text)) {
        return refusal<std::string>(in_quotes(text) +
                                    " contains a byte that has to be percent-encoded");
    }
    return {std::string(text), {}, {}};
}

}  // namespace penstock::config
