// Websockets between all pairs of versions: RFC 6455 over HTTP/1, RFC 8441 over HTTP/2. The bytes
// of the tunnel are the peers' own affair, so plain text stands for them.
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>

namespace penstock::test {
namespace {

std::string accept_of(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    std::array<unsigned char, 64> encoded{};
    const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
    return {encoded.begin(), encoded.begin() + length};
}

// Accepts every websocket and says what it hears, in capitals' stead with a mark before it.
scripted_origin::script h1_echo() {
    return [](peer& client, int) {
        const auto head = read_request_head(client);
        if (!head)
            return;
        const std::string key = find_field(head->fields, "sec-websocket-key").value_or("");
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            accept_of(key) + "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
        for (;;) {
            const std::string heard = client.read_some();
            if (heard.empty())
                return;
            client.send("<" + heard);
        }
    };
}

constexpr const char* h2_echo =
    "if (headers[':method'] !== 'CONNECT' || headers['sec-websocket-key']) {\n"
    "  stream.respond({':status': 400}); stream.end(); return; }\n"
    "stream.respond({':status': 200, 'sec-websocket-protocol': 'chat'});\n"
    "stream.on('data', (piece) => stream.write('<' + piece));\n"
    "stream.on('end', () => stream.end());";

std::string site(const std::string& origin, const std::string& upstream = "",
                 const std::string& listener = "", const std::string& route = "") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"" +
           listener + "}}\nroutes: [{upstream: app" + route +
           "}]\nupstreams: {app: {endpoints: [\"" + origin + "\"]" + upstream + "}}\n";
}

h2::field_list connect(const std::string& path = "/chat") {
    return {{":method", "CONNECT"},
            {":protocol", "websocket"},
            {":scheme", "http"},
            {":path", path},
            {":authority", "a.test"},
            {"sec-websocket-version", "13"},
            {"sec-websocket-protocol", "chat"}};
}

void expect_h2_tunnel(const daemon& proxy) {
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, connect(), false));
    client.body(1, 0);
    while (client.responses[1].status() == 0)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.settings[8], 1U);
    const h2_response& seen = client.responses[1];
    EXPECT_EQ(seen.status(), 200);
    EXPECT_EQ(seen.field("sec-websocket-protocol"), "chat");
    EXPECT_EQ(seen.field("sec-websocket-accept"), "");
    client.send(h2::body(1, "hello", false));
    EXPECT_EQ(client.body(1, 6).body, "<hello");
    client.send(h2::body(1, "again", false));
    EXPECT_EQ(client.body(1, 12).body, "<hello<again");
    // The client's end reaches the origin, and the origin's end the client.
    client.send(h2::body(1, "", true));
    EXPECT_TRUE(client.response(1).ended);
    // The connection serves on.
    client.send(h2::head(3, connect(), false));
    while (client.responses[3].status() == 0)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.responses[3].status(), 200);
}

TEST(Websocket, OverHttp2ToAnHttp1Origin) {
    scripted_origin origin(h1_echo());
    daemon proxy(site(origin.address()));
    expect_h2_tunnel(proxy);
    EXPECT_NE(origin.received(0).find("GET /chat HTTP/1.1\r\n"), std::string::npos);
    EXPECT_NE(origin.received(0).find("Upgrade: websocket\r\n"), std::string::npos);
}

TEST(Websocket, OverHttp2ToAnHttp2Origin) {
    node_h2_origin origin(h2_echo, "{settings: {enableConnectProtocol: true}}");
    const daemon proxy(site(origin.address(), ", protocol: h2"));
    expect_h2_tunnel(proxy);
}

TEST(Websocket, OverHttp1ToAnHttp2Origin) {
    node_h2_origin origin(h2_echo, "{settings: {enableConnectProtocol: true}}");
    const daemon proxy(site(origin.address(), ", protocol: h2"));
    peer client(proxy.port("web"));
    // The example of RFC 6455 §1.3.
    client.send(
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_NE(head.find("HTTP/1.1 101 "), std::string::npos) << head;
    EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
              std::string::npos)
        << head;
    client.send("hello");
    EXPECT_EQ(client.read_exactly(6), "<hello");
}

TEST(Websocket, NeedsAnOriginThatOffersIt) {
    node_h2_origin origin(h2_echo);
    const daemon proxy(site(origin.address(), ", protocol: h2"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, connect(), false));
    EXPECT_EQ(client.response(1).status(), 502);
    EXPECT_EQ(client.response(1).field("proxy-status"), "penstock; error=upgrade_unavailable");
}

// ATTACKS C4 and RFC 6455 §4.1: an answer that does not prove that the key was seen is none.
TEST(Websocket, OriginHasToProveThatItSawTheKey) {
    scripted_origin origin([](peer& client, int) {
        (void)read_request_head(client);
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        client.wait_closed();
    });
    const daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, connect(), false));
    EXPECT_EQ(client.response(1).field("proxy-status"), "penstock; error=unexpected_upgrade");
}

