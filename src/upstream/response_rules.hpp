// What a response head means for the connection that it came on. Pure.
#pragma once

#include "penstock/http/message.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace penstock::upstream {

// True if a 101 really switches to this protocol: it alone in Upgrade, and the Connection token.
[[nodiscard]] bool accepts_upgrade(const http::response_head& head,
                                   std::string_view protocol) noexcept;

// False if the exchange ties the connection to its client: NTLM and Negotiate authenticate
// connections, not requests, so nobody else may ride on it.
[[nodiscard]] bool may_be_shared(const http::request_head& request,
                                 const http::response_head& response) noexcept;

// `timeout` of the Keep-Alive field, if there is one.
[[nodiscard]] std::optional<std::chrono::seconds> keep_alive_timeout(
    const http::response_head& head) noexcept;

}  // namespace penstock::upstream
