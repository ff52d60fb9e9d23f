#include "proxy/redirection.hpp"

#include <cstdint>

namespace penstock::proxy {
namespace {

using config::text_place;

std::string_view default_port(std::string_view scheme) noexcept {
    return scheme == "https" ? "443" : "80";
}

}  // namespace

redirection::redirection(const config::redirect& from)
    : status_(from.status),
      whole_(!from.to.empty()),
      url_(from.to, text_place::url),
      scheme_(from.scheme.value_or("")),
      port_(from.port ? std::to_string(*from.port) : ""),
      requests_port_("${port}", text_place::url_host),
      host_(from.host.value_or("${host}"), text_place::url_host),
      path_(from.path.value_or("${path}"), text_place::url_path),
      query_(from.query.value_or("${query}"), text_place::url_query) {}

void redirection::write(const text_facts& of, std::string& to) const {
    to.clear();
    if (whole_) {
        url_.expand(of, to);
        return;
    }
    write_authority(of, to);
    const std::size_t path = to.size();
    path_.expand(of, to);
    // The whole server's `*` has no path.
    if (std::string_view(to).substr(path) == "*")
        to.resize(path);
    if (to.size() == path || to[path] != '/')
        to.insert(path, 1, '/');
    const std::size_t query = to.size();
    query_.expand(of, to);
    if (to.size() > query && to[query] != '?')
        to.insert(query, 1, '?');
}

void redirection::write_authority(const text_facts& of, std::string& to) const {
    const std::string& asked = of.request.head.scheme;
    const std::string& scheme = scheme_.empty() ? asked : scheme_;
    to.append(scheme).append("://");
    host_.expand(of, to);
    const std::size_t end = to.size();
    to += ':';
    if (!port_.empty())
        to += port_;
    else if (scheme == asked)
        requests_port_.expand(of, to);
    const std::string_view port = std::string_view(to).substr(end + 1);
    if (port.empty() || port == default_port(scheme))
        to.resize(end);
}

}  // namespace penstock::proxy
