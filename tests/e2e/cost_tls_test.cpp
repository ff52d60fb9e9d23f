// What TLS and HTTP/2 cost, in the counts of cost_test: calls for a batch of streams, and the
// memory of connections that idle.
#include "e2e/cost_site.hpp"
#include "support/certificate.hpp"
#include "support/h2_client.hpp"
#include "support/http_reader.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr int streams = 16;  // as many as the proxy takes up in one turn of its loop

struct ssl_deleter {
    void operator()(SSL_CTX* one) const noexcept { SSL_CTX_free(one); }
    void operator()(SSL* one) const noexcept { SSL_free(one); }
    void operator()(SSL_SESSION* one) const noexcept { SSL_SESSION_free(one); }
};

class CostOfTls : public testing::Test {
 protected:
    void SetUp() override {
        if (sanitized())
            GTEST_SKIP() << "a sanitizer's own work would be counted";
    }
    [[nodiscard]] std::string site() const {
        return R"(
workers: 1
listeners: {web: {bind: "127.0.0.1:0", limits: {connections: 0}, tls: {certificates: [{cert: ")" +
               files.cert + R"(", key: ")" + files.key + R"("}]}}}
routes: [{respond: {status: 200, body: pong}}]
)";
    }
    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
};

h2::field_list get() {
    return {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a.test"}};
}

TEST_F(CostOfTls, OfABatchOfStreams) {
    counted_daemon of(site());
    h2_client client(of.proxy->port("web"), true);
    std::uint32_t stream = 1;
    const auto ask = [&](int count) {
        std::string batch;
        for (int i = 0; i < count; ++i, stream += 2)
            batch += h2::head(stream, get(), true);
        client.send(batch);
        for (std::uint32_t each = stream - 2 * static_cast<std::uint32_t>(count); each < stream;
             each += 2)
            EXPECT_EQ(client.response(each).status(), 200);
    };
    ask(streams);
    // A batch may come before the one in front of it is put away: once, there are twice as many.
    std::uint64_t fewest = std::numeric_limits<std::uint64_t>::max();
    for (int i = 0; i < 3; ++i) {
        const counts before = of.read();
        ask(streams);
        const counts after = of.read();
        EXPECT_EQ(after.receives - before.receives, 1U);
        EXPECT_EQ(after.empty_receives - before.empty_receives, 0U);
        EXPECT_EQ(after.sends - before.sends, 1U);
        EXPECT_EQ(after.controls - before.controls, 0U);
        fewest = std::min(fewest, after.allocations - before.allocations);
    }
    EXPECT_LE(fewest, 3U * streams);
}

// Of TLS 1.3, and 1.2 if true.
class CostOfTlsVersion : public CostOfTls, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Versions, CostOfTlsVersion, testing::Bool(), [](const auto& param) {
    return std::string(param.param ? "Tls12" : "Tls13");
});

TEST_P(CostOfTlsVersion, OfARequestOverHttp1) {
    counted_daemon of(site());
    peer client(of.proxy->port("web"), {.tls = true, .alpn = "http/1.1", .tls12 = GetParam()});
    const auto ask = [&] {
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(client).status, 200);
    };
    for (int i = 0; i < 10; ++i)
        ask();
    const counts before = of.read();
    for (int i = 0; i < 100; ++i)
        ask();
    const counts after = of.read();
    EXPECT_EQ(after.receives - before.receives, 100U);
    EXPECT_EQ(after.empty_receives - before.empty_receives, 0U);
    EXPECT_EQ(after.sends - before.sends, 100U);
    EXPECT_EQ(after.controls - before.controls, 0U);
    EXPECT_EQ(after.allocations - before.allocations, 0U);
}

// An origin's connection stays OpenSSL's, whose memory comes out of lists as well.
TEST_P(CostOfTlsVersion, OfARequestToAnOrigin) {
    const daemon origin(site());
    counted_daemon of(R"(
workers: 1
listeners: {web: {bind: "127.0.0.1:0"}}
routes: [{upstream: app}]
upstreams: {app: {endpoints: ["127.0.0.1:)" +
                      std::to_string(origin.port("web")) + R"("], tls: {ca: ")" + files.cert +
                      R"(", server_name: a.test}}}
)");
    peer client(of.proxy->port("web"));
    const auto ask = [&] {
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(client).status, 200);
    };
    for (int i = 0; i < 10; ++i)
        ask();
    const counts before = of.read();
    for (int i = 0; i < 100; ++i)
        ask();
    const counts after = of.read();
    EXPECT_EQ(after.receives - before.receives, 200U);
    EXPECT_EQ(after.sends - before.sends, 200U);
    EXPECT_EQ(after.allocations - before.allocations, 0U);
}

