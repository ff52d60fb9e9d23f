// What comes to a TLS port and is no TLS, or not the TLS that most clients speak.
#include "e2e/tls_site.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

struct plain_site {
    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
    daemon proxy{
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: \"" +
        files.cert + "\", key: \"" + files.key + "\"}]}}}\nroutes: [{respond: {body: pong}}]\n"};

    [[nodiscard]] std::string base(std::string_view scheme) const {
        return std::string(scheme) + "://127.0.0.1:" + std::to_string(proxy.port("web"));
    }
    void expect_serves() const { EXPECT_EQ(curl({"-k", base("https") + "/"}).out, "pong"); }
};

class PlainHttpOnATlsPort : public testing::TestWithParam<std::string> {};

TEST_P(PlainHttpOnATlsPort, IsAnsweredWithAPlain400) {
    plain_site here;
    for (const std::size_t piece : {0U, 1U}) {
        const std::string& request = GetParam();
        peer client(here.proxy.port("web"));
        if (piece == 0)
            client.send(request);
        else
            client.send_in_pieces(request.substr(0, 8));
        const std::string method = request.substr(0, request.find(' '));
        const http_response got = read_response(client, method);
        EXPECT_EQ(got.status, 400);
        EXPECT_EQ(got.field("Connection"), "close");
        EXPECT_EQ(got.field("Proxy-Status"), "penstock; error=plain_http");
        if (method != "HEAD") {
            EXPECT_NE(got.body.find("This port speaks TLS"), std::string::npos) << got.body;
        }
        EXPECT_EQ(client.read_to_end(), "");
    }
    const std::string line = here.proxy.running().wait_for("\"penstock.reason\":\"plain_http\"");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 400) << line;
    EXPECT_EQ(text_in(line, "url.scheme"), "http") << line;
    const samples found = wait_for_sum(here.proxy, "penstock_tls_handshake_failures_total",
                                       {"reason=\"not_tls\""}, 2);
    EXPECT_EQ(sum(found, "penstock_tls_probes_total"), 0);
    here.expect_serves();
}

INSTANTIATE_TEST_SUITE_P(
    , PlainHttpOnATlsPort,
    testing::Values("GET /a HTTP/1.1\r\nHost: a.test\r\n"
                    "User-Agent: old/1\r\n\r\n",
                    "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n",
                    "DELETE /a HTTP/1.1\r\nHost: a.test\r\n\r\n",
                    "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}",
                    "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    [](const auto& each) { return each.param.substr(0, each.param.find(' ')); });

TEST(PlainHttpOnATlsPortByCurl, IsToldToUseTls) {
    plain_site here;
    const command_result got =
        curl({"-w", " %{http_code}", "-A", "old/1", here.base("http") + "/a"});
    EXPECT_NE(got.out.find("This port speaks TLS"), std::string::npos) << got.out << got.err;
    EXPECT_TRUE(got.out.ends_with(" 400")) << got.out;
    // What was read of it is in the log.
    const std::string line = here.proxy.running().wait_for("\"penstock.reason\":\"plain_http\"");
    EXPECT_EQ(text_in(line, "http.request.method"), "GET") << line;
    EXPECT_EQ(text_in(line, "url.path"), "/a") << line;
    EXPECT_EQ(text_in(line, "user_agent.original"), "old/1") << line;
}

// Nothing that is no text is answered in HTTP.
TEST(OtherProtocolsOnATlsPort, AreClosed) {
    plain_site here;
    for (const std::string& bytes : {std::string("\0\0\0\x08\x04\xd2", 6), std::string(9, '\x80'),
                                     std::string("*1\r\n$4\r\nPING\r\n")}) {
        peer client(here.proxy.port("web"));
        client.send(bytes);
        client.wait_closed();
        EXPECT_EQ(client.received().find("HTTP/1"), std::string::npos);
    }
    here.expect_serves();
}

// A health check that connects and says nothing, however it leaves.
TEST(TlsProbe, IsNoFailedHandshake) {
    plain_site here;
    {
        peer leaves(here.proxy.port("web"));
        leaves.close();
        peer half(here.proxy.port("web"));
        half.half_close();
        half.wait_closed();
        peer resets(here.proxy.port("web"));
        resets.reset();
    }
    const samples found = wait_for_sum(here.proxy, "penstock_tls_probes_total", {}, 3);
    EXPECT_EQ(sum(found, "penstock_tls_handshake_failures_total"), 0);
    EXPECT_EQ(sum(found, "penstock_tls_handshake_seconds_count"), 0);
    // One byte is a handshake that failed.
    peer begins(here.proxy.port("web"));
    begins.send("\x16");
    begins.half_close();
    begins.wait_closed();
    const samples more = wait_for_sum(here.proxy, "penstock_tls_handshake_failures_total", {}, 1);
    EXPECT_EQ(sum(more, "penstock_tls_probes_total"), 3);
    const std::string line = here.proxy.running().wait_for("TLS handshake failed");
    EXPECT_NE(line.find(":" + std::to_string(begins.local_port()) + " "), std::string::npos)
        << line;
}

// RFC 7301: a client that knows nothing newer gets HTTP/1.
TEST(AlpnHttp10, GetsHttp1) {
    plain_site here;
    const command_result got =
        curl({"-k", "--http1.0", "-w", " %{http_code} %{http_version}", here.base("https") + "/"});
    EXPECT_EQ(got.out, "pong 200 1.1") << got.err;
    peer client(here.proxy.port("web"), {.tls = true, .alpn = "http/1.0"});
    EXPECT_EQ(client.alpn(), "http/1.0");
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(read_response(client).body, "pong");
}

TEST(TlsGroups, HaveP384) {
    plain_site here;
    const std::string address = "127.0.0.1:" + std::to_string(here.proxy.port("web"));
    for (const std::string group : {"P-384", "P-256", "X25519"}) {
        const command_result got =
            run({"sh", "-c",
                 "echo | openssl s_client -connect " + address + " -groups " + group + " 2>&1"});
        EXPECT_EQ(got.out.find("handshake failure"), std::string::npos) << got.out;
        EXPECT_NE(got.out.find("Cipher is TLS_"), std::string::npos) << got.out;
    }
}

}  // namespace
}  // namespace penstock::test
