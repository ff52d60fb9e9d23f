// HTTP/2 towards origins: Node's own server behind, curl and clients of both versions in front.
#include "support/certificate.hpp"
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr const char* shapes = R"(
const path = headers[':path'], method = headers[':method'];
if (method === 'CONNECT') {
    stream.respond({':status': 200});
    stream.on('data', (piece) => stream.write(piece));
    stream.on('end', () => stream.end());
} else if (path === '/early') {
    stream.additionalHeaders({':status': 103, link: '</a>'});
    stream.respond({':status': 200});
    stream.end('late');
} else if (path === '/trailers') {
    stream.respond({':status': 200}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'x-last': 'one'}));
    stream.end('body');
} else if (path === '/trailers-alone') {
    stream.respond({':status': 200}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'x-last': 'one'}));
    stream.end();
} else if (path === '/reset') {
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
} else if (path === '/cut') {
    stream.respond({':status': 200, 'content-length': '1000'});
    stream.write('part', () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
} else if (path === '/none') {
    stream.respond({':status': 204}, {endStream: true});
} else if (path === '/hold') {
    const number = global.held = (global.held || 0) + 1;
    stream.on('close', () => console.log(`${number} closed with ${stream.rstCode};`));
    console.log(`holds ${number};`);
} else if (path === '/answered') {
    stream.respond({':status': 403});
    stream.end('no');
} else {
    let size = 0, trailers = '';
    stream.on('data', (piece) => size += piece.length);
    stream.on('trailers', (fields) => trailers = fields['x-sum'] || '');
    stream.on('end', () => {
        stream.respond({':status': 200, 'x-seen': JSON.stringify(headers)});
        stream.end(method === 'HEAD' ? undefined : `${method} ${path} ${size} ${trailers}`);
    });
}
)";

std::string site(const std::string& origin, const std::string& more = "") {
    return "workers: 1\n"
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"], protocol: h2" + more + "}}\n";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

constexpr const char* holds =
    "global.held = (global.held || 0) + 1; console.log(`holds ${global.held};`);";

class H2Origin : public testing::Test {
 protected:
    // With both versions in front.
    static std::vector<std::vector<std::string>> versions() {
        return {{"--http1.1"}, {"--http2-prior-knowledge"}};
    }
    command_result get(std::vector<std::string> arguments, const std::string& path) const {
        arguments.push_back(proxy.url("web", path));
        return curl(arguments);
    }

    temp_dir dir;
    node_h2_origin origin{shapes, "{settings: {enableConnectProtocol: true}}"};
    daemon proxy{site(origin.address())};
};

TEST_F(H2Origin, AnswersClientsOfBothVersions) {
    for (std::vector<std::string> with : versions()) {
        with.insert(with.end(), {"-i", "-H", "X-Custom: kept"});
        const std::string got = get(with, "/a?b=c").out;
        EXPECT_TRUE(contains(got, "GET /a?b=c 0")) << got;
        EXPECT_TRUE(contains(got, "\"x-custom\":\"kept\"")) << got;
        EXPECT_TRUE(contains(got, "\":scheme\":\"http\"")) << got;
        EXPECT_FALSE(contains(got, "\"connection\"")) << got;
        EXPECT_FALSE(contains(got, "\"host\"")) << got;
    }
}

TEST_F(H2Origin, GetsBodiesOfKnownAndUnknownLength) {
    const std::string file = dir.write("body", std::string(3'000'000, 'b'));
    for (const std::vector<std::string>& with : versions()) {
        std::vector<std::string> sized = with;
        sized.insert(sized.end(), {"-i", "--data-binary", "@" + file});
        std::vector<std::string> streamed = with;
        streamed.insert(streamed.end(), {"-i", "-H", "Content-Length:", "-T", file, "-X", "POST",
                                         "-H", "Transfer-Encoding: chunked"});
        if (with.front() != "--http1.1")
            streamed.resize(streamed.size() - 2);
        const std::string known = get(sized, "/up").out;
        EXPECT_TRUE(contains(known, "POST /up 3000000")) << known;
        EXPECT_TRUE(contains(known, "\"content-length\":\"3000000\"")) << known;
        const std::string unknown = get(streamed, "/up").out;
        EXPECT_TRUE(contains(unknown, "POST /up 3000000")) << unknown;
        EXPECT_FALSE(contains(unknown, "content-length\":")) << unknown;
        std::vector<std::string> empty = with;
        empty.insert(empty.end(), {"-i", "-X", "POST"});
        EXPECT_TRUE(contains(get(empty, "/up").out, "\"content-length\":\"0\""));
    }
}

TEST_F(H2Origin, SendsInterimHeadsTrailersAndAnswersWithoutABody) {
    for (const std::vector<std::string>& with : versions()) {
        std::vector<std::string> seen = with;
        seen.emplace_back("-i");
        const std::string early = get(seen, "/early").out;
        EXPECT_TRUE(contains(early, " 103") && contains(early, "</a>")) << early;
        EXPECT_TRUE(early.ends_with("late")) << early;
        std::vector<std::string> asks = seen;
        asks.insert(asks.end(), {"-H", "TE: trailers"});
        const std::string trailers = get(asks, "/trailers").out;
        EXPECT_TRUE(contains(trailers, "x-last: one")) << trailers;
        const std::string none = get(seen, "/none").out;
        EXPECT_TRUE(contains(none, " 204")) << none;
        std::vector<std::string> head = with;
        head.emplace_back("-I");
        const std::string only_head = get(head, "/x").out;
        EXPECT_TRUE(contains(only_head, " 200")) << only_head;
        EXPECT_FALSE(contains(only_head, "ontent-")) << only_head;
    }
}

// Node's own client in front as well: three connections with a hundred requests at once.
TEST_F(H2Origin, TrailersOfResponsesWithoutABodyAllArrive) {
    const std::string script = dir.write("client.js", R"(
const http2 = require('http2');
let whole = 0, ended = 0;
for (let i = 0; i < 3; ++i) {
    const client = http2.connect(process.argv[2]);
    let open = 100;
    for (let j = 0; j < 100; ++j) {
        const stream = client.request({':path': '/trailers-alone'});
        stream.on('trailers', (fields) => whole += fields['x-last'] === 'one' ? 1 : 0);
        stream.on('close', () => {
            if (--open === 0)
                client.close();
            if (++ended === 300)
                console.log(`${whole} of ${ended}`);
        });
        stream.resume();
    }
}
)");
    const command_result got = run({"node", script, proxy.url("web")}, 60s);
    EXPECT_EQ(got.out, "300 of 300\n") << got.err;
}

TEST_F(H2Origin, GetsTheTrailersOfARequest) {
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::post("/sum", {{"te", "trailers"}}), false) +
                h2::body(1, "12345", false) + h2::head(1, {{"x-sum", "15"}}));
    EXPECT_EQ(client.response(1).body, "POST /sum 5 15");
    peer h1(proxy.port("web"));
    h1.send(
        "POST /sum HTTP/1.1\r\nHost: a.test\r\nConnection: TE\r\nTE: trailers\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX-Sum: 15\r\n\r\n");
    EXPECT_NE(h1.read_until("0\r\n").find("POST /sum 5 15"), std::string::npos);
}

