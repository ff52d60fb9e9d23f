// HTTP/2 with the clients that people run: curl, nghttp and h2load in front, nginx and Node behind.
#include "support/certificate.hpp"
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr const char* mirror =
    "let body = '';\n"
    "request.on('data', (piece) => body += piece);\n"
    "request.on('end', () => response.end(JSON.stringify({method: request.method,\n"
    "  url: request.url, headers: request.headers, size: body.length,\n"
    "  trailers: request.trailers})));";

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A plain and a TLS listener in front of one origin.
std::string both_listeners(const std::string& origin, const certificate_files& files) {
    return "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: \"-\"}}\n"
           "listeners:\n"
           "  web: {bind: \"127.0.0.1:0\"}\n"
           "  edge: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: " +
           files.cert + ", key: " + files.key +
           "}]}}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"], pool: {connections: 512}}}\n";
}

class H2 : public testing::Test {
 protected:
    std::string secure(const std::string& path = "/") const {
        return "https://127.0.0.1:" + std::to_string(proxy.port("edge")) + path;
    }
    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
    node_origin origin{mirror};
    daemon proxy{both_listeners(origin.address(), files)};
};

TEST_F(H2, IsWhatCurlAgreesOnOverTls) {
    const command_result got =
        curl({"-k", "-w", "%{http_version}", "-H", "X-Custom: kept", secure("/a?b=c")});
    EXPECT_TRUE(contains(got.out, "\"url\":\"/a?b=c\"")) << got.out << got.err;
    EXPECT_TRUE(contains(got.out, "\"x-forwarded-proto\":\"https\"")) << got.out;
    EXPECT_TRUE(contains(got.out, "\"x-custom\":\"kept\"")) << got.out;
    EXPECT_TRUE(got.out.ends_with("}2")) << got.out;
    EXPECT_TRUE(curl({"-k", "--http1.1", "-w", "%{http_version}", secure()}).out.ends_with("}1.1"));
    const std::string line = proxy.running().wait_for("\"network.protocol.version\":\"2\"");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 200);
}

TEST_F(H2, IsSpokenWithoutTlsToWhoKnows) {
    const std::string got =
        curl({"--http2-prior-knowledge", "-w", "%{http_version}", proxy.url("web", "/x")}).out;
    EXPECT_TRUE(contains(got, "\"url\":\"/x\"")) << got;
    EXPECT_TRUE(got.ends_with("}2")) << got;
    // Nobody is switched in mid-connection: the request is served as what it is.
    const std::string upgrade = curl({"--http2", "-w", "%{http_version}", proxy.url("web")}).out;
    EXPECT_TRUE(upgrade.ends_with("}1.1")) << upgrade;
    EXPECT_FALSE(contains(upgrade, "http2-settings")) << upgrade;
}

// `protocols: [h2]` and `[h2c]`: nothing else is spoken.
TEST(H2Alone, IsAllThatTheListenerSpeaks) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const daemon proxy(
        "listeners:\n"
        "  web: {bind: \"127.0.0.1:0\", protocols: [h2c]}\n"
        "  edge: {bind: \"127.0.0.1:0\", protocols: [h2], tls: {certificates: [{cert: " +
        files.cert + ", key: " + files.key + "}]}}\nroutes: [{respond: {body: hello}}]\n");
    const std::string edge = "https://127.0.0.1:" + std::to_string(proxy.port("edge")) + "/";
    EXPECT_EQ(curl({"--http2-prior-knowledge", proxy.url("web")}).out, "hello");
    EXPECT_EQ(curl({"-k", edge}).out, "hello");
    EXPECT_EQ(curl({"--http1.1", proxy.url("web")}).out.find("hello"), std::string::npos);
    EXPECT_NE(curl({"-k", "--http1.1", edge}).status.code, 0);
}

