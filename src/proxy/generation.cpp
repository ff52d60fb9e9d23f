#include "penstock/proxy/handler.hpp"

#include "proxy/compiled_route.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

namespace penstock::proxy {
namespace {

std::string make_instance_name() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::random_device source;
    std::string made = "penstock-";
    for (unsigned word = source(), i = 0; i < 8; ++i, word >>= 4)
        made += digits[word & 0xf];
    return made;
}

exchange::client_rules::settings client_settings(const config::model& model) {
    exchange::client_rules::settings made;
    made.from = model.client_address.from;
    made.scheme = model.client_address.scheme;
    for (const config::network& one : model.trust) {
        if (one.unix_peers) {
            made.unix_peers = true;
            continue;
        }
        exchange::client_rules::network& network = made.networks.emplace_back();
        std::copy(std::begin(one.bytes), std::end(one.bytes), network.bytes);
        network.prefix = one.prefix;
    }
    return made;
}

}  // namespace

const std::string& instance_name() {
    static const std::string made = make_instance_name();
    return made;
}

generation::generation(std::uint64_t number, config::model from)
    : id(number),
      model(std::move(from)),
      router(model.routes),
      clients(client_settings(model)),
      via(instance_name()) {
    for (const config::route& route : model.routes) {
        route_ids.push_back(intern_name(route.name));
        const auto& made = compiled.emplace_back(std::make_shared<compiled_route>(route, model));
        routes_by_id.emplace(route_ids.back(), made.get());
        upstreams.push_back(made->forwards() ? made->targets.front().upstream : npos);
    }
}

const compiled_route* generation::route_of(name_id name) const noexcept {
    const auto found = routes_by_id.find(name);
    return found == routes_by_id.end() ? nullptr : found->second;
}

}  // namespace penstock::proxy
