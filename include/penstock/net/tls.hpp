// TLS contexts: everything compiled from a certificate or trust configuration, shared by the
// connections of one worker. OpenSSL stays behind this header and net/stream.
#pragma once

#include "penstock/base/error.hpp"

#include <memory>
#include <string>
#include <vector>

namespace penstock::net {

struct tls_server_options {
    std::string certificate_pem;  // chain, leaf first (text, not a path)
    std::string key_pem;
    std::string min_version = "1.2";  // "1.2" or "1.3"
    std::vector<std::string> alpn = {"http/1.1"};
};

struct tls_client_options {
    bool verify = true;
    std::string ca_pem;  // trusted roots (text); empty = the system's store
    std::vector<std::string> alpn = {"http/1.1"};
};

class tls_context {
 public:
    // On failure `message` says what OpenSSL disliked, in one line.
    [[nodiscard]] static result<std::unique_ptr<tls_context>> server(
        const tls_server_options& options, std::string& message);
    [[nodiscard]] static result<std::unique_ptr<tls_context>> client(
        const tls_client_options& options, std::string& message);
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    struct implementation;
    [[nodiscard]] implementation& impl() noexcept { return *impl_; }

 private:
    explicit tls_context(std::unique_ptr<implementation> impl) noexcept;
    std::unique_ptr<implementation> impl_;
};

// A fresh P-256 key and a certificate for `names` (DNS names or addresses), valid for 30 days.
struct self_signed {
    std::string certificate_pem;
    std::string key_pem;
};
[[nodiscard]] result<self_signed> make_self_signed(const std::vector<std::string>& names);

// When a PEM chain's leaf ends, in seconds since the epoch; an error if it cannot be read.
[[nodiscard]] result<std::int64_t> certificate_not_after(const std::string& certificate_pem);

}  // namespace penstock::net
