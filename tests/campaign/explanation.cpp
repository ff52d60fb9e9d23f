// Why Penstock and the strict reader read some messages differently. What is not here is a defect
// until somebody has understood it.
#include "campaign/judge.hpp"
#include "campaign/path_reading.hpp"
#include "campaign/strict_grammar.hpp"

#include <algorithm>
#include <array>

namespace penstock::campaign {
namespace {

struct explained {
    std::string_view begins;
    std::string_view why;
};
constexpr std::string_view not_framing = "the framing is right, what it asks for is not";
constexpr std::string_view two_readings = "origins would not agree on what is asked for";
constexpr auto known = std::to_array<explained>({
    {"refused: 400 penstock; error=ambiguous_path, a ", two_readings},
    {"refused: 400 penstock; error=ambiguous_path, no ", two_readings},
    {"refused: 400 penstock; error=ambiguous_path, M", two_readings},
    {"refused: 400 penstock; error=ambiguous_path, more ", two_readings},
    {"refused: 400 penstock; error=http_request_error, more than one Host", not_framing},
    {"refused: 400 penstock; error=http_request_error, no Host", not_framing},
    {"refused: 400 penstock; error=http_request_error, Max-Forwards is not one number",
     not_framing},
    {"refused: 400 penstock; error=http_request_error, no host in", not_framing},
    {"refused: 400 penstock; error=http_request_error, a target", not_framing},
    {"refused: 400 penstock; error=http_request_error, a method beyond 32 bytes", not_framing},
    {"refused: 400 penstock; error=http_request_error, a body behind a websocket",
     "what stands behind it could be read as a tunnel's bytes"},
    {"refused: 408 penstock; error=head_timeout, slow", "the machine was slower than the deadline"},
    {"refused: 408 penstock; error=body_timeout, slow", "the machine was slower than the deadline"},
    {"the mark was in what is rewritten", "the authority of a target becomes the Host field"},
    {"refused: 405", "CONNECT and TRACE are served by nobody here"},
    {"refused: 431 penstock; error=request_header_too_large, a field beyond 16 KiB",
     "the limit of one field"},
    {"refused: 417", "an expectation that nobody can meet"},
    {"refused: 502 penstock; error=stale_connection",
     "the origin closed an idle connection as the request went out, and its method is not one that "
     "may be sent twice"},
    {"not passed: 502 penstock; error=http_protocol_error, no body",
     "fields that contradict each other are refused even where no body follows"},
    {"not passed: 502 penstock; error=http_response_transfer_coding, no body",
     "codings beside chunked are refused even where no body follows"},
});

bool is_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_number(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Characters and escapes of RFC 3986; the reader has refused what is not visible ASCII.
bool is_uri_text(std::string_view text) noexcept {
    constexpr std::string_view never = "\"#<>\\^`{|}";
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (never.find(text[i]) != std::string_view::npos)
            return false;
        if (text[i] != '%')
            continue;
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
            return false;
        if (text.substr(i, 3) == "%00")
            return false;
    }
    return true;
}

bool is_host(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (name.empty() || name.front() == '.' || name.find("..") != std::string_view::npos)
        return false;
    constexpr std::string_view marks = ".-_~!$&'()*+=";
    for (const char c : name) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || marks.find(c) != std::string_view::npos;
        // Which escapes a name may have is for the unit tests.
        if (!plain)
            return false;
    }
    if (colon == std::string_view::npos)
        return true;
    const auto port = read_decimal(text.substr(colon + 1));
    return text.substr(colon + 1).empty() || (port && *port <= 65535);
}

bool lists(const message& of, std::string_view name, std::string_view word) {
    for (const auto& [field, value] : of.fields) {
        for (std::string_view rest = value; field == name && !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (lower(trim(rest.substr(0, comma))) == word)
                return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

// Every other Upgrade is ignored, and so says nothing about a body.
bool asks_for_websocket(const message& of) {
    return of.first == "GET" && of.version() != "HTTP/1.0" && lists(of, "connection", "upgrade") &&
           lists(of, "upgrade", "websocket");
}

}  // namespace

std::string_view reason_to_refuse(const message& request) {
    std::string_view target = request.second;
    for (const auto& [name, value] : request.fields) {
        if (name.size() + value.size() > 16384)
            return "a field beyond 16 KiB";
    }
    if (request.first.size() > 32)
        return "a method beyond 32 bytes";
    if (asks_for_websocket(request) && (request.chunked || request.count("content-length") > 0))
        return "a body behind a websocket";
    if (request.count("host") > 1)
        return "more than one Host";
    if (request.count("host") == 0 && request.version() != "HTTP/1.0")
        return "no Host";
    if (request.count("host") == 1 && !is_host(request.value("host")))
        return "no host in Host";
    const std::size_t limits = request.first == "OPTIONS" ? request.count("max-forwards") : 0;
    if (limits > 1 || (limits == 1 && !is_number(request.value("max-forwards"))))
        return "Max-Forwards is not one number";
    if (!is_uri_text(target))
        return "a target that is no URI";
    if (lower(target.substr(0, 7)) == "http://") {
        target.remove_prefix(7);
        const std::size_t slash = std::min(target.find_first_of("/?"), target.size());
        if (!is_host(target.substr(0, slash)))
            return "no host in the target";
        target.remove_prefix(slash);
        if (!target.starts_with('/'))
            return {};
    }
    if (target == "*" && request.first == "OPTIONS")
        return {};
    if (!target.starts_with('/'))
        return "a target of no form";
    return reason_against_path(target);
}

std::string_view explanation(std::string_view difference) {
    for (const explained& each : known) {
        if (difference.starts_with(each.begins))
            return each.why;
    }
    return {};
}

}  // namespace penstock::campaign
