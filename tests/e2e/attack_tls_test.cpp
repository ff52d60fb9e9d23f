// What hostile peers do with TLS: the lines of ATTACKS.md's section H that need a whole proxy. The
// others are tests of net and of tls_test, named H1 to H8 and F8 as well.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace penstock::test {
namespace {

struct ssl_deleter {
    void operator()(SSL_CTX* one) const noexcept { SSL_CTX_free(one); }
    void operator()(SSL* one) const noexcept { SSL_free(one); }
};

std::string over_tls(const certificate_files& files) {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlisteners: {web: {bind: \"127.0.0.1:0\", "
           "tls: "
           "{certificates: [{cert: \"" +
           files.cert + "\", key: \"" + files.key + "\"}]}}}\nroutes: [{respond: {body: pong}}]\n";
}

// Towards an origin whose certificates `ca` vouches for.
std::string to_tls_origin(const std::string& address, const std::string& ca,
                          const std::string& name) {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           address + "\"], tls: {ca: \"" + ca + "\", server_name: " + name + "}}}\n";
}

// OpenSSL as a client over memory: the test carries the bytes, and may add its own.
class memory_client {
 public:
    memory_client(std::uint16_t port, void (*set)(SSL_CTX*))
        : over(port), context_(SSL_CTX_new(TLS_client_method())) {
        set(context_.get());
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
        SSL_set_connect_state(ssl_.get());
    }
    bool shake_hands() {
        for (;;) {
            const int done = SSL_do_handshake(ssl_.get());
            char* data = nullptr;
            const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
            if (size > 0)
                over.send({data, static_cast<std::size_t>(size)});
            (void)BIO_reset(SSL_get_wbio(ssl_.get()));
            if (done == 1)
                return true;
            if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ)
                return false;
            const std::string more = over.read_some();
            if (more.empty())
                return false;
            take(more);
        }
    }
    // The alert that ended the connection; 0 = none, or it was reset.
    int last_alert() {
        if (over.wait_closed() != closing::eof)
            return 0;
        take(over.pending());
        ERR_clear_error();
        char byte = 0;
        while (SSL_read(ssl_.get(), &byte, 1) > 0) {
        }
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        return reason > SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : 0;
    }
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

    peer over;

 private:
    void take(const std::string& bytes) {
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    std::unique_ptr<SSL_CTX, ssl_deleter> context_;
    std::unique_ptr<SSL, ssl_deleter> ssl_;
};

// TLS 1.2 knew a second handshake on the same connection; who asks for one is answered with an
// alert.
TEST(AttackTls, H5_RenegotiationIsRefused) {
    const temp_dir dir;
    const daemon proxy(over_tls(write_certificate(dir, "a.test")));
    memory_client client(proxy.port("web"),
                         [](SSL_CTX* of) { SSL_CTX_set_max_proto_version(of, TLS1_2_VERSION); });
    ASSERT_TRUE(client.shake_hands());
    ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
    EXPECT_FALSE(client.shake_hands());
    EXPECT_EQ(sum(scrape(proxy), "penstock_tls_handshakes_total", {"result=\"ok\""}), 1);
}

// More than the kernel holds is still under way when we have had enough: closed at once, the
// connection would be reset, and the alert lost.
TEST(AttackTls, F8_AHelloThatIsTooLongEndsWithItsAlert) {
    const temp_dir dir;
    const daemon proxy(over_tls(write_certificate(dir, "a.test")));
    // A handshake message of 16 MiB less a byte, in records of 16 KiB.
    std::string hello("\x16\3\1\x40\0\1\0\xff\xff", 9);
    hello.append(16380, '\0');
    std::string bytes;
    for (int i = 0; i < 200; ++i)
        bytes += hello;
    peer client(proxy.port("web"));
    client.send(bytes);
    EXPECT_EQ(client.read_to_end(), std::string("\x15\3\3\0\2\2\x2f", 7));
}

TEST(AttackTls, F8_ABrokenRecordEndsWithItsAlert) {
    const temp_dir dir;
    const daemon proxy(over_tls(write_certificate(dir, "a.test")));
    const std::string record = std::string("\x17\3\3\x40\0", 5) + std::string(16384, 'x');
    // More than one read takes in, and less than the MiB that a close waits for.
    std::string bytes;
    for (int i = 0; i < 50; ++i)
        bytes += record;
    for (const bool h2 : {false, true}) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            SCOPED_TRACE(std::to_string(version) + (h2 ? ", HTTP/2" : ", HTTP/1.1"));
            memory_client client(proxy.port("web"), h2 ? [](SSL_CTX* of) {
                SSL_CTX_set_alpn_protos(of, reinterpret_cast<const unsigned char*>("\2h2"), 3);
            } : [](SSL_CTX*) {});
            SSL_set_min_proto_version(client.ssl(), version);
            SSL_set_max_proto_version(client.ssl(), version);
            ASSERT_TRUE(client.shake_hands());
            say(client.over, bytes, writing::whole);
            EXPECT_EQ(client.last_alert(), SSL_AD_BAD_RECORD_MAC);
        }
    }
}

// An answer that is there before the handshake is nobody's (CVE-2026-1642).
TEST(AttackTls, H7_PlaintextBeforeTheOriginsHandshakeIsDropped) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "origin.test");
    scripted_origin origin([](peer& client, int) {
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        client.wait_closed();
    });
    daemon proxy(to_tls_origin(origin.address(), files.cert, "origin.test"));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.body.find("evil"), std::string::npos);
    EXPECT_NE(proxy.running().wait_for("tls_protocol_error"), "");
}

// A name with a NUL in it is not what stands in front of the NUL (CVE-2026-47778).
TEST(AttackTls, H7_ANulInACertificatesNameHidesNothing) {
    const temp_dir dir;
    const certificate_files files{dir.path("nul.pem"), dir.path("nul.key")};
    // GeneralNames of one dNSName, "site.test" NUL ".evil".
    const command_result made =
        run({"openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-subj", "/CN=site.test", "-addext",
             "subjectAltName=DER:30:11:82:0f:73:69:74:65:2e:74:65:73:74:00:2e:65:76:69:6c", "-out",
             files.cert, "-keyout", files.key});
    ASSERT_EQ(made.status, (exit_status{0, 0})) << made.err;
    scripted_origin origin(scripted_origin::answer([](const http_request&) {
                               return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                           }),
                           files);
    daemon proxy(to_tls_origin(origin.address(), files.cert, "site.test"));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 502);
    EXPECT_NE(proxy.running().wait_for("tls_certificate_error"), "");
}

}  // namespace
}  // namespace penstock::test
