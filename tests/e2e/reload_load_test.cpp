// Reloading while the proxy is busy: nothing fails, nothing is closed, nothing grows.
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

int reloads() { return sanitized() ? 40 : 200; }
constexpr int sockets = 100;
constexpr std::uint64_t growth_max = std::uint64_t{8} << 20;

// Accepts the upgrade, then sends back whatever comes.
void echo(peer& client, int) {
    if (!read_request_head(client)) {
        return;
    }
    client.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    for (std::string bytes = client.read_some(); !bytes.empty(); bytes = client.read_some()) {
        client.send(bytes);
    }
}

std::string configuration(const std::string& http, const std::string& websocket, int number) {
    // Each generation differs from the one before, so that routes and headers are really rebuilt.
    return "admin: {bind: \"127.0.0.1:0\"}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes:\n"
           "  - {name: sockets, match: {path: {prefix: /ws}}, upstream: sockets}\n"
           "  - {upstream: app, response_headers: {set: {x-number: \"" +
           std::to_string(number) +
           "\"}}}\n"
           "upstreams:\n"
           "  sockets: {endpoints: [\"" +
           websocket +
           "\"], pool: {connections: 200}}\n"
           "  app: {endpoints: [\"" +
           http + "\"]}\n";
}

std::unique_ptr<peer> open_websocket(daemon& proxy) {
    auto client = std::make_unique<peer>(proxy.port("web"));
    client->send(
        "GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(read_response_head(*client).status, 101);
    return client;
}

void expect_echo(peer& client, const std::string& text) {
    client.send(text);
    EXPECT_EQ(client.read_exactly(text.size()), text);
}

TEST(ReloadUnderLoad, FailsNoRequestClosesNoWebSocketAndKeepsMemoryFlat) {
    nginx_origin http("location / { return 200 'hello'; }");
    scripted_origin websocket(echo);
    daemon proxy(configuration(http.address(), websocket.address(), 0));
    std::vector<std::unique_ptr<peer>> clients;
    for (int i = 0; i < sockets; ++i) {
        clients.push_back(open_websocket(proxy));
    }
    process wrk({"wrk", "-t1", "-c32", "-d300s", proxy.url("web")});
    wait_for_sum(proxy, "penstock_requests_total", {"route=\"app\""}, 1000);

    memory settled;
    for (int i = 1; i <= reloads(); ++i) {
        proxy.write_configuration(configuration(http.address(), websocket.address(), i));
        proxy.running().signal(SIGHUP);
        proxy.running().wait_for("generation " + std::to_string(i + 1));
        if (i % 10 == 0) {
            expect_echo(*clients[static_cast<std::size_t>(i / 10 % sockets)],
                        "number " + std::to_string(i));
        }
        if (i == reloads() / 4) {
            settled = memory_of(proxy.running().pid());
        }
    }
    const memory after = memory_of(proxy.running().pid());
    wrk.signal(SIGINT);
    EXPECT_EQ(wrk.wait().code, 0);
    EXPECT_EQ(wrk.out().find("Socket errors"), std::string::npos) << wrk.out();
    EXPECT_EQ(wrk.out().find("Non-2xx"), std::string::npos) << wrk.out();
    for (const auto& client : clients) {
        expect_echo(*client, "still here");
    }
    EXPECT_EQ(websocket.connections(), sockets);
    if (!sanitized()) {
        EXPECT_LT(after.resident, settled.resident + growth_max);
    }
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_config_generation"), reloads() + 1);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"code_class=\"5xx\""}), 0);
    EXPECT_EQ(curl({"-I", proxy.url("web")}).out.find("x-number: " + std::to_string(reloads())) ==
                  std::string::npos,
              false);
}

}  // namespace
}  // namespace penstock::test
