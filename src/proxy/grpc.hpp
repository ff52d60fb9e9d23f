// What gRPC over HTTP/2 expects of a proxy (the protocol's "gRPC over HTTP2"): failures as
// grpc-status and not as HTTP statuses, also behind a response that has begun, and the client's
// deadline kept.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/proxy/failure.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace penstock::proxy {

// A call over HTTP/2; over HTTP/1 nobody could read trailers.
[[nodiscard]] bool is_grpc_call(const http::request_head& head) noexcept;

// "100m" → 100 ms; nothing for what is no timeout. At most eight digits and a unit of H M S m u n.
[[nodiscard]] std::optional<nanoseconds> parse_grpc_timeout(std::string_view text) noexcept;

// 14 (unavailable) for what an origin failed to do, 4 for a deadline, 8 for a limit of ours, and so
// on: the numbers of gRPC's status codes.
[[nodiscard]] int grpc_status_of(exchange::reason why) noexcept;

// A response of fields alone, which is how a call ends that has not begun to answer.
[[nodiscard]] exchange::response make_grpc_reply(const own_reply& about);

// The body of a call's response: where the origin's breaks off, trailers of our own tell why.
[[nodiscard]] std::unique_ptr<exchange::body_source> make_grpc_body(
    std::unique_ptr<exchange::body_source> inner, exchange::record& record);

}  // namespace penstock::proxy
