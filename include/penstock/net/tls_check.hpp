// What can be said of TLS files before anybody is served with them: for `check`, and for the log of
// a load. Contexts do not ask these; they find the same out for themselves.
#pragma once

#include "penstock/base/error.hpp"
#include "penstock/net/tls.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::net {

// A setting that no context can be made of.
struct tls_fault {
    std::string key;      // of the configuration's `tls` section: "ciphers", "client_ca"
    std::string message;  // what is wrong with it, in one line
    std::string hint;     // or empty
};

// Of what a listener says besides its certificates; all of them.
[[nodiscard]] std::vector<tls_fault> server_faults(const tls_server_options& of);
// Of what an upstream trusts and shows.
[[nodiscard]] std::optional<tls_fault> client_fault(const tls_client_options& of);

// What is wrong with a chain and its key, in one line that begins with "certificate: " or
// "private key: "; empty = nothing.
[[nodiscard]] std::string certificate_problem(const tls_certificate& of);

// Why the OCSP response is not stapled at `now`, in seconds since the epoch; empty = it is, or
// there is none.
[[nodiscard]] std::string staple_problem(const tls_certificate& of, std::int64_t now);

// When the first of a PEM text's revocation lists ends, in seconds since the epoch; an error if
// none can be read or none has an end.
[[nodiscard]] result<std::int64_t> revocation_list_end(const std::string& pem);

// The file and the directories that a client's context trusts which is given no roots of its own:
// OpenSSL's, or those that SSL_CERT_FILE and SSL_CERT_DIR name. Some may not be there.
[[nodiscard]] std::vector<std::string> system_trust();

}  // namespace penstock::net
