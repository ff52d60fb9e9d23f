// What an origin's verified chain is remembered by and for how long, and what a failure of a
// client's leaves behind.
#include "net/tls_session_store.hpp"
#include "support/scripted_origin.hpp"
#include "unit/net/tls_ends.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

namespace penstock::net {
namespace {

using namespace test;

// Without tickets, so that no session is gone on with and every chain is looked at.
std::unique_ptr<tls_context> presenting(const self_signed& pair) {
    tls_server_options options;
    options.certificates = {{pair.certificate_pem, pair.key_pem, ""}};
    std::string message;
    auto made = tls_context::server(options, message);
    if (!made)
        throw penstock::test::test_error(message);
    return std::move(*made);
}

struct trusting {
    std::string ca;
    std::shared_ptr<tls_session_store> store = make_tls_session_store();

    // Whether the origin that presents `pair` is taken for `name`.
    [[nodiscard]] bool accepts(const self_signed& pair, const std::string& name) const {
        tls_client_options options;
        options.ca_pem = ca;
        options.store = store;
        both_ends ends;
        ends.connect({presenting(pair), nothing}, {client_of(options), name});
        EXPECT_FALSE(ends.client.facts.resumed);
        return ends.client.handshake.has_value();
    }
};

// Who trusts nothing of it takes a chain for good only if it is remembered: what is part of the
// memory's key shows in what such a client refuses.
TEST(TlsChains, AreRememberedByLeafNameAndTrust) {
    const self_signed pair = certificate_for({"a.test", "b.test"});
    const self_signed renewed = certificate_for({"a.test", "b.test"});
    const std::string stranger = certificate_for({"other.test"}).certificate_pem;
    const trusting first{pair.certificate_pem};
    ASSERT_TRUE(first.accepts(pair, "a.test"));
    const trusting same{stranger, first.store};
    EXPECT_TRUE(same.accepts(pair, "a.test"));
    EXPECT_FALSE(same.accepts(pair, "b.test"));
    EXPECT_FALSE(same.accepts(renewed, "a.test"));
    // Another trust configuration has a store of its own.
    const trusting next{stranger};
    EXPECT_FALSE(next.accepts(pair, "a.test"));
    // What was refused is not remembered as good, nor does it spoil what was.
    EXPECT_FALSE(same.accepts(pair, "b.test"));
    EXPECT_TRUE(same.accepts(pair, "a.test"));
}

// ---- For how long

using certificate_owner = std::unique_ptr<X509, decltype(&X509_free)>;

certificate_owner parsed(const std::string& pem) {
    BIO* const text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    certificate_owner made(PEM_read_bio_X509(text, nullptr, nullptr, nullptr), X509_free);
    BIO_free(text);
    return made;
}

// The same, but that it ends so many seconds from now.
self_signed ending_in(long seconds, const self_signed& from) {
    const certificate_owner leaf = parsed(from.certificate_pem);
    BIO* const key_text =
        BIO_new_mem_buf(from.key_pem.data(), static_cast<int>(from.key_pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
    X509_gmtime_adj(X509_getm_notAfter(leaf.get()), seconds);
    EXPECT_GT(X509_sign(leaf.get(), key, EVP_sha256()), 0);
    BIO* const out = BIO_new(BIO_s_mem());
    EXPECT_EQ(PEM_write_bio_X509(out, leaf.get()), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    self_signed made{std::string(data, static_cast<std::size_t>(size)), from.key_pem};
    BIO_free(out);
    BIO_free(key_text);
    EVP_PKEY_free(key);
    return made;
}

// The key: the leaf, all that was sent (of which the leaf is the first), the name.
tls_session_store::digest key_of(const self_signed& pair, const std::string& name) {
    std::array<unsigned char, 32> leaf{};
    unsigned int size = 0;
    EXPECT_EQ(X509_digest(parsed(pair.certificate_pem).get(), EVP_sha256(), leaf.data(), &size), 1);
    const std::string one(reinterpret_cast<const char*>(leaf.data()), leaf.size());
    const std::string text = one + one + name;
    tls_session_store::digest made{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), made.data());
    return made;
}

TEST(TlsChains, AreRememberedForAnHour) {
    const self_signed pair = certificate_for({"a.test"});
    const trusting one{pair.certificate_pem};
    const time_point before = worker::clock();
    ASSERT_TRUE(one.accepts(pair, "a.test"));
    const time_point after = worker::clock();
    const tls_session_store::digest key = key_of(pair, "a.test");
    EXPECT_TRUE(one.store->knows(key, before + 1h - 1ns));
    EXPECT_FALSE(one.store->knows(key, after + 1h));
}

TEST(TlsChains, AreNotRememberedBeyondTheLeafsEnd) {
    const self_signed pair = ending_in(1000, certificate_for({"a.test"}));
    const trusting one{pair.certificate_pem};
    const time_point before = worker::clock();
    ASSERT_TRUE(one.accepts(pair, "a.test"));
    const time_point after = worker::clock();
    const tls_session_store::digest key = key_of(pair, "a.test");
    // Certificates know seconds only.
    EXPECT_TRUE(one.store->knows(key, before + 1000s - 3s));
    EXPECT_FALSE(one.store->knows(key, after + 1000s));
}

// ---- Failures

// H8: what one connection's failure leaves in OpenSSL's queue is another's to stumble over.
TEST(TlsClient, H8_LeavesNoErrorBehindAFailure) {
    const self_signed pair = certificate_for({"site.test"});
    const std::string stranger = certificate_for({"other.test"}).certificate_pem;
    const std::string foreign[] = {stranger, pair.certificate_pem, pair.certificate_pem};
    const std::string names[] = {"site.test", "other.test", ""};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        tls_client_options options;
        options.ca_pem = foreign[i];
        both_ends ends;
        ends.connect({presenting(pair), nothing}, {client_of(options), names[i]});
        EXPECT_FALSE(ends.client.handshake);
        EXPECT_EQ(ERR_peek_error(), 0U) << names[i];
    }
    // Peers that speak nothing of the kind, refuse, speak it wrong, or leave.
    using answer = void (*)(peer & with);
    const answer answers[] = {
        [](peer& with) { with.send("HTTP/1.1 200 OK\r\n\r\n"); },
        [](peer& with) { with.send(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)); },
        [](peer& with) { with.send(std::string("\x16\x03\x03\x00\x05\x02\0\0\x01\0", 10)); },
        [](peer& with) { with.half_close(); },
        [](peer& with) { with.reset(); },
    };
    for (const answer each : answers) {
        penstock::test::scripted_origin origin([each](peer& with, int) {
            static_cast<void>(with.read_some());
            each(with);
            static_cast<void>(with.wait_closed());
        });
        tls_client_options options;
        options.ca_pem = pair.certificate_pem;
        worker home(0);
        client_plan plan{client_of(options), "site.test"};
        seen got;
        run(home, connect_tls(home, *socket_address::parse("127.0.0.1", origin.port()), plan, got));
        EXPECT_FALSE(got.handshake);
        EXPECT_EQ(ERR_peek_error(), 0U) << got.failure;
    }
}

}  // namespace
}  // namespace penstock::net
