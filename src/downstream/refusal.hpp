// Which reason token an error of the client's side stands for. Pure; statuses are the handler's.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/exchange/reason.hpp"

namespace penstock::downstream {

// An error met while a request's head was read and understood.
[[nodiscard]] exchange::reason reason_of_head(error why) noexcept;

// An error of the client's connection while the exchange was being served.
[[nodiscard]] exchange::reason reason_of_client(error why) noexcept;

}  // namespace penstock::downstream
