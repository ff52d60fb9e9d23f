// compiled_route: a route of one generation in the form in which requests need it: texts in their
// pieces, upstreams as numbers. A part that the route does not use is empty.
#pragma once

#include "penstock/proxy/handler.hpp"
#include "proxy/head_edits.hpp"
#include "proxy/redirection.hpp"
#include "proxy/rewriting.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::proxy {

// The upstreams of a route, each with its share of the requests.
struct route_target {
    std::size_t upstream = 0;  // index in the model
    std::uint32_t until = 0;   // its weight and those before it
    bool via = false;
    bool rewrites_location = true;
};

struct compiled_route {
    // Both outlive this object.
    compiled_route(const config::route& from, const config::model& in);

    [[nodiscard]] bool forwards() const noexcept { return !targets.empty(); }
    // By a number below weights(), which is at least 1 where there is a target.
    [[nodiscard]] const route_target& target(std::uint32_t draw) const noexcept;
    [[nodiscard]] std::uint32_t weights() const noexcept { return targets.back().until; }

    const config::route& settings;
    std::vector<route_target> targets;  // empty = the route answers itself
    head_edits request_edits;
    head_edits response_edits;
    std::optional<rewriting> rewrites;
    std::optional<redirection> redirects;
    text_pattern reply_body;
    // Of a route that forwards: the request's fields that its texts read. They have to be kept
    // before the head is made what the origin is to see.
    std::vector<std::string> fields_read;
    // Some text reads a field in which origins are told of the client.
    bool reads_story = false;
    // The path to match has escaped separators.
    bool escaped_path = false;
};

}  // namespace penstock::proxy
