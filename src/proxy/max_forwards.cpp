#include "proxy/max_forwards.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace penstock::proxy {

hops count_hop(http::request_head& of) {
    constexpr http::field_id id = http::field_id::max_forwards;
    if (of.verb != http::method::options || of.fields.count(id) == 0)
        return hops::onward;
    const std::string_view text = *of.fields.find(id);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (of.fields.count(id) > 1 || text.empty() || !std::all_of(text.begin(), text.end(), digit))
        return hops::malformed;
    // A number too large for us becomes the largest that we know.
    std::uint32_t left = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), left);
    if (parsed.ec == std::errc::result_out_of_range)
        left = std::numeric_limits<std::uint32_t>::max();
    if (left == 0)
        return hops::last;
    of.fields.set("Max-Forwards", std::to_string(left - 1));
    return hops::onward;
}

}  // namespace penstock::proxy
