// What OpenSSL's error says about a handshake that failed.
#pragma once

#include "penstock/net/tls_failure.hpp"

namespace penstock::net {

// `code` is the oldest error of the queue, `verdict` that of the peer's chain.
[[nodiscard]] tls_failure diagnose_handshake(unsigned long code, long verdict) noexcept;

}  // namespace penstock::net
