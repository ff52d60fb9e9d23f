// What users of any reverse proxy take for granted, with the client and the origins that they run:
// curl in front, nginx and Node behind.
#include "support/certificate.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// Answers with what it was asked: one JSON object of method, url, version, headers, body, trailers.
constexpr const char* mirror =
    "let body = '';\n"
    "request.on('data', (piece) => body += piece);\n"
    "request.on('end', () => {\n"
    "  response.setHeader('content-type', 'application/json');\n"
    "  response.end(JSON.stringify({method: request.method, url: request.url,\n"
    "    version: request.httpVersion, headers: request.headers, body, trailers: "
    "request.trailers}));\n"
    "});";

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

class Curl : public testing::Test {
 protected:
    std::string fetch(const std::vector<std::string>& options, const std::string& path = "/") {
        std::vector<std::string> arguments = options;
        arguments.push_back(proxy.url("web", path));
        const command_result got = curl(arguments);
        EXPECT_EQ(got.status.code, 0) << got.err;
        return got.out;
    }
    node_origin origin{mirror};
    daemon proxy{proxy_to(origin.address())};
};

TEST_F(Curl, GetsAndSendsForwardingFields) {
    const std::string got =
        fetch({"-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Custom: kept"}, "/a?b=c");
    EXPECT_TRUE(contains(got, "\"method\":\"GET\"")) << got;
    EXPECT_TRUE(contains(got, "\"url\":\"/a?b=c\"")) << got;
    EXPECT_TRUE(contains(got, "\"x-forwarded-for\":\"127.0.0.1\"")) << got;
    EXPECT_TRUE(contains(got, "\"x-forwarded-proto\":\"http\"")) << got;
    EXPECT_TRUE(contains(got, "\"x-custom\":\"kept\"")) << got;
    EXPECT_TRUE(contains(got, "\"x-request-id\":\"")) << got;
    EXPECT_TRUE(contains(got, "\"host\":\"127.0.0.1:" + std::to_string(proxy.port("web")) + "\""))
        << got;
}

TEST_F(Curl, PostsWithLengthAndChunked) {
    EXPECT_TRUE(contains(fetch({"-d", "hello"}), "\"body\":\"hello\""));
    const std::string chunked = fetch({"-d", "hello", "-H", "Transfer-Encoding: chunked"});
    EXPECT_TRUE(contains(chunked, "\"body\":\"hello\"")) << chunked;
    EXPECT_TRUE(contains(chunked, "\"transfer-encoding\":\"chunked\"")) << chunked;
    EXPECT_TRUE(contains(fetch({"-X", "POST"}), "\"content-length\":\"0\""));
}

TEST_F(Curl, PutsAfter100Continue) {
    const temp_dir dir;
    const std::string file = dir.write("body", std::string(5000, 'b'));
    const command_result got =
        curl({"-v", "-H", "Expect: 100-continue", "-T", file, proxy.url("web", "/put")});
    EXPECT_TRUE(contains(got.err, "HTTP/1.1 100 Continue")) << got.err;
    EXPECT_TRUE(contains(got.out, std::string(5000, 'b')));
}

TEST_F(Curl, HeadHasTheLengthAndNoBody) {
    const std::string got = fetch({"-I"});
    EXPECT_TRUE(contains(got, "HTTP/1.1 200 OK")) << got;
    EXPECT_TRUE(contains(got, "application/json")) << got;
    EXPECT_FALSE(contains(got, "{")) << got;
}

TEST_F(Curl, ServesHttp10ClientsWithAndWithoutKeepAlive) {
    EXPECT_TRUE(contains(fetch({"--http1.0"}), "\"method\":\"GET\""));
    const std::string kept = fetch({"--http1.0", "-H", "Connection: keep-alive", "-i"});
    EXPECT_FALSE(contains(kept, "chunked")) << kept;
}

TEST_F(Curl, ReusesOneConnectionForManyRequests) {
    const command_result got =
        curl({"-v", proxy.url("web", "/1"), proxy.url("web", "/2"), proxy.url("web", "/3")});
    EXPECT_TRUE(contains(got.err, "Re-using existing connection")) << got.err;
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {}, 3);
    EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"fresh\""}), 1);
    EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"reused\""}), 2);
}

TEST_F(Curl, PassesMethodsThatItDoesNotKnow) {
    EXPECT_TRUE(contains(fetch({"-X", "PROPFIND"}), "\"method\":\"PROPFIND\""));
}

TEST_F(Curl, GivesCurlAbsoluteFormTheSameAnswer) {
    const std::string via = "http://127.0.0.1:" + std::to_string(proxy.port("web"));
    const command_result got = run({"curl", "-sS", "--proxy", via, "http://other.test/x"});
    EXPECT_TRUE(contains(got.out, "\"url\":\"/x\"")) << got.out << got.err;
    EXPECT_TRUE(contains(got.out, "\"host\":\"other.test\"")) << got.out;
}

