#include "penstock/exchange/websocket_key.hpp"

#include "penstock/net/digest.hpp"

namespace penstock::exchange {

std::string make_websocket_key() {
    constexpr std::size_t key_size = 16;
    return net::random_base64(key_size);
}

std::string websocket_accept(std::string_view key) {
    return net::sha1_base64(std::string(key).append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

}  // namespace penstock::exchange