// A plain answer to the request is no tunnel: any 2xx would be one to the client.
TEST(Websocket, PlainAnswerIsPassedOnUnlessItLooksLikeATunnel) {
    for (const int status : {200, 403}) {
        scripted_origin origin(scripted_origin::answer([status](const http_request&) {
            return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\nno";
        }));
        const daemon proxy(site(origin.address()));
        h2_client client(proxy.port("web"));
        client.send(h2::head(1, connect(), false));
        EXPECT_EQ(client.response(1).status(), status == 200 ? 502 : 403);
    }
}

// Where some route takes them, the others say no. Where none does, nothing is offered (C6).
TEST(Websocket, RouteMayRefuseIt) {
    scripted_origin origin(h1_echo());
    const daemon some(site(origin.address(), "", "",
                           ", match: {path: {prefix: /no}}, websocket: false}, {upstream: app"));
    h2_client client(some.port("web"));
    client.send(h2::head(1, connect("/no"), false));
    EXPECT_EQ(client.response(1).status(), 405);
    EXPECT_EQ(client.settings[8], 1U);
    const daemon none(site(origin.address(), "", "", ", websocket: false"));
    h2_client other(none.port("web"));
    other.send(h2::head(1, connect(), false));
    EXPECT_EQ(other.response(1).reset, 1U);
    EXPECT_EQ(other.settings.count(8), 0U);
    EXPECT_EQ(origin.connections(), 0);
}

// RFC 8441 §4, RFC 9113 §8.5: other protocols, and a plain CONNECT.
TEST(Websocket, OtherProtocolsAreRefused) {
    scripted_origin origin(h1_echo());
    const daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    h2::field_list other = connect();
    other[1].second = "connect-udp";
    client.send(h2::head(1, other, false));
    EXPECT_EQ(client.response(1).reset, 1U);
    client.send(h2::head(3, {{":method", "CONNECT"}, {":authority", "a.test:443"}}, false));
    EXPECT_EQ(client.response(3).status(), 405);
    EXPECT_EQ(origin.connections(), 0);
}

TEST(Websocket, IdleTunnelEndsWithItsOwnDeadline) {
    scripted_origin origin(h1_echo());
    daemon proxy(site(origin.address(), "",
                      ", timeouts: {tunnel_idle: 300ms, body_idle: 100ms, write_idle: 100ms}"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, connect(), false));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 200);
    EXPECT_EQ(seen.reset, 8U);
    proxy.running().wait_for("\"penstock.reason\":\"tunnel_timeout\"");
    (void)origin.received(0);  // its connection has ended
}

// ATTACKS B13: the origin's side ends with the client's.
TEST(Websocket, ResetByTheClientClosesTheOriginsConnection) {
    scripted_origin origin(h1_echo());
    const daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, connect(), false) + h2::body(1, "x", false));
    EXPECT_EQ(client.body(1, 2).body, "<x");
    client.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8)));
    (void)origin.received(0);
}

// A tunnel holds its connection like any exchange, for as long as it lives.
TEST(Websocket, TunnelsCountAndAreShown) {
    scripted_origin origin(h1_echo());
    const daemon proxy(site(origin.address(), ", pool: {connections: 2, queue_timeout: 300ms}"));
    h2_client client(proxy.port("web"));
    for (const std::uint32_t stream : {1U, 3U}) {
        client.send(h2::head(stream, connect(), false));
        while (client.responses[stream].status() == 0)
            ASSERT_TRUE(client.read());
        EXPECT_EQ(client.responses[stream].status(), 200);
    }
    const samples open = scrape(proxy);
    EXPECT_EQ(sum(open, "penstock_upstream_tunnels", {"upstream=\"app\""}), 2);
    EXPECT_EQ(sum(open, "penstock_upstream_connections", {"state=\"active\""}), 2);
    client.send(h2::head(5, connect(), false));
    EXPECT_EQ(client.response(5).field("proxy-status"), "penstock; error=connection_limit_reached");
    for (const std::uint32_t stream : {1U, 3U}) {
        client.send(h2::body(stream, "", true));
        EXPECT_TRUE(client.response(stream).ended);
    }
    client.send(h2::head(7, connect(), false));
    while (client.responses[7].status() == 0)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(sum(scrape(proxy), "penstock_upstream_tunnels", {}), 1);
}

TEST(Websocket, StreamsOfTunnelsAreShown) {
    node_h2_origin origin(h2_echo, "{settings: {enableConnectProtocol: true}}");
    const daemon proxy(site(origin.address(), ", protocol: h2"));
    {
        h2_client client(proxy.port("web"));
        client.send(h2::head(1, connect(), false) + h2::body(1, "x", false));
        EXPECT_EQ(client.body(1, 2).body, "<x");
        const samples open = scrape(proxy);
        EXPECT_EQ(sum(open, "penstock_upstream_tunnels", {}), 1);
        EXPECT_EQ(sum(open, "penstock_upstream_http2_streams", {}), 1);
        client.send(h2::body(1, "", true));
        EXPECT_TRUE(client.response(1).ended);
    }
    wait_for_sum(proxy, "penstock_connections_accepted_total", {}, 1);
    while (sum(scrape(proxy), "penstock_upstream_tunnels", {}) != 0) {
    }
}

}  // namespace
}  // namespace penstock::test
