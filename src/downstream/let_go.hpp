// Responses that nobody gets.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/task.hpp"

namespace penstock::downstream {

inline constexpr int status_gone = 499;  // of an exchange whose client left before its answer
inline constexpr int status_unsent = 0;  // of an exchange that we ended before it had an answer

// Ends what the handler still runs for a response, if it has a body. `of` must outlive it.
[[nodiscard]] net::task<> let_go(exchange::response& of);

}  // namespace penstock::downstream
