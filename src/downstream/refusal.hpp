// Which reason token a fault of a request's head stands for. Pure; statuses are the handler's.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/exchange/reason.hpp"

namespace penstock::downstream {

// An error met while a request's head was read and understood.
[[nodiscard]] exchange::reason reason_of_head(error why) noexcept;

}  // namespace penstock::downstream
