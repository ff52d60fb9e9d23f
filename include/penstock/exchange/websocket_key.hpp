// The handshake of a websocket over HTTP/1 (RFC 6455 §4), for hops where the other side speaks
// HTTP/2 and has none (RFC 8441 §5): a request to an HTTP/1 origin gets a key of our own, an answer
// to an HTTP/1 client the proof that its key was seen. Between two HTTP/1 sides both just pass.
#pragma once

#include <string>
#include <string_view>

namespace penstock::exchange {

inline constexpr std::string_view websocket_key_name = "Sec-WebSocket-Key";
inline constexpr std::string_view websocket_accept_name = "Sec-WebSocket-Accept";

// 16 random bytes in base64.
[[nodiscard]] std::string make_websocket_key();
// What the server makes of a client's key (RFC 6455 §4.2.2).
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace penstock::exchange
