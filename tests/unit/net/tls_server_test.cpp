// What a server presents to whom, whose sessions it resumes, and what it says of handshakes that
// fail.
#include "net/tls_diagnosis.hpp"
#include "unit/net/tls_ends.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ostream>

namespace penstock::net {
namespace {

using namespace test;

// The macro for it has a cast that our warnings refuse.
void ask_for(raw_client& client, const char* name) {
    std::string text = name;
    SSL_ctrl(client.ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text.data());
}

tls_certificate text_of(const self_signed& pair) {
    return {pair.certificate_pem, pair.key_pem, ""};
}

// A server with several certificates, and clients that come one after the other.
struct site {
    explicit site(const tls_server_options& options) {
        std::string message;
        auto made = tls_context::server(options, message);
        if (!made)
            throw penstock::test::test_error(message);
        context = std::move(*made);
    }
    template <class Script>
    const seen& against(Script script) {
        got = seen();
        other_side client([this, script] { script(door.port()); });
        run(home, serve_tls(home, door.accept(), *context, nothing, got));
        client.join();
        return got;
    }
    worker home{0};
    doorway door;
    std::unique_ptr<tls_context> context;
    seen got;
};

tls_server_options with(const std::vector<self_signed>& pairs) {
    tls_server_options options;
    for (const self_signed& pair : pairs)
        options.certificates.push_back(text_of(pair));
    options.ticket_secret = std::string(32, 's');
    options.ticket_scope = "web";
    return options;
}

// The subjectAltName that a client of this SNI is shown; empty if its handshake fails.
std::string shown(site& of, const char* name) {
    std::string found;
    of.against([&](std::uint16_t port) {
        const raw_context context = raw_client_context();
        raw_client client(port, context.get());
        if (name != nullptr)
            ask_for(client, name);
        if (!client.handshake())
            return;
        X509* const leaf = SSL_get0_peer_certificate(client.ssl());
        for (const char* const one : {"a.test", "x.b.test", "c.test", "other.test"}) {
            if (X509_check_host(leaf, one, 0, 0, nullptr) == 1)
                found += std::string(found.empty() ? "" : ",") + one;
        }
    });
    return found;
}

TEST(TlsSites, AreChosenByName) {
    const std::vector<self_signed> pairs{certificate_for({"other.test"}),
                                         certificate_for({"a.test"}),
                                         certificate_for({"*.b.test", "c.test"})};
    site of(with(pairs));
    EXPECT_EQ(shown(of, "a.test"), "a.test");
    EXPECT_EQ(shown(of, "A.TEST"), "a.test");
    EXPECT_EQ(shown(of, "x.b.test"), "x.b.test,c.test");
    EXPECT_EQ(shown(of, "c.test"), "x.b.test,c.test");
    // The first is for all others.
    EXPECT_EQ(shown(of, "y.x.b.test"), "other.test");
    EXPECT_EQ(shown(of, "b.test"), "other.test");
    EXPECT_EQ(shown(of, "unknown.test"), "other.test");
    EXPECT_EQ(shown(of, nullptr), "other.test");
}

TEST(TlsSites, H3_AreStrictAboutNames) {
    tls_server_options options = with({certificate_for({"a.test"})});
    options.strict_sni = true;
    site of(options);
    EXPECT_EQ(shown(of, "a.test"), "a.test");
    EXPECT_EQ(shown(of, "unknown.test"), "");
    EXPECT_EQ(of.got.why, tls_failure::unknown_name);
    EXPECT_EQ(of.got.facts.server_name, "unknown.test");
    EXPECT_EQ(shown(of, nullptr), "");
    EXPECT_EQ(of.got.why, tls_failure::unknown_name);
}

// ---- Sessions

raw_session session_with(site& of, int version, const char* name) {
    raw_session found;
    of.against([&](std::uint16_t port) {
        const raw_context context = raw_client_context();
        SSL_CTX_set_max_proto_version(context.get(), version);
        raw_client client(port, context.get());
        ask_for(client, name);
        if (!client.handshake())
            return;
        // In TLS 1.3 the ticket comes behind the handshake.
        (void)client.closed_cleanly();
        client.say_close();
        found = client.session();
    });
    return found;
}

bool resumes(site& of, int version, const char* name, SSL_SESSION* from) {
    const seen& got = of.against([&](std::uint16_t port) {
        const raw_context context = raw_client_context();
        SSL_CTX_set_max_proto_version(context.get(), version);
        raw_client client(port, context.get(), from);
        ask_for(client, name);
        EXPECT_TRUE(client.handshake());
        // One that ends without it is not used again.
        client.say_close();
    });
    EXPECT_TRUE(got.handshake) << got.failure;
    return got.facts.resumed;
}

class TlsSessions : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsSessions, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TlsSessions, GoOnWithWhoHasTheSameSecret) {
    const std::vector<self_signed> pairs{certificate_for({"a.test"}), certificate_for({"b.test"})};
    site first(with(pairs));
    const raw_session session = session_with(first, GetParam(), "a.test");
    ASSERT_TRUE(session);
    EXPECT_TRUE(resumes(first, GetParam(), "a.test", session.get()));
    // As after a restart, or another process of a fleet.
    site second(with(pairs));
    EXPECT_TRUE(resumes(second, GetParam(), "a.test", session.get()));
}

// H1, and the class of CVE-2025-23419.
TEST_P(TlsSessions, H1_EndWhereAnythingElseIs) {
    const std::vector<self_signed> pairs{certificate_for({"a.test"}), certificate_for({"b.test"})};
    const tls_server_options options = with(pairs);
    site first(options);
    const raw_session session = session_with(first, GetParam(), "a.test");
    ASSERT_TRUE(session);
    EXPECT_FALSE(resumes(first, GetParam(), "b.test", session.get()));
    tls_server_options secret = options;
    secret.ticket_secret = std::string(32, 't');
    tls_server_options listener = options;
    listener.ticket_scope = "edge";
    tls_server_options authority = options;
    authority.client_auth = tls_client_auth::optional;
    authority.client_ca_pem = pairs[1].certificate_pem;
    for (const tls_server_options& other : {secret, listener, authority}) {
        site second(other);
        EXPECT_FALSE(resumes(second, GetParam(), "a.test", session.get()));
    }
    tls_server_options other_authority = authority;
    other_authority.client_ca_pem = pairs[0].certificate_pem;
    tls_server_options must = authority;
    must.client_auth = tls_client_auth::required;
    site asks(authority);
    const raw_session asked = session_with(asks, GetParam(), "a.test");
    ASSERT_TRUE(asked);
    EXPECT_TRUE(resumes(asks, GetParam(), "a.test", asked.get()));
    site asks_another(other_authority);
    EXPECT_FALSE(resumes(asks_another, GetParam(), "a.test", asked.get()));
}

TEST_P(TlsSessions, AreNotKeptWithoutASecret) {
    tls_server_options options = with({certificate_for({"a.test"})});
    options.ticket_secret.clear();
    site of(options);
    const raw_session session = session_with(of, GetParam(), "a.test");
    ASSERT_TRUE(session);
    EXPECT_FALSE(resumes(of, GetParam(), "a.test", session.get()));
}

// H4: no early data is taken, so nothing can be replayed.
TEST(TlsEarlyData, H4_IsNotOffered) {
    site of(with({certificate_for({"a.test"})}));
    const raw_session session = session_with(of, TLS1_3_VERSION, "a.test");
    ASSERT_TRUE(session);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session.get()), 0U);
}

