#include "penstock/net/tls_check.hpp"

#include "net/tls_material.hpp"
#include "net/tls_staple.hpp"
#include "penstock/net/error.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::net {

namespace {

ssl_context_ptr scratch_context() {
    ERR_clear_error();
    ssl_context_ptr made(SSL_CTX_new(TLS_server_method()));
    // What is too weak is the affair of the listener's `ciphers`.
    if (made)
        SSL_CTX_set_security_level(made.get(), 0);
    return made;
}

// OpenSSL passes names over that it does not know, so what it has made of one is looked at.
bool is_suite(SSL_CTX* scratch, std::string_view name) {
    if (SSL_CTX_set_ciphersuites(scratch, std::string(name).c_str()) != 1)
        return false;
    const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(scratch);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
        if (name == SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)))
            return true;
    }
    return false;
}

// The first of a list's names that `known` does not know; empty if it knows all.
template <class Known>
std::string first_unknown(const std::string& list, Known known) {
    for (std::size_t from = 0; from <= list.size();) {
        const std::size_t end = std::min(list.find(':', from), list.size());
        const std::string name = list.substr(from, end - from);
        if (!known(name.c_str()))
            return "'" + name + "'";
        from = end + 1;
    }
    return {};
}

std::vector<tls_fault> names_faults(const tls_server_options& of, SSL_CTX* scratch) {
    std::vector<tls_fault> found;
    const auto suite = [scratch](const char* name) { return is_suite(scratch, name); };
    const auto group = [scratch](const char* name) {
        return SSL_CTX_set1_groups_list(scratch, name) == 1;
    };
    if (!of.ciphers.empty() && SSL_CTX_set_cipher_list(scratch, of.ciphers.c_str()) != 1)
        found.push_back({"ciphers", "'ciphers' selects no cipher of TLS 1.2: '" + of.ciphers + "'",
                         "`openssl ciphers -s -tls1_2` lists what there is"});
    const std::string unknown = of.suites.empty() ? "" : first_unknown(of.suites, suite);
    if (!unknown.empty())
        found.push_back({"suites", "'suites' names what is no suite of TLS 1.3: " + unknown,
                         "`openssl ciphers -s -tls1_3` lists what there is"});
    if (!of.groups.empty() && !group(of.groups.c_str()))
        found.push_back(
            {"groups",
             "'groups' names what this OpenSSL does not have: " + first_unknown(of.groups, group),
             "as in X25519:P-256:P-384"});
    return found;
}

}  // namespace

std::vector<tls_fault> server_faults(const tls_server_options& of) {
    const ssl_context_ptr scratch = scratch_context();
    if (!scratch)
        return {{"", openssl_failure("no TLS context"), ""}};
    std::vector<tls_fault> found = names_faults(of, scratch.get());
    if (of.client_auth != tls_client_auth::none) {
        if (of.client_ca_pem.empty() || !trust(scratch.get(), nullptr, of.client_ca_pem))
            found.push_back(
                {"client_ca", "'client_ca' holds no certificate in PEM, or a damaged one", ""});
        else if (!of.client_crl_pem.empty() && !revoke(scratch.get(), nullptr, of.client_crl_pem))
            found.push_back({"client_crl", "'client_crl' holds no revocation list in PEM", ""});
    }
    ERR_clear_error();
    return found;
}

std::optional<tls_fault> client_fault(const tls_client_options& of) {
    const ssl_context_ptr scratch = scratch_context();
    if (!scratch)
        return tls_fault{"", openssl_failure("no TLS context"), ""};
    std::optional<tls_fault> found;
    if (!of.certificate_pem.empty()) {
        const std::string wrong = certificate_problem({of.certificate_pem, of.key_pem, {}});
        if (!wrong.empty())
            found = tls_fault{"", "client certificate: " + wrong, ""};
    }
    if (!found && !of.ca_pem.empty() && !trust(scratch.get(), nullptr, of.ca_pem))
        found = tls_fault{"ca", "'ca' holds no certificate in PEM, or a damaged one", ""};
    ERR_clear_error();
    return found;
}

std::string certificate_problem(const tls_certificate& of) {
    const ssl_context_ptr context = scratch_context();
    if (!context)
        return openssl_failure("no TLS context");
    const certificate_ptr leaf = read_leaf(of.chain_pem);
    const bool chain = leaf && use_chain(context.get(), nullptr, of.chain_pem);
    const bool fits = leaf && is_key_of(leaf.get(), of.key_pem);
    const bool key = fits && use_key(context.get(), nullptr, of.key_pem);
    ERR_clear_error();
    if (!leaf)
        return "certificate: the file does not begin with a certificate in PEM";
    if (!fits && !is_private_key(of.key_pem))
        return of.key_pem.find("ENCRYPTED") != std::string::npos
                   ? "private key: it needs a password, and nobody can type one here"
                   : "private key: the file holds no private key in PEM";
    if (!fits)
        return "private key: it is not that of the certificate";
    if (!chain)
        return "certificate: something behind the first certificate of the file is none in PEM";
    return key ? "" : "private key: it is of a kind that TLS does not use";
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
