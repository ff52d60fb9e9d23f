// Responses that nobody gets.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/task.hpp"

namespace penstock::downstream {

inline constexpr int status_gone = 499;  // what handlers answer to nobody

// Ends what the handler still runs for a response, if it has a body. `of` must outlive it.
[[nodiscard]] net::task<> let_go(exchange::response& of);

}  // namespace penstock::downstream
