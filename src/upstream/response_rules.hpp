// What a response head means for the connection that it came on. Pure.
#pragma once

#include "penstock/http/message.hpp"

#include <chrono>
#include <optional>

namespace penstock::upstream {

// True if a 101 really begins a websocket: `Upgrade: websocket` and the Connection token.
[[nodiscard]] bool accepts_websocket(const http::response_head& head) noexcept;

// False if the exchange ties the connection to its client: NTLM and Negotiate authenticate
// connections, not requests, so nobody else may ride on it.
[[nodiscard]] bool may_be_shared(const http::request_head& request,
                                 const http::response_head& response) noexcept;

// `timeout` of the Keep-Alive field, if there is one.
[[nodiscard]] std::optional<std::chrono::seconds> keep_alive_timeout(
    const http::response_head& head) noexcept;

}  // namespace penstock::upstream
