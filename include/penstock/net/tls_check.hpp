// What can be said of TLS files before anybody is served with them: for `check`, and for the log of
// a load. Contexts do not ask these; they find the same out for themselves.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/net/tls.hpp"

#include <cstdint>
#include <string>

namespace penstock::net {

// What OpenSSL dislikes about a chain and its key, in one line; empty = nothing.
[[nodiscard]] std::string certificate_problem(const tls_certificate& of);

// Why the OCSP response is not stapled at `now`, in seconds since the epoch; empty = it is, or
// there is none.
[[nodiscard]] std::string staple_problem(const tls_certificate& of, std::int64_t now);

// When the first of a PEM text's revocation lists ends, in seconds since the epoch; an error if
// none can be read or none has an end.
[[nodiscard]] result<std::int64_t> revocation_list_end(const std::string& pem);

}  // namespace penstock::net
