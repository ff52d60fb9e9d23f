// What can be said of a request's head that was refused: for logs, and for those who may know. It
// looks at the bytes once more, after the fact, so that good heads cost nothing. Nothing of it is
// trusted, routed by or forwarded.
#pragma once

#include "penstock/http/error.hpp"

#include <string>
#include <string_view>

namespace penstock::http {

// Views into the bytes of an HTTP/1 head, as sent; empty for what is not among them.
struct head_glance {
    std::string_view method;
    std::string_view target;
    std::string_view host;
    std::string_view user_agent;
};
[[nodiscard]] head_glance glance_at(std::string_view received) noexcept;

// What is known of the head: `received` are the bytes of one of HTTP/1, from its first on.
struct refused_head {
    std::string_view received;
    std::string_view target;
};
// The rule that was broken and where, "encoded NUL in path": in our own words, visible ASCII and
// spaces without quotes, at most `explained_max` bytes. No byte of what was received is among them.
inline constexpr std::size_t explained_max = 80;
[[nodiscard]] std::string explain(error why, const refused_head& of);

}  // namespace penstock::http