TEST(CurlTls, FetchesOverHttpsAndNamesTheScheme) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    node_origin origin(mirror);
    daemon proxy(
        "admin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: " +
        files.cert + ", key: " + files.key +
        "}]}}}\n"
        "routes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n");
    const std::string port = std::to_string(proxy.port("web"));
    const command_result got =
        curl({"--cacert", files.cert, "--resolve", "a.test:" + port + ":127.0.0.1",
              "https://a.test:" + port + "/"});
    EXPECT_EQ(got.status.code, 0) << got.err;
    EXPECT_TRUE(contains(got.out, "\"x-forwarded-proto\":\"https\"")) << got.out;
    const samples found =
        wait_for_sum(proxy, "penstock_tls_handshakes_total", {"result=\"ok\""}, 1);
    EXPECT_GT(sum(found, "penstock_tls_certificate_not_after_seconds"), 1.7e9);
    // A client that does not trust it breaks the handshake off, and the next one is served all the
    // same.
    EXPECT_NE(curl({"https://127.0.0.1:" + port + "/"}).status.code, 0);
    EXPECT_EQ(curl({"-k", "https://127.0.0.1:" + port + "/"}).status.code, 0);
}

TEST(CurlTls, TalksToAnOriginOverVerifiedTls) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "origin.test");
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("over tls"); }),
        files);
    daemon proxy(
        proxy_to(origin.address(), "tls: {ca: " + files.cert + ", server_name: origin.test}"));
    EXPECT_EQ(curl({proxy.url("web")}).out, "over tls");
}

TEST(RealOrigins, NginxRangesRevalidationAndEmptyAnswersPass) {
    nginx_origin origin(
        "location / { } location /none { return 204; } location /redirect { return 301 /other; }");
    origin.files().write("file", "0123456789");
    daemon proxy(proxy_to(origin.address()));
    EXPECT_EQ(curl({"-r", "2-4", proxy.url("web", "/file")}).out, "234");
    const std::string head = curl({"-i", proxy.url("web", "/file")}).out;
    const std::size_t tag = head.find("ETag: ");
    ASSERT_NE(tag, std::string::npos) << head;
    const std::string etag = head.substr(tag + 6, head.find('\r', tag) - tag - 6);
    const command_result same =
        curl({"-i", "-H", "If-None-Match: " + etag, proxy.url("web", "/file")});
    EXPECT_TRUE(contains(same.out, "304 Not Modified")) << same.out;
    EXPECT_EQ(curl({"-w", "%{http_code}", proxy.url("web", "/none")}).out, "204");
    EXPECT_TRUE(contains(curl({"-i", proxy.url("web", "/redirect")}).out, "301 Moved Permanently"));
    // Over one origin connection of each worker: none of these answers left it in doubt.
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {}, 5);
    double workers = 0;
    for (const auto& [name, value] : found) {
        workers += name.starts_with("penstock_loop_delay_seconds{") ? 1 : 0;
    }
    EXPECT_LE(sum(found, "penstock_pool_reuse_total", {"result=\"fresh\""}), workers);
    EXPECT_EQ(sum(found, "penstock_pool_reuse_total"), 5);
}

TEST(RealOrigins, NodeEarlyHintsAndTrailersPass) {
    node_origin origin(
        "response.writeEarlyHints({link: '</a.css>; rel=preload'});\n"
        "response.writeHead(200, {trailer: 'x-sum', 'transfer-encoding': 'chunked'});\n"
        "response.write('body');\n"
        "response.addTrailers({'x-sum': '42'});\n"
        "response.end();");
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.interim, std::vector<int>{103});
    EXPECT_EQ(got.body, "body");
    EXPECT_EQ(find_field(got.trailers, "x-sum"), "42");
}

TEST(RealOrigins, NodeServerSentEventsArriveOneByOne) {
    node_origin origin(
        "response.writeHead(200, {'content-type': 'text/event-stream'});\n"
        "response.write('data: 1\\n\\n');\n"
        "request.socket.server.once('go', () => response.end('data: 2\\n\\n'));\n",
        "process.on('SIGUSR2', () => server.emit('go'));");
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    // The second event is sent only after the first has been received.
    client.read_until("data: 1\n\n");
    origin.running().signal(SIGUSR2);
    client.read_until("data: 2\n\n");
}

TEST(RealOrigins, NodeWebSocketHandshakeAndBytesPass) {
    node_origin origin(
        "response.end('plain');",
        "server.on('upgrade', (request, socket) => {\n"
        "  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n' +\n"
        "    'Connection: Upgrade\\r\\nX-Key: ' + request.headers['sec-websocket-key'] + "
        "'\\r\\n\\r\\n');\n"
        "  socket.on('data', (bytes) => socket.write(bytes));\n"
        "  socket.on('end', () => socket.end('bye'));\n"
        "});");
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send(
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n\r\n");
    const http_response got = read_response_head(client);
    EXPECT_EQ(got.status, 101);
    EXPECT_EQ(got.field("x-key"), "abc");
    client.send("ping");
    EXPECT_EQ(client.read_exactly(4), "ping");
    client.half_close();
    EXPECT_EQ(client.read_to_end(), "bye");
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"1xx\""}, 1);
    EXPECT_EQ(sum(found, "penstock_requests_total"), 1);
}

}  // namespace
}  // namespace penstock::test
