#include "proxy/redirection.hpp"

#include "penstock/http/target.hpp"

#include <algorithm>
#include <cstdint>

namespace penstock::proxy {
namespace {

using config::text_place;

std::string_view default_port(std::string_view scheme) noexcept {
    return scheme == "https" ? "443" : "80";
}

// Browsers read both as a slash.
constexpr std::string_view slashes = "/\\";

// The path behind `at` begins with one slash: with two it would be read as a host.
void begin_path(std::string& url, std::size_t at) {
    const std::size_t end = std::min(url.find_first_not_of(slashes, at), url.size());
    url.erase(at, end - at);
    url.insert(at, 1, '/');
}

bool is_host(std::string_view text) {
    std::string normal;
    return http::normalize_authority(text, normal).has_value();
}

}  // namespace

void stay_on_host(std::string& url) {
    const std::size_t scheme = url.find("://");
    const bool path = url.empty() || slashes.find(url.front()) != std::string_view::npos;
    if (!path && scheme != std::string::npos) {
        const std::size_t host = scheme + 3;
        if (host < url.size() &&
            std::string_view("/\\?#").find(url[host]) == std::string_view::npos)
            return;
        url.erase(0, host);
    }
    begin_path(url, 0);
}

redirection::redirection(const config::redirect& from)
    : status_(from.status),
      whole_(!from.to.empty()),
      url_(from.to, text_place::url),
      scheme_(from.scheme.value_or("")),
      port_(from.port ? std::to_string(*from.port) : ""),
      requests_port_("${port}", text_place::url_host),
      host_(from.host.value_or("${host}"), text_place::url_host),
      path_(from.path.value_or("${path}"), text_place::url_path),
      query_(from.query.value_or("${query}"), text_place::url_query),
      checks_host_(from.host && !host_.is_literal()) {}

void redirection::add_fields_read(std::vector<std::string>& to) const {
    for (const text_pattern* const one : {&url_, &host_, &path_, &query_})
        one->add_fields_read(to);
}

void redirection::write(const text_facts& of, std::string& to) const {
    to.clear();
    if (whole_) {
        url_.expand(of, to);
        stay_on_host(to);
        return;
    }
    write_authority(of, to);
    const std::size_t path = to.size();
    path_.expand(of, to);
    // The whole server's `*` has no path.
    if (std::string_view(to).substr(path) == "*")
        to.resize(path);
    begin_path(to, path);
    const std::size_t query = to.size();
    query_.expand(of, to);
    if (to.size() > query && to[query] != '?')
        to.insert(query, 1, '?');
}

void redirection::write_authority(const text_facts& of, std::string& to) const {
    const std::string_view scheme = scheme_.empty() ? of.request.head.scheme : scheme_;
    to.append(scheme).append("://");
    const std::size_t begin = to.size();
    host_.expand(of, to);
    const std::size_t end = to.size();
    // A path alone says: the host that was asked. What variables make no host of is none.
    if (end == begin || (checks_host_ && !is_host(std::string_view(to).substr(begin)))) {
        to.clear();
        return;
    }
    to += ':';
    if (!port_.empty())
        to += port_;
    else if (scheme == of.request.head.scheme)
        requests_port_.expand(of, to);
    const std::string_view port = std::string_view(to).substr(end + 1);
    if (port.empty() || port == default_port(scheme))
        to.resize(end);
}

}  // namespace penstock::proxy
