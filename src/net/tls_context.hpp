// What stands behind net/tls's tls_context: an SSL_CTX and what its callbacks look at. Shared with
// tls_session and nobody else.
#pragma once

#include "net/openssl.hpp"
#include "penstock/net/tls.hpp"

#include <string>
#include <vector>

namespace penstock::net {

struct tls_context::implementation {
    ssl_context_ptr context;
    std::vector<std::string> alpn;  // in our order of preference
    bool verifies = false;          // the peer's chain and name are checked
};

}  // namespace penstock::net