// H6, RFC 9113 §9.2.2.
TEST(TlsProtocols, H6_Http2IsForGoodCiphersOnly) {
    tls_server_options options = with({certificate_for({"a.test"})});
    options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256";
    options.alpn = {"h2", "http/1.1"};
    site of(options);
    for (const bool good : {true, false}) {
        const seen& got = of.against([good](std::uint16_t port) {
            const raw_context context = raw_client_context();
            SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
            SSL_CTX_set_cipher_list(context.get(), good ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                        : "ECDHE-ECDSA-AES128-SHA256");
            const auto* const both = reinterpret_cast<const unsigned char*>("\2h2\10http/1.1");
            SSL_CTX_set_alpn_protos(context.get(), both, 12);
            raw_client client(port, context.get());
            EXPECT_TRUE(client.handshake());
        });
        EXPECT_EQ(got.facts.alpn, good ? "h2" : "http/1.1") << got.failure;
    }
}

// ---- Clients' certificates

struct shows {
    const self_signed* pair;
    bool accepted;
    tls_failure why;
};

TEST(TlsClients, AreAskedForCertificates) {
    const self_signed server = certificate_for({"a.test"});
    const self_signed known = certificate_for({"client.test"});
    const self_signed stranger = certificate_for({"stranger.test"});
    for (const tls_client_auth auth : {tls_client_auth::required, tls_client_auth::optional}) {
        tls_server_options options = with({server, certificate_for({"b.test"})});
        options.client_auth = auth;
        options.client_ca_pem = known.certificate_pem;
        site of(options);
        const bool must = auth == tls_client_auth::required;
        for (const shows& each :
             {shows{&known, true, tls_failure::none},
              shows{&stranger, false, tls_failure::certificate_untrusted},
              shows{nullptr, !must,
                    must ? tls_failure::certificate_required : tls_failure::none}}) {
            tls_client_options client = {};
            client.verify = false;
            if (each.pair != nullptr) {
                client.certificate_pem = each.pair->certificate_pem;
                client.key_pem = each.pair->key_pem;
            }
            of.got = seen();
            seen at_client;
            client_plan plan{client_of(client), "a.test"};
            struct both {
                static task<> go(site& with, client_plan& as_client, seen& into) {
                    task_group group(with.home);
                    group.start(connect_tls(with.home, with.door.address(), as_client, into));
                    group.start(
                        serve_tls(with.home, with.door.accept(), *with.context, nothing, with.got));
                    co_await group.join();
                }
            };
            run(of.home, both::go(of, plan, at_client));
            EXPECT_EQ(of.got.handshake.has_value(), each.accepted) << of.got.failure;
            EXPECT_EQ(of.got.why, each.why);
            const bool proved = each.pair != nullptr && each.accepted;
            EXPECT_EQ(of.got.facts.client_certificate.empty(), !proved);
            if (each.accepted) {
                ASSERT_NE(of.got.facts.site, nullptr);
                EXPECT_TRUE(tls_site_serves(*of.got.facts.site, "a.test"));
                EXPECT_TRUE(tls_site_serves(*of.got.facts.site, "unknown.test"));
                EXPECT_FALSE(tls_site_serves(*of.got.facts.site, "b.test"));
            }
        }
    }
}

