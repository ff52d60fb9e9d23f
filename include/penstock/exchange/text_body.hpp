// A body whose bytes are all there from the start: replies of our own, admin pages.
#pragma once

#include "penstock/exchange/exchange.hpp"

#include <memory>
#include <string>

namespace penstock::exchange {

// Null for an empty text without trailers, which is how a response says that it has no body.
[[nodiscard]] std::unique_ptr<body_source> make_text_body(std::string text,
                                                          http::fields trailers = {});

}  // namespace penstock::exchange
