// Servers' contexts: certificates by name, tickets, and what is asked of clients.
#include "net/tls_context.hpp"
#include "net/tls_early_data.hpp"
#include "net/tls_hello.hpp"
#include "net/tls_material.hpp"
#include "net/tls_session.hpp"
#include "penstock/net/error.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <set>

namespace penstock::net {
namespace {

// Forward secrecy and authenticated encryption only; for TLS 1.3 that is all there is.
constexpr const char* ciphers_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* suites_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// The hybrid of RFC 9794 where the library has it.
constexpr const char* groups_hybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* groups_default = "X25519:P-256:P-384";

using implementation = tls_context::implementation;

std::optional<int> version_of(std::string_view text) noexcept {
    if (text == "1.2")
        return TLS1_2_VERSION;
    if (text == "1.3")
        return TLS1_3_VERSION;
    return std::nullopt;
}

// ---- What OpenSSL calls

// Of TLS's length-prefixed protocol list; the protocols that `offered` and `ours` share, ours
// first.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void* of) noexcept {
    const auto& ours = static_cast<const implementation*>(of)->alpn;
    for (const std::string& protocol : ours) {
        if (protocol == "h2" && !suits_http2(ssl, SSL_get_pending_cipher(ssl)))
            continue;
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
int accept_name(SSL*, int*, void*) noexcept { return SSL_TLSEXT_ERR_OK; }

// It is not the client's fault.
void note_own_failure(const SSL* ssl) noexcept {
    if (tls_session* const session = session_of(ssl))
        session->note_own_failure();
}

int fail_hello(const SSL* ssl, int* alert) noexcept {
    note_own_failure(ssl);
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

int choose(SSL* ssl, int* alert, const implementation& impl) {
    const std::string_view name = hello_name(ssl);
    if (tls_session* const session = session_of(ssl)) {
        session->note_hello(clean_hello_name(name), hello_protocols(ssl), hello_version(ssl));
        session->note_early_data(hello_offers_early_data(ssl));
    }
    const tls_site* const site = impl.site_for(name);
    if (site == nullptr) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    const bool set =
        SSL_set_SSL_CTX(ssl, site->context.get()) != nullptr &&
        SSL_set_session_id_context(ssl, site->session_scope.data(),
                                   static_cast<unsigned int>(site->session_scope.size())) == 1;
    if (!set)
        return fail_hello(ssl, alert);
    return SSL_CLIENT_HELLO_SUCCESS;
}

// Before OpenSSL looks at anything of the hello, tickets among it.
int choose_site(SSL* ssl, int* alert, void* of) noexcept {
    return guarded([=] { return fail_hello(ssl, alert); },
                   [=] { return choose(ssl, alert, *static_cast<const implementation*>(of)); });
}

tls_site* site_of(const SSL* ssl) noexcept {
    return static_cast<tls_site*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
}

bool key_up(const tls_ticket_key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac, bool seals) {
    static const cipher_ptr aes(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
    std::string digest = "SHA256";
    std::array<unsigned char, 32> secret = key.mac;
    const std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end(),
    };
    return aes && EVP_MAC_CTX_set_params(mac, parameters.data()) == 1 &&
           EVP_CipherInit_ex2(cipher, aes.get(), key.cipher.data(), iv, seals ? 1 : 0, nullptr) ==
               1;
}

// 1: good; 2: good, but to be replaced; 0: no ticket, a full handshake; -1: failure.
int set_ticket_key(SSL* ssl, tls_ticket_ring& ring, unsigned char* name, unsigned char* iv,
                   EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seals) {
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    const std::optional<tls_ticket_key> current = ring.current(now);
    if (!current)
        return -1;
    if (seals) {
        std::copy(current->name.begin(), current->name.end(), name);
        if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
            return -1;
        return key_up(*current, iv, cipher, mac, true) ? 1 : -1;
    }
    const std::span<const unsigned char> asked(name, current->name.size());
    const std::optional<tls_ticket_key> key = ring.find(asked, now);
    if (!key || !key_up(*key, iv, cipher, mac, false))
        return 0;
    // Clients of TLS 1.3 use a ticket once (RFC 8446 §C.4), so they need another.
    return key->name == current->name && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* mac, int seals) noexcept {
    tls_site* const site = site_of(ssl);
    if (site == nullptr || !site->tickets)
        return 0;
    const int outcome = guarded(
        [] { return -1; },
        [=] { return set_ticket_key(ssl, *site->tickets, name, iv, cipher, mac, seals != 0); });
    if (outcome < 0)
        note_own_failure(ssl);
    return outcome;
}

// A session carries the time of the handshake that verified the client: what is resumed again and
// again still ends two periods after it, and with the client's certificate.
int note_verified(SSL* ssl, void*) noexcept {
    SSL_SESSION* const session = SSL_get_session(ssl);
    void* held = nullptr;
    std::size_t size = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &held, &size) == 1 && size > 0)
        return 1;
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    return SSL_SESSION_set1_ticket_appdata(session, &now, sizeof now);
}

SSL_TICKET_RETURN judge_session(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                SSL_TICKET_STATUS status, void*) noexcept {
    if (status == SSL_TICKET_NO_DECRYPT || status == SSL_TICKET_EMPTY)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    void* held = nullptr;
    std::size_t size = 0;
    std::int64_t verified = 0;
    const tls_site* const site = site_of(ssl);
    if (site == nullptr || SSL_SESSION_get0_ticket_appdata(session, &held, &size) != 1 ||
        size != sizeof verified)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    std::memcpy(&verified, held, sizeof verified);
    X509* const leaf = SSL_SESSION_get0_peer(session);
    const bool ended = leaf != nullptr && X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0;
    if (ended || std::time(nullptr) - verified > site->session_seconds)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

int staple(SSL* ssl, void*) noexcept {
    const tls_site* const site = site_of(ssl);
    X509* const leaf = SSL_get_certificate(ssl);
    if (site == nullptr || leaf == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    for (const auto& [certificate, made] : site->staples) {
        if (!made.good_at(std::time(nullptr)) || X509_cmp(certificate.get(), leaf) != 0)
            continue;
        // OpenSSL frees it.
        const std::string& response = made.response;
        void* const copy = OPENSSL_memdup(response.data(), response.size());
        if (copy == nullptr)
            return SSL_TLSEXT_ERR_NOACK;
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, static_cast<long>(response.size()),
                 copy);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

// ---- What they are made of

struct loaded {
    const tls_certificate* texts;
    certificate_ptr leaf;
    std::vector<std::string> names;
    int key_type;
};

void append(std::string& to, std::string_view text) {
    to += std::to_string(text.size()) + ':';
    to += text;
}

class builder {
 public:
    builder(const tls_server_options& options, implementation& into, std::string& message)
        : options_(options), library_(library_of(options.worker)), into_(into), message_(message) {}

    bool build() {
        const std::optional<int> version = version_of(options_.min_version);
        if (!version)
            return fail("min_version has to be 1.2 or 1.3");
        version_ = *version;
        if (options_.certificates.empty())
            return fail("no certificate");
        for (const tls_certificate& each : options_.certificates) {
            if (!load(each))
                return false;
        }
        // The first certificate's other kind comes along by its first name.
        const std::vector<std::string>& first = loaded_.front().names;
        if (!add_site(first.empty() ? std::set<std::size_t>{0} : serving(first.front(), 0)))
            return false;
        for (const loaded& each : loaded_) {
            for (const std::string& name : each.names) {
                if (!add_name(name))
                    return false;
            }
        }
        return true;
    }

 private:
    bool fail(const std::string& what) {
        message_ = what;
        return false;
    }
    bool fail_by_openssl(const std::string& what) { return fail(openssl_failure(what)); }

    bool load(const tls_certificate& from) {
        loaded made{&from, read_leaf(from.chain_pem), {}, 0};
        if (!made.leaf)
            return fail_by_openssl("certificate");
        // Of every one, also of one that no client will see.
        if (!is_key_of(made.leaf.get(), from.key_pem))
            return fail_by_openssl("private key");
        made.names = names_of(made.leaf.get());
        made.key_type = EVP_PKEY_get_base_id(X509_get0_pubkey(made.leaf.get()));
        loaded_.push_back(std::move(made));
        return true;
    }

    // The first certificate of each kind of key for this name; `always` is one of them.
    std::set<std::size_t> serving(const std::string& name, std::optional<std::size_t> always) {
        std::set<std::size_t> found;
        std::set<int> kinds;
        const auto take = [&](std::size_t at) {
            if (kinds.insert(loaded_[at].key_type).second)
                found.insert(at);
        };
        if (always)
            take(*always);
        for (std::size_t i = 0; i < loaded_.size(); ++i) {
            const auto& names = loaded_[i].names;
            if (std::find(names.begin(), names.end(), name) != names.end())
                take(i);
        }
        return found;
    }

    bool add_name(const std::string& name) {
        if (into_.by_name.contains(name))
            return true;
        const std::set<std::size_t> these = serving(name, std::nullopt);
        auto known = sites_.find(these);
        if (known == sites_.end()) {
            if (!add_site(these))
                return false;
            known = sites_.find(these);
        }
        into_.by_name.emplace(name, known->second);
        return true;
    }

    bool add_site(const std::set<std::size_t>& of) {
        auto made = std::make_unique<tls_site>();
        made->context.reset(SSL_CTX_new_ex(library_, nullptr, TLS_server_method()));
        SSL_CTX* const context = made->context.get();
        if (context == nullptr || !tune(context))
            return fail_by_openssl("no TLS context");
        std::string scope;
        append(scope, options_.ticket_scope);
        for (const std::size_t at : of) {
            loaded& each = loaded_[at];
            if (!use_chain(context, library_, each.texts->chain_pem))
                return fail_by_openssl("certificate");
            if (!use_key(context, library_, each.texts->key_pem))
                return fail_by_openssl("private key");
            add_staple(*made, each);
            append(scope, each.texts->chain_pem);
        }
        if (!ask_clients(context, scope))
            return false;
        made->owner = &into_;
        made->session_seconds = 2 * options_.ticket_rotate;
        SHA256(reinterpret_cast<const unsigned char*>(scope.data()), scope.size(),
               made->session_scope.data());
        if (!options_.ticket_secret.empty()) {
            const auto* const digest = reinterpret_cast<const char*>(made->session_scope.data());
            made->tickets.emplace(options_.ticket_secret,
                                  std::string_view(digest, made->session_scope.size()),
                                  options_.ticket_rotate);
        }
        call_back(*made);
        sites_.emplace(of, made.get());
        into_.sites.push_back(std::move(made));
        return true;
    }

    // One that is no good is left away: the certificate serves without it.
    static void add_staple(tls_site& to, const loaded& from) {
        std::string why;
        std::optional<tls_staple> staple = read_staple(from.texts->ocsp, from.leaf.get(), why);
        if (!staple)
            return;
        X509_up_ref(from.leaf.get());
        to.staples.push_back({certificate_ptr(from.leaf.get()), std::move(*staple)});
    }

    bool tune(SSL_CTX* context) const {
        const auto or_ours = [](const std::string& text, const char* ours) {
            return text.empty() ? ours : text.c_str();
        };
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        // A client without AES in hardware lists ChaCha20 first, and then it is right.
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        if (options_.ticket_secret.empty())
            SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        // A ticket is good for the epoch it was made in and the one behind it.
        SSL_CTX_set_timeout(context, static_cast<long>(2 * options_.ticket_rotate));
        return SSL_CTX_set_recv_max_early_data(context, tls_early_data::skipped_max) == 1 &&
               SSL_CTX_set_min_proto_version(context, version_) == 1 &&
               SSL_CTX_set_num_tickets(context, options_.ticket_secret.empty() ? 0 : 1) == 1 &&
               SSL_CTX_set_cipher_list(context, or_ours(options_.ciphers, ciphers_12)) == 1 &&
               SSL_CTX_set_ciphersuites(context, or_ours(options_.suites, suites_13)) == 1 &&
               set_groups(context);
    }

    bool set_groups(SSL_CTX* context) const {
        if (!options_.groups.empty())
            return SSL_CTX_set1_groups_list(context, options_.groups.c_str()) == 1;
        ERR_set_mark();
        const bool hybrid = SSL_CTX_set1_groups_list(context, groups_hybrid) == 1;
        ERR_pop_to_mark();
        return hybrid || SSL_CTX_set1_groups_list(context, groups_default) == 1;
    }

    bool ask_clients(SSL_CTX* context, std::string& scope) {
        if (options_.client_auth == tls_client_auth::none)
            return true;
        const bool must = options_.client_auth == tls_client_auth::required;
        append(scope, must ? "required" : "optional");
        append(scope, options_.client_ca_pem);
        append(scope, options_.client_crl_pem);
        if (options_.client_ca_pem.empty() || !trust(context, library_, options_.client_ca_pem) ||
            !name_client_authorities(context, options_.client_ca_pem))
            return fail_by_openssl("client_ca");
        if (!options_.client_crl_pem.empty() && !revoke(context, library_, options_.client_crl_pem))
            return fail_by_openssl("client_crl");
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           nullptr);
        return true;
    }

    // The macros of some of these calls have casts that our warnings refuse.
    void call_back(tls_site& of) {
        SSL_CTX* const context = of.context.get();
        SSL_CTX_set_ex_data(context, 0, &of);
        SSL_CTX_set_keylog_callback(context, note_tls_secret);
        SSL_CTX_set_client_hello_cb(context, choose_site, &into_);
        SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(accept_name));
        SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                              reinterpret_cast<void (*)()>(staple));
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
        SSL_CTX_set_session_ticket_cb(context, note_verified, judge_session, nullptr);
        if (!options_.alpn.empty())
            SSL_CTX_set_alpn_select_cb(context, choose_protocol, &into_);
    }

    const tls_server_options& options_;
    OSSL_LIB_CTX* library_;
    implementation& into_;
    std::string& message_;
    int version_ = 0;
    std::vector<loaded> loaded_;
    std::map<std::set<std::size_t>, tls_site*> sites_;
};

}  // namespace

const tls_site* tls_context::implementation::site_for(std::string_view name) const {
    std::string key(name);
    for (char& c : key)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (key.size() > 1 && key.back() == '.')
        key.pop_back();
    auto found = by_name.find(key);
    const std::size_t dot = key.find('.');
    if (found == by_name.end() && dot != std::string::npos && dot > 0)
        found = by_name.find("*" + key.substr(dot));
    if (found != by_name.end())
        return found->second;
    return strict_sni ? nullptr : sites.front().get();
}

bool suits_http2(const SSL* ssl, const SSL_CIPHER* cipher) noexcept {
    return SSL_version(ssl) != TLS1_2_VERSION ||
           (cipher != nullptr && SSL_CIPHER_is_aead(cipher) == 1 &&
            SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe);
}

bool tls_site_serves(const tls_site& site, std::string_view host) {
    return site.owner->site_for(host) == &site;
}

result<std::unique_ptr<tls_context>> tls_context::server(const tls_server_options& options,
                                                         std::string& message) {
    ERR_clear_error();
    auto made = std::make_unique<implementation>();
    made->alpn = options.alpn;
    made->strict_sni = options.strict_sni;
    made->record_size = options.record_size;
    made->asks_certificate = options.client_auth != tls_client_auth::none;
    if (!builder(options, *made, message).build())
        return error(errc::tls_failed);
    return std::unique_ptr<tls_context>(new tls_context(std::move(made)));
}

}  // namespace penstock::net