TEST_F(H2Origin, HeadsOfRequestsThatWaitFor100PassAtOnce) {
    peer client(proxy.port("web"));
    client.send(
        "POST /answered HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n"
        "Content-Length: 5\r\n\r\n");
    EXPECT_NE(client.read_until("\r\n\r\n").find(" 403 "), std::string::npos);
}

TEST_F(H2Origin, ResetIsA502OrATruncatedBody) {
    for (const std::vector<std::string>& with : versions()) {
        std::vector<std::string> seen = with;
        seen.emplace_back("-i");
        const std::string reset = get(seen, "/reset").out;
        EXPECT_TRUE(contains(reset, "error=stream_reset")) << reset;
        const command_result cut = get(seen, "/cut");
        EXPECT_NE(cut.status.code, 0) << cut.out;
    }
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"stream_reset\"");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 502);
}

// ATTACKS B13: the origin hears of it as CANCEL.
TEST_F(H2Origin, HearsThatAClientHasGone) {
    {
        peer client(proxy.port("web"));
        client.send("GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n");
        origin.running().wait_for("holds 1;");
    }
    origin.running().wait_for("1 closed with 8;");
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::get("/hold")));
    origin.running().wait_for("holds 2;");
    client.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8)));
    origin.running().wait_for("2 closed with 8;");
    // The connection to the origin goes on.
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_upstream_connections", {}), 1);
}

TEST_F(H2Origin, ManyRequestsShareOneConnection) {
    const std::string count = sanitized() ? "500" : "5000";
    const command_result got = run({"h2load", "-c8", "-m10", "-n" + count, proxy.url("web", "/x")});
    EXPECT_TRUE(contains(got.out, count + " succeeded, 0 failed, 0 errored")) << got.out;
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"fresh\""}), 1);
    EXPECT_EQ(sum(found, "penstock_upstream_http2_streams", {}), 0);
}

// A second connection is made before the last stream of the first is taken.
TEST(H2OriginStreams, AreOpenedOnMoreConnectionsWhereOneIsNotEnough) {
    node_h2_origin origin(holds, "{settings: {maxConcurrentStreams: 3}}");
    const daemon proxy(site(origin.address(), ", pool: {connections: 2, queue_timeout: 300ms}"));
    h2_client client(proxy.port("web"));
    std::string heads;
    for (std::uint32_t i = 0; i < 6; ++i)
        heads += h2::head(2 * i + 1, h2::get("/"));
    client.send(heads);
    origin.running().wait_for("holds 6;");
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_upstream_connections", {"state=\"active\""}), 2);
    EXPECT_EQ(sum(found, "penstock_upstream_http2_streams", {}), 6);
    // One above what both may carry waits for its turn, and no longer than the queue allows.
    client.send(h2::head(13, h2::get("/")));
    EXPECT_EQ(client.response(13).status(), 503);
    EXPECT_TRUE(contains(client.response(13).field("proxy-status"), "connection_limit_reached"));
}

