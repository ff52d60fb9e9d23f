// Endpoints that cannot be meant.
#include "config/loaders.hpp"
#include "config/names.hpp"
#include "config/text.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace penstock::config {

namespace {

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "[::1]" || host == "localhost" ||
           host.ends_with(".localhost");
}

bool is_wildcard(std::string_view host) {
    return host == "*" || host == "0.0.0.0" || host == "[::]";
}

// What is bound, to be found by an endpoint. What can be known without asking the machine for its
// addresses: a name of another kind may lead anywhere.
class bound_listeners {
 public:
    explicit bound_listeners(const std::vector<listener>& listeners) {
        for (const listener& one : listeners) {
            for (const address& at : one.bind) {
                add(one, at);
            }
        }
    }

    // The listener that a connection to this address comes to, or null.
    [[nodiscard]] const listener* reached_by(const address& endpoint) const {
        const bool local = is_loopback(endpoint.host) || is_wildcard(endpoint.host);
        if (const auto found = exact_.find(format_address(endpoint)); found != exact_.end()) {
            return found->second;
        }
        if (endpoint.host == "localhost") {
            if (const auto found = loopback_.find(endpoint.port); found != loopback_.end()) {
                return found->second;
            }
        }
        const auto found = local ? wildcard_.find(endpoint.port) : wildcard_.end();
        return found == wildcard_.end() ? nullptr : found->second;
    }

 private:
    void add(const listener& of, const address& at) {
        if (at.port == 0 && !is_unix(at)) {
            return;
        }
        exact_.emplace(format_address(at), &of);
        if (is_wildcard(at.host)) {
            wildcard_.emplace(at.port, &of);
        } else if (is_loopback(at.host)) {
            loopback_.emplace(at.port, &of);
        }
    }

    std::unordered_map<std::string, const listener*> exact_;
    std::unordered_map<std::uint16_t, const listener*> loopback_;
    std::unordered_map<std::uint16_t, const listener*> wildcard_;
};

}  // namespace

void check_own_listeners(reader& in, const std::vector<listener>& listeners,
                         const std::vector<upstream>& upstreams) {
    const bound_listeners bound(listeners);
    for (const upstream& one : upstreams) {
        for (const endpoint& each : one.endpoints) {
            const listener* const own = bound.reached_by(each.at);
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
