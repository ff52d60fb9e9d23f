// response_plan: how a response is put on an HTTP/1 connection, decided from values alone: which
// framing, whether body bytes follow, whether the connection lives on (RFC 9112 §6.3, §9.3).
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h1_head.hpp"

#include <optional>
#include <string_view>

namespace penstock::downstream {

struct response_plan {
    http::response_encoding encoding;
    bool sends_body = false;  // the bytes of response.body follow the head
};

// What counts of the request; the handler may have edited its head since.
struct asked {
    // Nothing if it could not be read, or nobody has looked.
    std::optional<http::method> verb;
    http::version version = http::version::http_1_1;
    std::string_view upgrade = {};  // the protocol that a 101 switches to
};

// `keep_alive` is what both sides would like; a body that only a close can end overrules it. Where
// the method is not known there is no body: after HEAD it would be the next response.
[[nodiscard]] response_plan plan_response(const asked& by, const exchange::response& with,
                                          bool keep_alive);

}  // namespace penstock::downstream
