#include "penstock/net/tls.hpp"

#include "net/tls_context.hpp"
#include "net/tls_session.hpp"
#include "penstock/net/error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>
#include <optional>
#include <string_view>

namespace penstock::net {
namespace {

// Forward secrecy and authenticated encryption only; for TLS 1.3 that is all there is.
constexpr const char* server_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* suites_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256";

// Of the name under which tickets are bound to what this server is.
constexpr std::string_view ticket_scope = "penstock";

// An encrypted key must fail, not ask the terminal for its password.
int no_password(char*, int, int, void*) { return 0; }

std::string failure(std::string_view what) {
    const std::string details = take_openssl_errors();
    return details.empty() ? std::string(what) : std::string(what) + ": " + details;
}

std::optional<int> version_of(std::string_view text) noexcept {
    if (text == "1.2")
        return TLS1_2_VERSION;
    if (text == "1.3")
        return TLS1_3_VERSION;
    return std::nullopt;
}

// Of TLS's length-prefixed protocol list; the protocols that `offered` and `ours` share, ours
// first.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void* of) {
    const auto& ours = static_cast<const tls_context::implementation*>(of)->alpn;
    for (const std::string& protocol : ours) {
        for (unsigned int at = 0; at < offered_size; at += 1U + offered[at]) {
            const auto* const name = reinterpret_cast<const char*>(offered + at + 1);
            if (at + 1U + offered[at] > offered_size ||
                std::string_view(name, offered[at]) != protocol)
                continue;
            *chosen = offered + at + 1;
            *size = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    // A peer that speaks another protocol must not be answered in ours (RFC 7301 §3.2).
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Makes OpenSSL keep the name that the client asked for and confirm it.
int accept_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

bool offer_protocols(SSL_CTX* context, const std::vector<std::string>& protocols) {
    std::string list;
    for (const std::string& protocol : protocols) {
        if (protocol.empty() || protocol.size() > 255)
            return false;
        list += static_cast<char>(protocol.size());
        list += protocol;
    }
    if (list.empty())
        return true;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(list.data());
    // The one function of OpenSSL whose success is 0.
    return SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned int>(list.size())) == 0;
}

ssl_context_ptr make_context(const SSL_METHOD* method, int min_version) {
    ssl_context_ptr made(SSL_CTX_new(method));
    if (!made)
        return made;
    SSL_CTX* const context = made.get();
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    const bool set = SSL_CTX_set_min_proto_version(context, min_version) == 1 &&
                     SSL_CTX_set_ciphersuites(context, suites_13) == 1;
    if (!set)
        made.reset();
    return made;
}

certificate_ptr read_leaf(BIO* from) {
    return certificate_ptr(PEM_read_bio_X509(from, nullptr, no_password, nullptr));
}

// Reads certificates to the end of the text. False if something there is not one.
template <class Take>
bool read_certificates(BIO* from, Take take) {
    while (certificate_ptr next{PEM_read_bio_X509(from, nullptr, no_password, nullptr)}) {
        if (!take(std::move(next)))
            return false;
    }
    const unsigned long last = ERR_peek_last_error();
    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

bool use_chain(SSL_CTX* context, const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    if (!text)
        return false;
    const certificate_ptr leaf = read_leaf(text.get());
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
        return false;
    return read_certificates(text.get(), [context](certificate_ptr next) {
        if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
            return false;
        static_cast<void>(next.release());
        return true;
    });
}

bool use_key(SSL_CTX* context, const std::string& pem) {
    const bio_ptr text = bio_over(pem);
    if (!text)
        return false;
    const key_ptr key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr));
    return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
}

bool trust(SSL_CTX* context, const std::string& pem) {
    if (pem.empty())
        return SSL_CTX_set_default_verify_paths(context) == 1;
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    // What the operator lists is trusted, be it a root, an intermediate or a server's own
    // certificate.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    const bio_ptr text = bio_over(pem);
    std::size_t count = 0;
    return text &&
           read_certificates(text.get(),
                             [store, &count](const certificate_ptr& next) {
                                 ++count;
                                 return X509_STORE_add_cert(store, next.get()) == 1;
                             }) &&
           count > 0;
}

bool tune_server(SSL_CTX* context) {
    // A client without AES in hardware lists ChaCha20 first, and then it is right.
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_keylog_callback(context, note_tls_secret);
    // The macro of this call has a cast that our warnings refuse.
    SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(accept_name));
    const auto* const scope = reinterpret_cast<const unsigned char*>(ticket_scope.data());
    return SSL_CTX_set_num_tickets(context, 1) == 1 &&
           SSL_CTX_set_session_id_context(context, scope, ticket_scope.size()) == 1 &&
           SSL_CTX_set_cipher_list(context, server_ciphers) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

}  // namespace

tls_context::tls_context(std::unique_ptr<implementation> impl) noexcept : impl_(std::move(impl)) {}

tls_context::~tls_context() = default;

result<std::unique_ptr<tls_context>> tls_context::server(const tls_server_options& options,
                                                         std::string& message) {
    ERR_clear_error();
    const error failed = errc::tls_failed;
    const std::optional<int> version = version_of(options.min_version);
    if (!version) {
        message = "min_version has to be 1.2 or 1.3";
        return failed;
    }
    auto made = std::make_unique<implementation>();
    made->alpn = options.alpn;
    made->context = make_context(TLS_server_method(), *version);
    SSL_CTX* const context = made->context.get();
    if (context == nullptr || !tune_server(context)) {
        message = failure("no TLS context");
        return failed;
    }
    if (!use_chain(context, options.certificate_pem)) {
        message = failure("certificate");
        return failed;
    }
    if (!use_key(context, options.key_pem)) {
        message = failure("private key");
        return failed;
    }
    if (!options.alpn.empty())
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, made.get());
    return std::unique_ptr<tls_context>(new tls_context(std::move(made)));
}

result<std::unique_ptr<tls_context>> tls_context::client(const tls_client_options& options,
                                                         std::string& message) {
    ERR_clear_error();
    const error failed = errc::tls_failed;
    auto made = std::make_unique<implementation>();
    made->alpn = options.alpn;
    made->verifies = options.verify;
    // Ciphers stay OpenSSL's: origins are the operator's own and may be older than its clients.
    made->context = make_context(TLS_client_method(), TLS1_2_VERSION);
    SSL_CTX* const context = made->context.get();
    if (context == nullptr || !offer_protocols(context, options.alpn)) {
        message = failure("no TLS context");
        return failed;
    }
    // No session of an origin is ever resumed, so no ticket is asked for.
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (options.verify && !trust(context, options.ca_pem)) {
        message = failure("trusted certificates");
        return failed;
    }
    return std::unique_ptr<tls_context>(new tls_context(std::move(made)));
}

result<std::int64_t> certificate_not_after(const std::string& certificate_pem) {
    ERR_clear_error();
    const bio_ptr text = bio_over(certificate_pem);
    const certificate_ptr leaf = text ? read_leaf(text.get()) : nullptr;
    std::tm end{};
    const bool read = leaf && ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &end) == 1;
    ERR_clear_error();
    if (!read)
        return error(errc::tls_failed);
    return static_cast<std::int64_t>(::timegm(&end));
}

}  // namespace penstock::net