// ATTACKS H6, RFC 9113 §9.2.2: to who names no protocol but can only mean HTTP/2.
TEST(H2Alone, IsNotSpokenWithAWeakCipher) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const std::string tls = "tls: {certificates: [{cert: " + files.cert + ", key: " + files.key +
                            "}], ciphers: ECDHE-ECDSA-AES128-";
    for (const std::string cipher : {"SHA256", "GCM-SHA256"}) {
        const daemon proxy("listeners: {web: {bind: \"127.0.0.1:0\", protocols: [h2], " + tls +
                           cipher + "}}}\nroutes: [{respond: {body: hello}}]\n");
        peer client(proxy.port("web"), {.tls = true, .alpn = "", .tls12 = true});
        const h2::field_list request = {
            {":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a.test"}};
        client.send(h2::hello() + h2::head(1, request));
        std::string received;
        h2::read_frame next;
        while (next.type != h2::goaway && next.type != h2::headers) {
            const std::string more = client.read_some();
            ASSERT_NE(more, "");
            received += more;
            while (next.type != h2::goaway && next.type != h2::headers &&
                   h2::next_frame(received, next)) {
            }
        }
        constexpr std::uint32_t inadequate_security = 12;
        ASSERT_EQ(next.type, cipher == "SHA256" ? h2::goaway : h2::headers);
        if (next.type == h2::goaway) {
            EXPECT_EQ(next.number(4), inadequate_security);
            (void)client.read_to_end();
        }
    }
}

// ATTACKS D7: what an HTTP/1 origin is told of the body.
TEST_F(H2, BodiesAreFramedForAnHttp1Origin) {
    const std::string sized = curl({"-k", "-d", "hello", secure()}).out;
    EXPECT_TRUE(contains(sized, "\"content-length\":\"5\"")) << sized;
    EXPECT_FALSE(contains(sized, "transfer-encoding")) << sized;
    const std::string file = dir.write("body", std::string(3'000'000, 'b'));
    const std::string streamed =
        curl({"-k", "-H", "Content-Length:", "--data-binary", "@" + file, secure()}).out;
    EXPECT_TRUE(contains(streamed, "\"transfer-encoding\":\"chunked\"")) << streamed;
    EXPECT_TRUE(contains(streamed, "\"size\":3000000")) << streamed;
    const std::string empty = curl({"-k", "-X", "POST", secure()}).out;
    EXPECT_TRUE(contains(empty, "\"content-length\":\"0\"")) << empty;
    const std::string none = curl({"-k", secure()}).out;
    EXPECT_FALSE(contains(none, "content-length")) << none;
    EXPECT_FALSE(contains(none, "transfer-encoding")) << none;
}

TEST_F(H2, NghttpSeesAWholeAnswer) {
    const command_result got = run({"nghttp", "-v", secure("/n")});
    EXPECT_EQ(got.status.code, 0) << got.err;
    EXPECT_TRUE(contains(got.out, ":status: 200")) << got.out;
    EXPECT_TRUE(contains(got.out, "error_code=NO_ERROR")) << got.out;
}

TEST(H2Transfer, OfLargeBodiesIsByteForByteTheSame) {
    nginx_origin origin("location / { }");
    std::string bytes(20'000'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>((i * 2654435761U) >> 13U);
    origin.files().write("large", bytes);
    const temp_dir dir;
    const daemon proxy(both_listeners(origin.address(), write_certificate(dir, "a.test")));
    const std::string edge = "https://127.0.0.1:" + std::to_string(proxy.port("edge"));
    EXPECT_TRUE(curl({"-k", edge + "/large"}).out == bytes);
    EXPECT_TRUE(curl({"--http2-prior-knowledge", proxy.url("web", "/large")}).out == bytes);
}

TEST(H2Load, EveryRequestIsAnsweredAndCounted) {
    nginx_origin origin("location / { return 200 'hello'; }");
    const temp_dir dir;
    const daemon proxy(both_listeners(origin.address(), write_certificate(dir, "a.test")));
    const std::string count = sanitized() ? "2000" : "20000";
    for (const std::string& url :
         {proxy.url("web"), "https://127.0.0.1:" + std::to_string(proxy.port("edge")) + "/"}) {
        const command_result got = run({"h2load", "-c8", "-m32", "-n" + count, url});
        EXPECT_TRUE(contains(got.out, count + " succeeded, 0 failed, 0 errored")) << got.out;
    }
    const double all = 2 * std::stod(count);
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {"protocol=\"h2\""}, all);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"protocol=\"h2\"", "reason=\"none\""}), all);
    EXPECT_EQ(sum(found, "penstock_request_duration_seconds_count"), all);
    // As many connections to the origin as there were streams at once, twice, and those that nginx
    // ends after 1000 requests each.
    EXPECT_LE(sum(found, "penstock_pool_reuse_total", {"result=\"fresh\""}), 2 * 8 * 32 + 100);
}

}  // namespace
}  // namespace penstock::test