// ---- Failures

// What a client says first, without the client.
std::string hello_for(const char* name) {
    const raw_context context = raw_client_context();
    const std::unique_ptr<SSL, ssl_deleter> client(SSL_new(context.get()));
    SSL_set_connect_state(client.get());
    SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    std::string text = name;
    SSL_ctrl(client.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text.data());
    (void)SSL_do_handshake(client.get());
    std::string said(4096, '\0');
    const int size =
        BIO_read(SSL_get_wbio(client.get()), said.data(), static_cast<int>(said.size()));
    said.resize(static_cast<std::size_t>(std::max(size, 0)));
    return said;
}

struct bad_client {
    const char* name;
    tls_failure why;
    const char* phase;
    void (*act)(std::uint16_t port);
    // What is told with it: of the hello until something is agreed on.
    const char* sni = "";
    const char* version = "";
    const char* alpn = "";
};
std::ostream& operator<<(std::ostream& out, const bad_client& of) { return out << of.name; }

template <class Set>
void try_with(std::uint16_t port, Set set) {
    const raw_context context = raw_client_context();
    set(context.get());
    raw_client client(port, context.get());
    ask_for(client, "site.test");
    EXPECT_FALSE(client.handshake() && !client.read().empty());
}

void refuses(std::uint16_t port) {
    try_with(port, [](SSL_CTX* of) { SSL_CTX_set_verify(of, SSL_VERIFY_PEER, nullptr); });
}