TEST(H2OriginDown, IsAnsweredAndComesBack) {
    const refusing_port nobody;
    const daemon proxy(site("127.0.0.1:" + std::to_string(nobody.port())));
    const std::string got = curl({"-i", proxy.url("web")}).out;
    EXPECT_TRUE(contains(got, "error=connection_refused")) << got;
}

TEST(H2OriginDown, EndsEveryOpenStreamOnce) {
    node_h2_origin origin(holds);
    daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    std::string heads;
    for (std::uint32_t i = 0; i < 20; ++i)
        heads += h2::head(2 * i + 1, h2::post("/"));
    client.send(heads);
    origin.running().wait_for("holds 20;");
    origin.running().signal(SIGKILL);
    for (std::uint32_t i = 0; i < 20; ++i)
        EXPECT_EQ(client.response(2 * i + 1).status(), 502);
    wait_for_sum(proxy, "penstock_requests_total", {"code_class=\"5xx\""}, 20);
}

// `protocol: h2` over TLS: an origin that agrees on nothing may speak anything, and one that wants
// another version says so by an alert. Neither is sent a request.
TEST(H2OriginTls, HasToAgreeOnHttp2) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    scripted_origin indifferent([](peer& wire, int) { (void)wire.wait_closed(); }, files);
    const daemon strict(
        "listeners: {edge: {bind: \"127.0.0.1:0\", protocols: [http/1.1], "
        "tls: {certificates: [{cert: " +
        files.cert + ", key: " + files.key + "}]}}}\nroutes: [{respond: {body: hello}}]\n");
    const std::string other = "127.0.0.1:" + std::to_string(strict.port("edge"));
    for (const std::string& address : {indifferent.address(), other}) {
        daemon proxy(site(address, ", tls: {verify: false}"));
        for (const std::string version : {"--http1.1", "--http2-prior-knowledge"}) {
            const std::string got = curl({"-i", version, proxy.url("web")}).out;
            EXPECT_TRUE(contains(got, " 502")) << got;
            EXPECT_TRUE(contains(got, "penstock; error=tls_protocol_error")) << got;
            EXPECT_FALSE(contains(got, "hello")) << got;
        }
        proxy.running().wait_for("\"penstock.reason\":\"tls_protocol_error\"", patience, 1);
    }
    EXPECT_GE(indifferent.connections(), 1);
    for (int i = 0; i < indifferent.connections(); ++i)
        EXPECT_EQ(indifferent.received(i), "");
}

// `protocol: auto`: what the origin chooses within the handshake.
TEST(H2OriginAuto, SpeaksWhatTheOriginChooses) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    const daemon h2_site("listeners: {edge: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: " +
                         files.cert + ", key: " + files.key +
                         "}]}}}\nlog: {access: {path: \"-\"}}\n"
                         "routes: [{respond: {body: hello}}]\n");
    const daemon h1_site(
        "listeners: {edge: {bind: \"127.0.0.1:0\", protocols: [http/1.1], "
        "tls: {certificates: [{cert: " +
        files.cert + ", key: " + files.key +
        "}]}}}\nlog: {access: {path: \"-\"}}\n"
        "routes: [{respond: {body: hello}}]\n");
    const std::string tls = ", protocol: auto, tls: {verify: false}}";
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "routes: [{match: {path: {prefix: /2}}, upstream: two}, {upstream: one}]\n"
        "upstreams: {two: {endpoints: [\"127.0.0.1:" +
        std::to_string(h2_site.port("edge")) + "\"]" + tls + ", one: {endpoints: [\"127.0.0.1:" +
        std::to_string(h1_site.port("edge")) + "\"]" + tls + "}\n");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(curl({proxy.url("web", "/2")}).out, "hello");
        EXPECT_EQ(curl({proxy.url("web", "/1")}).out, "hello");
    }
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_upstream_connections", {"upstream=\"two\""}), 1);
    EXPECT_EQ(sum(found, "penstock_upstream_connections", {"upstream=\"one\""}), 1);
    EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"reused\""}), 4);
    // Charged to the exchange that waited for it, and to no other.
    for (const std::string path : {"/1", "/2"}) {
        const std::string key = "\"url.path\":\"" + path + "\"";
        EXPECT_GT(number_in(proxy.running().wait_for(key), "upstream_tls"), 0);
        EXPECT_EQ(number_in(proxy.running().wait_for(key, patience, 1), "upstream_tls"), -1);
    }
}

}  // namespace
}  // namespace penstock::test
