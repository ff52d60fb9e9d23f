#include "proxy/compiled_route.hpp"

#include "penstock/http/fields.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

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

// In normal form.
bool has_escaped_separator(std::string_view path) noexcept {
    return path.find("%2F") != std::string_view::npos || path.find("%5C") != std::string_view::npos;
}

bool is_alike(std::string_view name, std::string_view other) {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    return http::equal_nocase(dashed, other);
}

// Whether http::set_forwarding writes or drops fields of that name, in either spelling of '-'.
bool is_of_story(std::string_view name, const config::client_address& by) {
    constexpr std::string_view family = "x-forwarded-";
    constexpr std::array<std::string_view, 4> others = {"forwarded", "x-real-ip", "client-cert",
                                                        "client-cert-chain"};
    return is_alike(name.substr(0, family.size()), family) || is_alike(name, by.from) ||
           is_alike(name, by.scheme) ||
           std::any_of(others.begin(), others.end(),
                       [name](std::string_view other) { return is_alike(name, other); });
}

}  // namespace

compiled_route::compiled_route(const config::route& from, const config::model& in)
    : settings(from),
      targets(targets_of(from, in)),
      request_edits(from.request_headers, text_place::request_header),
      response_edits(from.response_headers, text_place::response_header),
      escaped_path(has_escaped_separator(from.match.path)) {
    if (rewrites_anything(from.rewrite))
        rewrites.emplace(from);
    if (from.redirection)
        redirects.emplace(*from.redirection);
    if (from.reply)
        reply_body = text_pattern(from.reply->body, text_place::body);
    std::vector<std::string> read;
    if (rewrites)
        rewrites->add_fields_read(read);
    if (redirects)
        redirects->add_fields_read(read);
    reply_body.add_fields_read(read);
    request_edits.add_fields_read(read);
    response_edits.add_fields_read(read);
    reads_story = std::any_of(read.begin(), read.end(), [&in](const std::string& name) {
        return is_of_story(name, in.client_address);
    });
    if (forwards())
        fields_read = std::move(read);
}

const route_target& compiled_route::target(std::uint32_t draw) const noexcept {
    const auto found = std::find_if(targets.begin(), targets.end(),
                                    [&](const route_target& one) { return draw < one.until; });
    return found != targets.end() ? *found : targets.back();
}

}  // namespace penstock::proxy
