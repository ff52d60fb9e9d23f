// Endpoints that cannot be meant.
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <string_view>

namespace penstock::config {

namespace {

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "[::1]" || host == "localhost" ||
           host.ends_with(".localhost");
}

bool is_wildcard(std::string_view host) {
    return host == "*" || host == "0.0.0.0" || host == "[::]";
}

// What can be known without asking the machine for its addresses. A name of another kind may lead
// anywhere.
bool reaches(const address& endpoint, const address& bound) {
    const bool unix_socket = bound.host.starts_with("unix:");
    if ((bound.port == 0 && !unix_socket) || endpoint.port != bound.port) {
        return false;
    }
    if (endpoint.host == bound.host) {
        return true;
    }
    if (endpoint.host == "localhost") {
        return is_loopback(bound.host) || is_wildcard(bound.host);
    }
    return is_wildcard(bound.host) && (is_loopback(endpoint.host) || is_wildcard(endpoint.host));
}

const listener* reached_by(const address& endpoint, const std::vector<listener>& listeners) {
    const auto found =
        std::find_if(listeners.begin(), listeners.end(), [&endpoint](const listener& one) {
            return std::any_of(one.bind.begin(), one.bind.end(), [&endpoint](const address& bound) {
                return reaches(endpoint, bound);
            });
        });
    return found == listeners.end() ? nullptr : &*found;
}

}  // namespace

void check_own_listeners(reader& in, const std::vector<listener>& listeners,
                         const std::vector<upstream>& upstreams) {
    for (const upstream& one : upstreams) {
        for (const endpoint& each : one.endpoints) {
            const listener* const own = reached_by(each.at, listeners);
            if (own != nullptr) {
                in.error(each.where,
                         in_quotes(format_address(each.at)) + " is our own listener " +
                             in_quotes(own->name),
                         "an endpoint is the origin behind us; requests would come back for ever");
            }
        }
    }
}

}  // namespace penstock::config