// A client that keeps what it has to say until it waits for an answer, so that its request comes
// with the end of its handshake. Says whether it was sent a ticket, and the close at the end.
struct one_request {
    bool answered = false;
    bool resumed = false;
    bool ticket = false;
    bool close_notify = false;

    one_request(std::uint16_t port, std::unique_ptr<SSL_SESSION, ssl_deleter>& session,
                bool tls12) {
        peer over(port);
        const std::unique_ptr<SSL_CTX, ssl_deleter> context(SSL_CTX_new(TLS_client_method()));
        if (tls12)
            SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, nullptr);
        const std::unique_ptr<SSL, ssl_deleter> ssl(SSL_new(context.get()));
        SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (session)
            SSL_set_session(ssl.get(), session.get());
        const auto say = [&] {
            char* data = nullptr;
            const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &data);
            if (size > 0)
                over.send({data, static_cast<std::size_t>(size)});
            (void)BIO_reset(SSL_get_wbio(ssl.get()));
        };
        while (SSL_connect(ssl.get()) != 1) {
            say();
            const std::string more = over.read_some();
            if (more.empty())
                throw test_error("the proxy closed in the handshake");
            BIO_write(SSL_get_rbio(ssl.get()), more.data(), static_cast<int>(more.size()));
        }
        const std::string request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
        SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
        say();
        const std::string rest = over.read_to_end();
        BIO_write(SSL_get_rbio(ssl.get()), rest.data(), static_cast<int>(rest.size()));
        std::string text(4096, '\0');
        const int size = SSL_read(ssl.get(), text.data(), static_cast<int>(text.size()));
        answered = size > 0 && text.rfind("HTTP/1.1 200", 0) == 0;
        resumed = SSL_session_reused(ssl.get()) == 1;
        close_notify = SSL_read(ssl.get(), text.data(), 1) == 0 &&
                       (SSL_get_shutdown(ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
        session.reset(SSL_get1_session(ssl.get()));
        ticket = SSL_SESSION_is_resumable(session.get()) == 1;
        SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
};

// The answer to the hello, and everything else: the ticket, the response and the close.
TEST_P(CostOfTlsVersion, OfAConnectionWithOneRequest) {
    counted_daemon of(site());
    std::unique_ptr<SSL_SESSION, ssl_deleter> session;
    (void)one_request(of.proxy->port("web"), session, GetParam());
    for (int i = 0; i < 5; ++i) {
        const counts before = of.read();
        const one_request got(of.proxy->port("web"), session, GetParam());
        const counts after = of.read();
        EXPECT_TRUE(got.answered);
        EXPECT_TRUE(got.resumed);
        EXPECT_TRUE(got.ticket);
        EXPECT_TRUE(got.close_notify);
        EXPECT_EQ(after.sends - before.sends, 2U);
        // OpenSSL's lists fill up with the first ones.
        if (i > 1) {
            EXPECT_LE(after.allocations - before.allocations, 20U);
        }
    }
}

template <class Connect>
std::uint64_t idle_bytes(const daemon& proxy, pid_t pid, Connect connect) {
    constexpr std::size_t warm = 50;
    constexpr std::size_t count = 5000;
    std::vector<decltype(connect(proxy.port("web")))> open;
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < warm + count; ++i) {
        if (i == warm)
            before = anonymous_bytes(pid);
        open.push_back(connect(proxy.port("web")));
    }
    return (anonymous_bytes(pid) - before) / count;
}

TEST_P(CostOfTlsVersion, OfAnIdleConnection) {
    if (most_descriptors() < 6000)
        GTEST_SKIP() << "needs 6000 descriptors";
    daemon proxy(site());
    const std::uint64_t each = idle_bytes(proxy, proxy.running().pid(), [](std::uint16_t port) {
        auto client = std::make_unique<peer>(
            port, connect_options{.tls = true, .alpn = "http/1.1", .tls12 = GetParam()});
        client->send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(*client).status, 200);
        return client;
    });
    RecordProperty("bytes", std::to_string(each));
    EXPECT_LE(each, 5U * 1024);
    EXPECT_GE(each, 1024U);
}

TEST_F(CostOfTls, OfAnIdleConnectionOfHttp2) {
    if (most_descriptors() < 6000)
        GTEST_SKIP() << "needs 6000 descriptors";
    daemon proxy(site());
    const std::uint64_t each = idle_bytes(proxy, proxy.running().pid(), [](std::uint16_t port) {
        auto client = std::make_unique<h2_client>(port, true);
        client->send(h2::head(1, get(), true));
        EXPECT_EQ(client->response(1).status(), 200);
        return client;
    });
    RecordProperty("bytes", std::to_string(each));
    EXPECT_LE(each, 24U * 1024);
    EXPECT_GE(each, 1024U);
}

}  // namespace
}  // namespace penstock::test
