// Connections of TLS 1.2 and 1.3 against OpenSSL's client, by suite: after the handshake AES-GCM
// and ChaCha20-Poly1305 go on by records of our own, all others by OpenSSL.
#include "net/tls_records.hpp"
#include "unit/net/tls_ends.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::net {
namespace {

using namespace test;

raw_context client_of(std::string_view suite) {
    raw_context context = raw_client_context();
    const std::string name(suite);
    if (suite.starts_with("TLS_")) {
        SSL_CTX_set_ciphersuites(context.get(), name.c_str());
    } else {
        SSL_CTX_set_cipher_list(context.get(), name.c_str());
        SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    }
    return context;
}

void expect_echo(server_end& server, const char* suite) {
    const seen& got = server.against(echo, [suite](std::uint16_t port) {
        const raw_context context = client_of(suite);
        raw_client with(port, context.get());
        ASSERT_TRUE(with.handshake());
        with.send(pattern(50000));
        with.say_close();
        EXPECT_EQ(with.read_exactly(50000), pattern(50000));
        EXPECT_TRUE(with.closed_cleanly());
    });
    EXPECT_EQ(got.facts.cipher, suite) << got.failure;
    EXPECT_EQ(got.text, pattern(50000)) << suite;
}

TEST(TlsSuites, AreAllSpoken) {
    server_end server;
    for (const char* const suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
          "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
          "ECDHE-ECDSA-CHACHA20-POLY1305"})
        expect_echo(server, suite);
}

TEST(TlsSuites, OthersStayWithOpenSsl) {
    tls_server_options options;
    options.ciphers = "ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA";
    options.suites = "TLS_AES_128_CCM_SHA256";
    server_end server(options);
    for (const char* const suite : {"ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-SHA384",
                                    "ECDHE-ECDSA-AES128-SHA", "TLS_AES_128_CCM_SHA256"})
        expect_echo(server, suite);
}

// A client's keys of TLS 1.2, taken from OpenSSL's in the middle of its handshake: what it seals
// from then on OpenSSL would not.
struct client_keys {
    // False until there are keys. `sealed`: records that OpenSSL has sealed by then.
    bool take(SSL* from, std::uint64_t sealed) {
        const SSL_SESSION* const session = SSL_get_session(from);
        tls12_secrets secrets;
        if (session == nullptr ||
            SSL_SESSION_get_master_key(session, secrets.master.data(), secrets.master.size()) !=
                secrets.master.size())
            return false;
        SSL_get_client_random(from, secrets.client_random.data(), secrets.client_random.size());
        SSL_get_server_random(from, secrets.server_random.data(), secrets.server_random.size());
        secrets.of_client = sealed;
        const SSL_CIPHER* const cipher = SSL_get_pending_cipher(from);
        EXPECT_TRUE(tls_record_key::set_tls12(cipher, secrets, seals, of_server));
        EXPECT_TRUE(tls_record_key::set_tls12(cipher, secrets, of_client, of_server));
        return true;
    }
    // What OpenSSL has sealed.
    std::string unseal(const std::string& record) {
        std::string text(record.size(), '\0');
        const auto size = of_client.open({record.data(), record.size()}, text.data());
        EXPECT_TRUE(size);
        text.resize(size.value_or(0));
        return text;
    }
    std::string seal(unsigned char type, std::string_view data) {
        std::string one(data.size() + seals.overhead(), '\0');
        EXPECT_TRUE(seals.seal(type, data, one.data()));
        return one;
    }
    std::string close() { return seal(SSL3_RT_ALERT, std::string_view("\1\0", 2)); }

    tls_record_key seals{tls_record_key::use::seal};
    tls_record_key of_client{tls_record_key::use::open};
    tls_record_key of_server{tls_record_key::use::open};
};

// RFC 7918: browsers say what they want before they have our Finished, and say no more until they
// have it.
TEST(TlsSuites, FalseStartIsServed) {
    server_end server;
    const seen& got = server.against(echo, [](std::uint16_t port) {
        const raw_context context = client_of("ECDHE-ECDSA-AES128-GCM-SHA256");
        raw_client with(port, context.get());
        client_keys keys;
        ASSERT_TRUE(with.handshake(0, [&] {
            const bool now = !keys.seals.tls12() && keys.take(with.ssl(), 1);
            return now ? keys.seal(SSL3_RT_APPLICATION_DATA, "early") : std::string();
        }));
        with.transport().send(keys.close());
        EXPECT_EQ(with.read_exactly(5), "early");
        EXPECT_TRUE(with.closed_cleanly());
    });
    EXPECT_EQ(got.text, "early") << got.failure;
}

// RFC 5246 §6.2.1: a message may be cut into records as its sender likes. Each has its number.
TEST(TlsSuites, FinishedInTwoRecordsIsServed) {
    constexpr std::size_t finished = 16;
    server_end server;
    const seen& got = server.against(echo, [](std::uint16_t port) {
        const raw_context context = client_of("ECDHE-ECDSA-AES256-GCM-SHA384");
        raw_client with(port, context.get());
        client_keys keys;
        ASSERT_TRUE(with.handshake(0, [&]() -> std::string {
            if (keys.seals.tls12() || !keys.take(with.ssl(), 0))
                return {};
            std::string flight(16384, '\0');
            const int size = BIO_read(SSL_get_wbio(with.ssl()), flight.data(), 16384);
            flight.resize(static_cast<std::size_t>(std::max(0, size)));
            const std::size_t last = flight.size() - finished - keys.seals.overhead();
            const std::string message = keys.unseal(flight.substr(last));
            flight.resize(last);
            flight += keys.seal(SSL3_RT_HANDSHAKE, message.substr(0, 5));
            flight += keys.seal(SSL3_RT_HANDSHAKE, message.substr(5));
            return flight;
        }));
        with.transport().send(keys.seal(SSL3_RT_APPLICATION_DATA, "behind"));
        with.transport().send(keys.close());
        EXPECT_EQ(with.read_exactly(6), "behind");
        EXPECT_TRUE(with.closed_cleanly());
    });
    EXPECT_EQ(got.text, "behind") << got.failure;
}

}  // namespace
}  // namespace penstock::net
