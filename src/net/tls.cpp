// Contexts of the origins' side, and what both sides share.
#include "penstock/net/tls.hpp"

#include "net/tls_context.hpp"
#include "net/tls_material.hpp"
#include "net/tls_session.hpp"
#include "penstock/net/endpoint.hpp"
#include "penstock/net/error.hpp"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace penstock::net {
namespace {

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

// What the origin may ask for. Nothing is configured: nothing is shown.
bool show(SSL_CTX* context, OSSL_LIB_CTX* library, const tls_client_options& options) {
    return options.certificate_pem.empty() ||
           (use_chain(context, library, options.certificate_pem) &&
            use_key(context, library, options.key_pem));
}

// Sessions come with the handshake (TLS 1.2) or behind it, and go to the store at once.
int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
    tls_session* const of = session_of(ssl);
    if (of == nullptr)
        return 0;
    // 1 = it is ours now. It is also if there was no memory to keep it, and has been freed then.
    return guarded(1, [of, session] { return of->keep(session_ptr(session)) ? 1 : 0; });
}

// Of everything that the verdict on a chain follows from, but for the store's own trust.
std::optional<tls_session_store::digest> digest_of(X509_STORE_CTX* chain, const SSL* ssl) {
    std::string text;
    const auto add = [&text](X509* certificate) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
        unsigned int size = 0;
        if (X509_digest(certificate, EVP_sha256(), hash.data(), &size) != 1)
            return false;
        text.append(reinterpret_cast<const char*>(hash.data()), size);
        return true;
    };
    if (!add(X509_STORE_CTX_get0_cert(chain)))
        return std::nullopt;
    const STACK_OF(X509)* const others = X509_STORE_CTX_get0_untrusted(chain);
    for (int i = 0; i < sk_X509_num(others); ++i) {
        if (!add(sk_X509_value(others, i)))
            return std::nullopt;
    }
    const tls_session* const session = session_of(ssl);
    text += session != nullptr ? session->peer_name() : std::string();
    tls_session_store::digest made{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), made.data());
    return made;
}

// Verifies a chain, or remembers that it did.
int verify(X509_STORE_CTX* chain, tls_session_store& store) {
    const auto* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const std::optional<tls_session_store::digest> digest = digest_of(chain, ssl);
    const time_point now = std::chrono::steady_clock::now();
    if (digest && store.knows(*digest, now)) {
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        return 1;
    }
    const int good = X509_verify_cert(chain);
    if (good == 1 && digest)
        store.note(*digest, std::min(now + tls_session_store::age_max,
                                     end_of(X509_STORE_CTX_get0_cert(chain), now)));
    return good;
}

int verify_chain(X509_STORE_CTX* chain, void* of) noexcept {
    auto& store = *static_cast<tls_session_store*>(of);
    return guarded(
        [chain] {
            X509_STORE_CTX_set_error(chain, X509_V_ERR_OUT_OF_MEM);
            return 0;
        },
        [chain, &store] { return verify(chain, store); });
}

void use_store(SSL_CTX* context, tls_session_store* store, bool verifies) {
    SSL_CTX_set_session_cache_mode(context, store != nullptr
                                                ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                                : SSL_SESS_CACHE_OFF);
    if (store == nullptr)
        return;
    SSL_CTX_sess_set_new_cb(context, keep_session);
    if (verifies)
        SSL_CTX_set_cert_verify_callback(context, verify_chain, store);
}

}  // namespace

bool set_tls_server_name(SSL* ssl, std::string name, bool verifies) {
    if (name.size() > 1 && name.back() == '.')
        name.pop_back();
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
    const auto address = socket_address::parse(name, 0);
    if (address)
        return !verifies || X509_VERIFY_PARAM_set1_ip_asc(rules, address->host().c_str()) == 1;
    if (verifies) {
        X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        // The length is given, so that a name with a NUL in it is refused and not cut.
        if (X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) != 1)
            return false;
    }
    // SSL_set_tlsext_host_name, whose macro has a cast that our warnings refuse.
    return name.empty() ||
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

std::shared_ptr<tls_session_store> make_tls_session_store() {
    return std::make_shared<tls_session_store>();
}

tls_context::tls_context(std::unique_ptr<implementation> impl) noexcept : impl_(std::move(impl)) {}

tls_context::~tls_context() = default;

result<std::unique_ptr<tls_context>> tls_context::client(const tls_client_options& options,
                                                         std::string& message) {
    ERR_clear_error();
    const error failed = errc::tls_failed;
    auto made = std::make_unique<implementation>();
    made->alpn = options.alpn;
    made->verifies = options.verify;
    // Ciphers stay OpenSSL's: origins are the operator's own and may be older than its clients.
    OSSL_LIB_CTX* const library = library_of(options.worker);
    made->context.reset(SSL_CTX_new_ex(library, nullptr, TLS_client_method()));
    SSL_CTX* const context = made->context.get();
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        !offer_protocols(context, options.alpn)) {
        message = openssl_failure("no TLS context");
        return failed;
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    if (!show(context, library, options)) {
        message = openssl_failure("client certificate");
        return failed;
    }
    made->store = options.store;
    use_store(context, options.store.get(), options.verify);
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (options.verify && !trust(context, library, options.ca_pem)) {
        message = openssl_failure("trusted certificates");
        return failed;
    }
    return std::unique_ptr<tls_context>(new tls_context(std::move(made)));
}

result<std::int64_t> certificate_not_after(const std::string& certificate_pem) {
    ERR_clear_error();
    const certificate_ptr leaf = read_leaf(certificate_pem);
    const std::optional<std::int64_t> end =
        leaf ? seconds_of(X509_get0_notAfter(leaf.get())) : std::nullopt;
    ERR_clear_error();
    if (!end)
        return error(errc::tls_failed);
    return *end;
}

}  // namespace penstock::net
