#include "proxy/location_rewrite.hpp"

#include "penstock/http/fields.hpp"

#include <algorithm>
#include <cstdint>

namespace penstock::proxy {
namespace {

using http::field_id;

struct split_authority {
    std::string_view host;
    std::string_view port;  // empty = none is named
};

split_authority host_and_port(std::string_view authority) noexcept {
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos)
        return {authority, {}};
    return {authority.substr(0, colon), authority.substr(colon + 1)};
}

std::string_view port_or_default(std::string_view port, std::string_view scheme) noexcept {
    if (!port.empty())
        return port;
    return scheme == "https" ? "443" : "80";
}

// How long the beginning of `url` is that names the endpoint: "http://10.0.0.2:8080"; 0 if none
// does.
std::size_t names_endpoint(std::string_view url, const origin_names& by) noexcept {
    const std::size_t start = by.scheme.size() + 3;
    if (url.size() <= start || !http::equal_nocase(url.substr(0, by.scheme.size()), by.scheme) ||
        url.substr(by.scheme.size(), 3) != "://")
        return 0;
    // A Refresh has its URL in quotes, perhaps.
    const std::size_t end = std::min(url.find_first_of("/?#\"' \t", start), url.size());
    const split_authority named = host_and_port(url.substr(start, end - start));
    const split_authority own = host_and_port(by.endpoint);
    const bool same =
        http::equal_nocase(named.host, own.host) &&
        port_or_default(named.port, by.scheme) == port_or_default(own.port, by.scheme);
    return same ? end : 0;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
    return std::min(text.find_first_not_of(" \t", at), text.size());
}

void rewrite_field(http::fields& of, const http::fields::field& one, const origin_names& by,
                   std::string& scratch) {
    const std::size_t at = one.id == field_id::refresh ? url_in_refresh(one.value) : 0;
    const std::size_t length = names_endpoint(one.value.substr(at), by);
    if (length == 0)
        return;
    scratch.assign(one.value.substr(0, at));
    if (!by.client_authority.empty())
        scratch.append(by.client_scheme).append("://").append(by.client_authority);
    const std::string_view rest = one.value.substr(at + length);
    if (by.client_authority.empty() && !rest.starts_with('/'))
        scratch += '/';
    scratch += rest;
    of.set(std::string(one.name), scratch);
}

}  // namespace

std::size_t url_in_refresh(std::string_view value) noexcept {
    const std::size_t semicolon = value.find_first_of(";,");
    if (semicolon == std::string_view::npos)
        return value.size();
    std::size_t at = skip_blanks(value, semicolon + 1);
    if (!http::equal_nocase(value.substr(at, 3), "url"))
        return value.size();
    at = skip_blanks(value, at + 3);
    if (at == value.size() || value[at] != '=')
        return value.size();
    at = skip_blanks(value, at + 1);
    const bool quoted = at < value.size() && (value[at] == '"' || value[at] == '\'');
    return quoted ? at + 1 : at;
}

bool names_location(const http::response_head& of) noexcept {
    return of.fields.may_have(field_id::location) ||
           of.fields.may_have(field_id::content_location) || of.fields.may_have(field_id::refresh);
}

void rewrite_locations(http::response_head& of, const origin_names& by, std::string& scratch) {
    for (const field_id id : {field_id::location, field_id::content_location, field_id::refresh}) {
        if (!of.fields.may_have(id))
            continue;
        for (const http::fields::field one : of.fields) {
            if (one.id != id)
                continue;
            // Which changes what `one` points to.
            rewrite_field(of.fields, one, by, scratch);
            break;
        }
    }
}

}  // namespace penstock::proxy
