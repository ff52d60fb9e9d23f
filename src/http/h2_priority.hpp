// h2_priority: the Priority field of a request (RFC 9218 §4): in which order the responses of one
// connection leave.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::http {

struct h2_priority {
    std::uint8_t urgency = 3;  // 0 leaves first, 7 last
    bool incremental = false;  // takes turns with others of its urgency
};

// A field that cannot be read leaves what is there, a member that is no value of its key stands for
// the default, and others are passed over (RFC 9218 §4): a bad hint is no reason to refuse a
// request.
void read_priority(std::string_view field, h2_priority& into) noexcept;

}  // namespace penstock::http
