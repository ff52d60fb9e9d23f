#include "upstream/response_rules.hpp"

#include <charconv>
#include <string_view>

namespace penstock::upstream {
namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// The first word of an authentication field: its scheme.
bool has_scheme(std::string_view value, std::string_view scheme) noexcept {
    value = trim(value);
    return http::equal_nocase(value.substr(0, value.find_first_of(" \t,")), scheme);
}

bool ties_connection(const http::fields& fields, http::field_id id) noexcept {
    if (!fields.find(id))
        return false;
    for (const http::fields::field field : fields) {
        if (field.id != id)
            continue;
        std::string_view rest = field.value;
        // A challenge list separates schemes by commas, and so it does parameters; a parameter
        // never looks like one of these two words.
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            const std::string_view item = rest.substr(0, comma);
            if (has_scheme(item, "NTLM") || has_scheme(item, "Negotiate"))
                return true;
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
    }
    return false;
}

}  // namespace

bool accepts_upgrade(const http::response_head& head, std::string_view protocol) noexcept {
    const auto upgrade = head.fields.find(http::field_id::upgrade);
    return upgrade && head.fields.count(http::field_id::upgrade) == 1 &&
           http::equal_nocase(trim(*upgrade), protocol) &&
           head.fields.has_token(http::field_id::connection, "upgrade");
}

bool may_be_shared(const http::request_head& request,
                   const http::response_head& response) noexcept {
    return !ties_connection(response.fields, http::field_id::www_authenticate) &&
           !ties_connection(response.fields, http::field_id::proxy_authenticate) &&
           !ties_connection(request.fields, http::field_id::authorization);
}

std::optional<std::chrono::seconds> keep_alive_timeout(const http::response_head& head) noexcept {
    const auto value = head.fields.find(http::field_id::keep_alive);
    if (!value)
        return std::nullopt;
    constexpr std::string_view key = "timeout=";
    for (std::string_view rest = *value; !rest.empty();) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = trim(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        if (!http::equal_nocase(item.substr(0, key.size()), key))
            continue;
        const std::string_view digits = item.substr(key.size());
        std::uint32_t seconds = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        const bool whole = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
        if (whole && !digits.empty())
            return std::chrono::seconds(seconds);
    }
    return std::nullopt;
}

}  // namespace penstock::upstream