const bad_client bad_clients[] = {
    {"SpeaksHttp", tls_failure::not_tls, "hello",
     [](std::uint16_t port) {
         peer client(port);
         client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
         (void)client.wait_closed();
     }},
    {"IsTooOld", tls_failure::version_unsupported, "server_answer",
     [](std::uint16_t port) {
         try_with(port, [](SSL_CTX* of) {
             SSL_CTX_set_security_level(of, 0);
             SSL_CTX_set_min_proto_version(of, TLS1_VERSION);
             SSL_CTX_set_max_proto_version(of, TLS1_1_VERSION);
             SSL_CTX_set_cipher_list(of, "ALL:@SECLEVEL=0");
         });
     },
     "site.test", "TLSv1.1"},
    {"HasOtherCiphers", tls_failure::no_shared_cipher, "server_answer",
     [](std::uint16_t port) {
         try_with(port, [](SSL_CTX* of) {
             SSL_CTX_set_max_proto_version(of, TLS1_2_VERSION);
             SSL_CTX_set_cipher_list(of, "AES128-SHA");
         });
     },
     "site.test", "TLSv1.2"},
    {"HasOtherGroups", tls_failure::no_shared_group, "server_answer",
     [](std::uint16_t port) {
         try_with(port, [](SSL_CTX* of) {
             SSL_CTX_set_min_proto_version(of, TLS1_3_VERSION);
             SSL_CTX_set1_groups_list(of, "P-521");
         });
     },
     "site.test", "TLSv1.3"},
    {"HasOtherSignatures", tls_failure::no_shared_signature, "server_answer",
     [](std::uint16_t port) {
         try_with(port, [](SSL_CTX* of) {
             SSL_CTX_set_min_proto_version(of, TLS1_3_VERSION);
             SSL_CTX_set1_sigalgs_list(of, "ed25519");
         });
     },
     "site.test", "TLSv1.3"},
    {"SpeaksAnotherProtocol", tls_failure::no_application_protocol, "server_answer",
     [](std::uint16_t port) {
         try_with(port, [](SSL_CTX* of) {
             const auto* const offer = reinterpret_cast<const unsigned char*>("\3foo\3a\nb");
             SSL_CTX_set_alpn_protos(of, offer, 8);
         });
     },
     "site.test", "TLSv1.3", "foo,invalid"},
    {"DoesNotTakeTheCertificate", tls_failure::certificate_refused, "client_answer", refuses,
     "site.test", "TLSv1.3"},
    {"SendsAnAlert", tls_failure::client_alert, "client_answer",
     [](std::uint16_t port) {
         peer client(port);
         client.send(hello_for("site.test"));
         (void)client.read_some();
         client.send(std::string("\x15\3\3\0\2\2\x50", 7));  // internal_error
         (void)client.wait_closed();
     },
     "site.test", "TLSv1.3"},
    {"Leaves", tls_failure::client_gone, "hello", [](std::uint16_t port) { peer(port).close(); }},
    {"Resets", tls_failure::client_gone, "hello",
     [](std::uint16_t port) {
         peer client(port);
         client.send("\x16\3\1");
         client.reset();
     }},
    {"SendsAHugeHello", tls_failure::hello_too_large, "hello",
     [](std::uint16_t port) {
         peer client(port);
         // A handshake message of 60000 bytes in records of 16 KiB.
         std::string hello("\x16\3\1\x40\0\1\0\xea\x60", 9);
         hello.append(16380, '\0');
         client.send(hello + hello);
         (void)client.wait_closed();
     }},
    {"SendsNonsense", tls_failure::protocol_error, "hello",
     [](std::uint16_t port) {
         peer client(port);
         client.send(std::string("\x16\3\1\0\5\x05\0\0\1\0", 10));
         (void)client.wait_closed();
     }},
};

class TlsFailure : public testing::TestWithParam<bad_client> {};
INSTANTIATE_TEST_SUITE_P(D16, TlsFailure, testing::ValuesIn(bad_clients),
                         [](const auto& param) { return std::string(param.param.name); });

// OpenSSL's reasons that every library of it has lie above those that stand for an alert.
TEST(TlsDiagnosis, TellsItsOwnFailuresFromAlerts) {
    const auto named = [](int reason) {
        return name(diagnose_handshake(ERR_PACK(ERR_LIB_SSL, 0, reason), X509_V_OK));
    };
    EXPECT_EQ(named(ERR_R_MALLOC_FAILURE), "internal_error");
    EXPECT_EQ(named(ERR_R_INTERNAL_ERROR), "internal_error");
    EXPECT_EQ(named(SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR), "client_alert");
    EXPECT_EQ(named(SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA), "certificate_refused");
}

TEST_P(TlsFailure, IsNamed) {
    server_end server;
    const seen& got = server.against(nothing, GetParam().act);
    EXPECT_FALSE(got.handshake);
    EXPECT_EQ(name(got.why), name(GetParam().why)) << got.failure;
    EXPECT_EQ(got.phase, GetParam().phase);
    EXPECT_EQ(got.facts.server_name, GetParam().sni);
    EXPECT_EQ(got.facts.version, GetParam().version);
    EXPECT_EQ(got.facts.alpn, GetParam().alpn);
}

}  // namespace
}  // namespace penstock::net
