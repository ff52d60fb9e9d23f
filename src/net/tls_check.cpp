#include "penstock/net/tls_check.hpp"

#include "net/tls_material.hpp"
#include "net/tls_staple.hpp"
#include "penstock/net/error.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

namespace penstock::net {

std::string certificate_problem(const tls_certificate& of) {
    ERR_clear_error();
    const ssl_context_ptr context(SSL_CTX_new(TLS_server_method()));
    if (!context)
        return openssl_failure("no TLS context");
    // What is too weak is the affair of the listener's `ciphers`.
    SSL_CTX_set_security_level(context.get(), 0);
    const certificate_ptr leaf = read_leaf(of.chain_pem);
    if (!leaf)
        return openssl_failure("certificate");
    if (!is_key_of(leaf.get(), of.key_pem))
        return openssl_failure("private key");
    if (!use_chain(context.get(), nullptr, of.chain_pem))
        return openssl_failure("certificate");
    if (!use_key(context.get(), nullptr, of.key_pem))
        return openssl_failure("private key");
    return {};
}

std::string staple_problem(const tls_certificate& of, std::int64_t now) {
    if (of.ocsp.empty())
        return {};
    const certificate_ptr leaf = read_leaf(of.chain_pem);
    if (!leaf)
        return openssl_failure("certificate");
    std::string why;
    const std::optional<tls_staple> staple = read_staple(of.ocsp, leaf.get(), why);
    if (!staple)
        return why;
    if (staple->good_at(now))
        return {};
    return now < staple->until ? "it is of a time to come" : "it has expired";
}

result<std::int64_t> revocation_list_end(const std::string& pem) {
    ERR_clear_error();
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (const crl_ptr& each : read_lists(pem, nullptr)) {
        const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(each.get());
        const std::optional<std::int64_t> end = next != nullptr ? seconds_of(next) : std::nullopt;
        first = std::min(first, end.value_or(first));
    }
    ERR_clear_error();
    if (first == std::numeric_limits<std::int64_t>::max())
        return error(errc::tls_failed);
    return first;
}

std::vector<std::string> system_trust() {
    const auto named = [](const char* variable, const char* ours) {
        const char* const set = std::getenv(variable);
        return std::string(set != nullptr ? set : ours);
    };
    std::vector<std::string> found{
        named(X509_get_default_cert_file_env(), X509_get_default_cert_file())};
    const std::string directories =
        named(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    std::string one;
    for (const char c : directories + ':') {
        if (c != ':')
            one += c;
        else if (!one.empty())
            found.push_back(std::exchange(one, std::string()));
    }
    return found;
}

}  // namespace penstock::net
