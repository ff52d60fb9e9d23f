// The mark of one request, carried in its target and repeated by the origin: `q`, the payload's
// index, the request's place in it, and a check sum. A mark that a mutation touched is none any
// more, so a whole mark that belongs to another payload can only be a leak.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::campaign {

struct identity {
    std::uint32_t index = 0;
    std::uint32_t part = 0;  // 0 … 15
    bool operator==(const identity&) const = default;
};

[[nodiscard]] std::string mark_of(identity of);
// The first whole mark in a text.
[[nodiscard]] std::optional<identity> find_mark(std::string_view text);
// All of them, in order.
[[nodiscard]] std::vector<identity> find_marks(std::string_view text);

}  // namespace penstock::campaign
