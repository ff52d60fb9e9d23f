// Origins that close connections without saying so, in front of requests that may not be repeated:
// such a request gets a connection that is alive, and what is known of the origin is learnt and
// unlearnt. The origins are Node's own servers.
#include "support/certificate.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace penstock::test {
namespace {

// Closes a connection by `bye` up to 5 ms after each answer, until it is asked for /keep.
std::string leaves_soon(std::string_view bye) {
    return "if (path === '/keep') global.keeps = true;\n"
           "const wait = Math.floor(6 * Math.random());\n"
           "const leave = () => { if (!global.keeps) { " +
           std::string(bye) +
           " } };\n"
           "if (wait === 0) setImmediate(leave); else setTimeout(leave, wait);\n";
}

std::string h1_origin() {
    return "const path = request.url, socket = request.socket;\n"
           "request.resume().on('end', () => {\n"
           "response.sendDate = false;\n"
           "response.writeHead(204).end();\n" +
           leaves_soon("socket.destroy();") + "});\n";
}

std::string h2_origin(std::string_view bye) {
    return "const path = headers[':path'], session = stream.session;\n"
           "session.on('error', () => {});\n"
           "stream.resume().on('end', () => {\n"
           "stream.respond({':status': 204}, {endStream: true});\n" +
           leaves_soon(bye) + "});\n";
}

// The same server with TLS, on another port, which it tells.
std::string with_tls(const certificate_files& files) {
    return "const fs = require('fs');\n"
           "const secure = require('https').createServer({key: fs.readFileSync('" +
           files.key + "'), cert: fs.readFileSync('" + files.cert +
           "')}, server.listeners('request')[0]);\n"
           "secure.listen(0, '127.0.0.1', () => console.log('secure ' + "
           "secure.address().port));\n";
}

std::string secure_address(node_origin& of) {
    return "127.0.0.1:" + of.running().wait_for("secure ").substr(7);
}

std::string site(const std::string& origin, const std::string& more = "") {
    return "workers: 1\n"
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]" + more + "}}\n";
}

constexpr const char* over_tls = ", tls: {verify: false}";
constexpr const char* over_h2 = ", protocol: h2";

int post(std::optional<peer>& client, const daemon& proxy, std::string_view path,
         std::string_view method = "POST") {
    if (!client)
        client.emplace(proxy.port("web"));
    client->send(std::string(method) + " " + std::string(path) +
                 " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody");
    const int status = read_response(*client).status;
    if (status != 204)
        client.reset();
    return status;
}

struct tally {
    int failed = 0;
    int latest = 0;  // the last that failed, counted from 1
};

// One after the other, with gaps about as long as the origin's patience.
tally post_often(const daemon& proxy, int count) {
    tally made;
    std::optional<peer> client;
    for (int i = 1; i <= count; ++i) {
        // A PUT is idempotent, but its body cannot be sent again.
        if (post(client, proxy, "/", i % 2 == 0 ? "PUT" : "POST") != 204) {
            ++made.failed;
            made.latest = i;
        } else {
            EXPECT_TRUE(client->stays_quiet(milliseconds(i % 4)));
        }
    }
    return made;
}

double reused(const daemon& proxy) {
    return sum(scrape(proxy), "penstock_pool_reuse_total", {"result=\"reused\""});
}

// Requests that may not be repeated are given used connections again.
bool reuse_returns(const daemon& proxy) {
    std::optional<peer> client;
    EXPECT_EQ(post(client, proxy, "/keep"), 204);
    const double before = reused(proxy);
    for (int i = 0; i < 2000; ++i) {
        EXPECT_EQ(post(client, proxy, "/"), 204);
        EXPECT_TRUE(client->stays_quiet(milliseconds(2)));
        if (i % 50 == 49 && reused(proxy) >= before + 40)
            return true;
    }
    return false;
}

void expect_immune(const std::string& configuration) {
    const daemon proxy(configuration);
    const int count = sanitized() ? 300 : 1000;
    const tally made = post_often(proxy, count);
    EXPECT_LE(made.failed, 5);
    EXPECT_LE(made.latest, 20);
    EXPECT_TRUE(reuse_returns(proxy));
}

TEST(StaleConnection, OfAnOriginThatLeavesUnannouncedIsNotUsedForAPost) {
    const node_origin origin(h1_origin());
    expect_immune(site(origin.address()));
}

TEST(StaleConnection, OfAnOriginWithTlsIsNotUsedForAPost) {
    const temp_dir dir;
    node_origin origin(h1_origin(), with_tls(write_certificate(dir, "a.test")));
    expect_immune(site(secure_address(origin), over_tls));
}

TEST(StaleConnection, OfAnHttp2OriginThatSaysGoawayIsNotUsedForAPost) {
    const node_h2_origin origin(h2_origin("session.close();"));
    expect_immune(site(origin.address(), over_h2));
}

TEST(StaleConnection, OfAnHttp2OriginThatLeavesUnannouncedIsNotUsedForAPost) {
    // What a session gives out as its socket does not let itself be closed.
    const std::string raw =
        "if (!global.raw) { global.raw = {}; server.on('connection', (socket) => {\n"
        "global.raw[socket.remotePort] = socket; }); }\n"
        "const port = stream.session.socket.remotePort;\n";
    const node_h2_origin origin(raw + h2_origin("if (global.raw[port]) global.raw[port].destroy();"
                                                " else session.destroy();"));
    expect_immune(site(origin.address(), over_h2));
}

// An idle connection that does not suit gives its place to one that does.
TEST(StaleConnection, HoldsNoPlaceThatAFreshOneNeeds) {
    const node_origin h1(h1_origin());
    const node_h2_origin h2(h2_origin("session.close();"));
    const std::string one = ", pool: {connections: 1}";
    for (const std::string& configuration :
         {site(h1.address(), one), site(h2.address(), over_h2 + one)}) {
        SCOPED_TRACE(configuration);
        const daemon proxy(configuration);
        const tally made = post_often(proxy, 100);
        EXPECT_LE(made.failed, 5);
        EXPECT_LE(made.latest, 20);
    }
}

// What TLS and HTTP/2 say by themselves (tickets, SETTINGS, WINDOW_UPDATE) is no hang-up.
TEST(StaleConnection, IsNotSeenInWhatAProtocolSaysByItself) {
    const temp_dir dir;
    node_origin h1(h1_origin(),
                   "global.keeps = true;" + with_tls(write_certificate(dir, "a.test")));
    const node_h2_origin h2("global.keeps = true;" + h2_origin(""));
    for (const std::string& configuration :
         {site(h1.address()), site(secure_address(h1), over_tls), site(h2.address(), over_h2)}) {
        const daemon proxy(configuration);
        EXPECT_EQ(post_often(proxy, 100).failed, 0);
        const samples found = scrape(proxy);
        EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"fresh\""}), 1);
        EXPECT_EQ(sum(found, "penstock_pool_reuse_total", {"result=\"reused\""}), 99);
    }
}

}  // namespace
}  // namespace penstock::test
