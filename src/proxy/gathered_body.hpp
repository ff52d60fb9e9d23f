// Coalesces a response body that comes in small pieces: nothing goes to the client before `bytes`
// are together, `interval` has passed since the first of them came, or the body ends.
#pragma once

#include "penstock/config/model.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/net/worker.hpp"

#include <memory>

namespace penstock::proxy {

[[nodiscard]] std::unique_ptr<exchange::body_source> make_gathered_body(
    std::unique_ptr<exchange::body_source> inner, const config::flush& by, net::worker& home);

// Responses that live from being seen at once: event streams and gRPC.
[[nodiscard]] bool wants_every_piece(const http::response_head& head) noexcept;

}  // namespace penstock::proxy
