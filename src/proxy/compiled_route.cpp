#include "proxy/compiled_route.hpp"

#include <algorithm>
#include <string>

namespace penstock::proxy {
namespace {

using config::text_place;

std::vector<route_target> targets_of(const config::route& from, const config::model& in) {
    std::vector<config::split_share> shares = from.split;
    if (!from.upstream.empty())
        shares.push_back({from.upstream, 1, {}});
    std::vector<route_target> made;
    std::uint32_t sum = 0;
    for (const config::split_share& share : shares) {
        const auto found =
            std::find_if(in.upstreams.begin(), in.upstreams.end(),
                         [&](const config::upstream& one) { return one.name == share.upstream; });
        if (found == in.upstreams.end() || share.weight == 0)
            continue;
        sum += share.weight;
        made.push_back({static_cast<std::size_t>(found - in.upstreams.begin()), sum,
                        from.via.value_or(found->via),
                        from.rewrite_location.value_or(found->rewrite_location)});
    }
    return made;
}

bool rewrites_anything(const config::rewrite& from) noexcept {
    return from.strip_prefix || from.prefix || from.path || from.host;
}

}  // namespace

compiled_route::compiled_route(const config::route& from, const config::model& in)
    : settings(from),
      targets(targets_of(from, in)),
      request_edits(from.request_headers, text_place::request_header),
      response_edits(from.response_headers, text_place::response_header) {
    if (rewrites_anything(from.rewrite))
        rewrites.emplace(from);
    if (from.redirection)
        redirects.emplace(*from.redirection);
    if (from.reply)
        reply_body = text_pattern(from.reply->body, text_place::body);
    if (!forwards())
        return;
    if (rewrites)
        rewrites->add_fields_read(fields_read);
    request_edits.add_fields_read(fields_read);
    response_edits.add_fields_read(fields_read);
}

const route_target& compiled_route::target(std::uint32_t draw) const noexcept {
    const auto found = std::find_if(targets.begin(), targets.end(),
                                    [&](const route_target& one) { return draw < one.until; });
    return found != targets.end() ? *found : targets.back();
}

}  // namespace penstock::proxy
