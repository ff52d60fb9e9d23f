// Ordinary jobs, as config/jobs/ says them: each file is started as it stands, but for addresses
// and certificates, and asked with curl.
#include "support/certificate.hpp"
#include "support/daemon.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace penstock::test {
namespace {

using replacements = std::vector<std::pair<std::string, std::string>>;

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// The file with its addresses and certificates replaced; each has to be there.
std::string job(const std::string& name, const replacements& with) {
    std::ifstream file(PENSTOCK_SOURCE_DIR "/config/jobs/" + name + ".yaml");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const auto& [from, to] : with) {
        if (!contains(text, from))
            throw std::runtime_error(name + ": there is no " + from);
        for (std::size_t at = text.find(from); at != std::string::npos;
             at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    }
    return text;
}

const std::pair<std::string, std::string> plain{"\":80\"", "\"127.0.0.1:0\""};
const std::pair<std::string, std::string> secure{"\":443\"", "\"127.0.0.1:0\""};

std::pair<std::string, std::string> origin_at(int port, const std::string& address) {
    return {"\"127.0.0.1:" + std::to_string(port) + "\"", "\"" + address + "\""};
}

// Says its name and what it was asked for.
scripted_origin::script named(const std::string& name) {
    return scripted_origin::answer([name](const http_request& asked) {
        return ok_response(name + " " + asked.method + " " + asked.target + "\n",
                           "Server: origin/1\r\nX-Frame-Options: ALLOWALL\r\n");
    });
}

// curl's arguments for `host`, which is ours, and the certificate that it has to show.
std::vector<std::string> https(const daemon& proxy, const std::string& listener,
                               const certificate_files& site, const std::string& host,
                               const std::string& path) {
    return {"--cacert", site.cert, "--connect-to",
            host + ":443:127.0.0.1:" + std::to_string(proxy.port(listener)),
            "https://" + host + path};
}

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

TEST(Jobs, RedirectsPlainHttpToTls) {
    const temp_dir dir;
    const certificate_files site = write_certificate(dir, "www.example.com");
    scripted_origin app(named("app"));
    daemon proxy(job("tls_redirect", {plain,
                                      secure,
                                      {"site.pem", site.cert},
                                      {"site.key", site.key},
                                      origin_at(3000, app.address())}));
    const std::string sent =
        curl({"-i", "-H", "Host: www.example.com:8080", proxy.url("plain", "/a/b?c=d&e=%2F")}).out;
    EXPECT_TRUE(contains(sent, "HTTP/1.1 308 ")) << sent;
    EXPECT_TRUE(contains(sent, "ocation: https://www.example.com/a/b?c=d&e=%2F\r\n")) << sent;
    EXPECT_EQ(app.connections(), 0);
    EXPECT_EQ(curl(https(proxy, "secure", site, "www.example.com", "/a?b")).out, "app GET /a?b\n");
}

TEST(Jobs, TellsApplicationsApartByHost) {
    scripted_origin shop(named("shop"));
    scripted_origin tenants(named("tenants"));
    scripted_origin admin(named("admin"));
    daemon proxy(job("apps_by_host",
                     {plain, origin_at(3001, shop.address()), origin_at(3002, tenants.address()),
                      origin_at(3003, admin.address())}));
    const auto asked = [&proxy](const std::string& host) {
        return curl({"-H", "Host: " + host, proxy.url("web")}).out;
    };
    EXPECT_EQ(asked("shop.example.com"), "shop GET /\n");
    EXPECT_EQ(asked("WWW.shop.example.com:80"), "shop GET /\n");
    EXPECT_EQ(asked("one.apps.example.com"), "tenants GET /\n");
    EXPECT_EQ(asked("admin.apps.example.com"), "admin GET /\n");
    EXPECT_EQ(
        curl({"-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: example.com", proxy.url("web")})
            .out,
        "404");
}

TEST(Jobs, ServesAnApplicationAndItsApiUnderOneHost) {
    scripted_origin api(named("api"));
    scripted_origin pages(named("pages"));
    daemon proxy(job("spa_and_api",
                     {plain, origin_at(3001, api.address()), origin_at(3002, pages.address())}));
    const auto asked = [&proxy](const std::string& path) {
        return curl({proxy.url("web", path)}).out;
    };
    EXPECT_EQ(asked("/api/users?page=2"), "api GET /users?page=2\n");
    EXPECT_EQ(asked("/api/"), "api GET /\n");
    EXPECT_EQ(asked("/apiary"), "pages GET /apiary\n");
    EXPECT_EQ(asked("/deep/link"), "pages GET /deep/link\n");
    EXPECT_EQ(asked("/"), "pages GET /\n");
}

// The key and the proof are those of RFC 6455 §1.3.
TEST(Jobs, CarriesAWebSocket) {
    scripted_origin app([](peer& client, int) {
        const auto asked = read_request(client);
        if (!asked || asked->field("upgrade") != "websocket") {
            client.send(ok_response("no upgrade\n"));
            return;
        }
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            "\x81\x05hello");
    });
    daemon proxy(job("websocket", {plain, origin_at(3000, app.address())}));
    const std::vector<std::string> upgrade{"--http1.1",
                                           "-i",
                                           "-N",
                                           "--max-time",
                                           "30",
                                           "-H",
                                           "Connection: Upgrade",
                                           "-H",
                                           "Upgrade: websocket",
                                           "-H",
                                           "Sec-WebSocket-Version: 13",
                                           "-H",
                                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="};
    const std::string live = curl(with(upgrade, {proxy.url("web", "/live/feed")})).out;
    EXPECT_TRUE(live.starts_with("HTTP/1.1 101 ")) << live;
    EXPECT_TRUE(contains(live, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) << live;
    EXPECT_TRUE(live.ends_with("\x81\x05hello")) << live;
    const std::string other = curl(with(upgrade, {proxy.url("web", "/page")})).out;
    EXPECT_TRUE(other.ends_with("no upgrade\n")) << other;
}

TEST(Jobs, PassesGrpc) {
    node_h2_origin orders(
        "stream.respond({':status': 200, 'content-type': 'application/grpc', 'x-path': "
        "headers[':path'], 'grpc-status': '0'}, {endStream: true});");
    daemon proxy(
        job("grpc", {{"\":50050\"", "\"127.0.0.1:0\""}, origin_at(50051, orders.address())}));
    const auto called = [&proxy](const std::string& method) {
        return curl({"-i", "--http2-prior-knowledge", "-X", "POST", "-H",
                     "Content-Type: application/grpc", "-H", "TE: trailers",
                     proxy.url("calls", method)})
            .out;
    };
    const std::string done = called("/shop.Orders/Place");
    EXPECT_TRUE(contains(done, "HTTP/2 200")) << done;
    EXPECT_TRUE(contains(done, "grpc-status: 0")) << done;
    EXPECT_TRUE(contains(done, "x-path: /shop.Orders/Place")) << done;
    // UNIMPLEMENTED: the status that a missing method has.
    EXPECT_TRUE(contains(called("/shop.Stock/Count"), "grpc-status: 12"));
}

TEST(Jobs, GivesTheCanaryItsShareAndItsTesters) {
    scripted_origin app(named("old"));
    scripted_origin canary(named("new"));
    daemon proxy(
        job("canary", {plain, origin_at(3001, app.address()), origin_at(3002, canary.address())}));
    const std::string shared = curl({proxy.url("web", "/[1-200]")}).out;
    const std::size_t share = count_of(shared, "new GET");
    EXPECT_EQ(share + count_of(shared, "old GET"), 200U);
    // A tenth is 20. Each worker goes round by itself, so some of them may be behind by a few.
    EXPECT_GE(share, 10U);
    EXPECT_LE(share, 40U);
    EXPECT_EQ(count_of(curl({"-H", "X-Canary: 1", proxy.url("web", "/[1-20]")}).out, "new GET"),
              20U);
}

TEST(Jobs, AdmitsClientsByTheirCertificate) {
    const temp_dir dir;
    const certificate_files site = write_certificate(dir, "www.example.com");
    const certificate_files partner = write_certificate(dir, "partner.example");
    const certificate_files stranger = write_certificate(dir, "stranger.example");
    scripted_origin app(scripted_origin::answer([](const http_request& asked) {
        return ok_response(asked.field("client-cert").value_or("none"));
    }));
    daemon proxy(job("mtls", {secure,
                              {"site.pem", site.cert},
                              {"site.key", site.key},
                              {"partners.pem", partner.cert},
                              origin_at(3000, app.address())}));
    const std::vector<std::string> page = https(proxy, "partners", site, "www.example.com", "/");
    const command_result known = curl(
        with(page, {"--cert", partner.cert, "--key", partner.key, "-H", "Client-Cert: :eA==:"}));
    EXPECT_EQ(known.status.code, 0) << known.err;
    EXPECT_TRUE(known.out.starts_with(":MII")) << known.out;
    EXPECT_NE(curl(page).status.code, 0);
    EXPECT_NE(curl(with(page, {"--cert", stranger.cert, "--key", stranger.key})).status.code, 0);
    EXPECT_EQ(app.connections(), 1);
}

TEST(Jobs, TakesBigUploadsWhereTheyBelong) {
    const temp_dir dir;
    const std::string file = dir.write("big", std::string(std::size_t{8} << 20U, 'x'));
    const auto sizes = scripted_origin::answer([](const http_request& asked) {
        return ok_response(asked.method + " " + std::to_string(asked.body.size()));
    });
    scripted_origin storage(sizes);
    scripted_origin app(sizes);
    daemon proxy(job("big_uploads",
                     {plain, origin_at(3001, storage.address()), origin_at(3002, app.address())}));
    EXPECT_EQ(curl({"-T", file, proxy.url("web", "/upload/disk.img")}).out, "PUT 8388608");
    EXPECT_EQ(curl({"--data-binary", "@" + file, proxy.url("web", "/upload/")}).out,
              "POST 8388608");
    EXPECT_EQ(
        curl({"-o", "/dev/null", "-w", "%{http_code}", "-T", file, proxy.url("web", "/x")}).out,
        "413");
    EXPECT_EQ(curl({"-d", "small", proxy.url("web", "/x")}).out, "POST 5");
}

TEST(Jobs, PassesEventsOnAsTheyCome) {
    gate seen;
    scripted_origin app([&seen](peer& client, int) {
        if (!read_request(client))
            return;
        client.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            "Transfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n");
        // The first event has to be with the client before there is another.
        client.wait_for(seen);
        client.send("b\r\ndata: two\n\n\r\n0\r\n\r\n");
    });
    daemon proxy(job("event_stream", {plain, origin_at(3000, app.address())}));
    process browser({"curl", "-q", "-sS", "--noproxy", "*", "-N", proxy.url("web", "/events")});
    browser.wait_for("data: one");
    seen.open();
    browser.wait_for("data: two");
    EXPECT_EQ(browser.wait().code, 0);
}

TEST(Jobs, BoundsWhatOneClientTakes) {
    scripted_origin app(named("app"));
    // Less than the file says, so that also a slow machine is above it within a second.
    daemon proxy(job("client_limits", {plain,
                                       origin_at(3000, app.address()),
                                       {"requests_per_address: 50", "requests_per_address: 5"}}));
    const std::string codes =
        curl({"-o", "/dev/null", "-w", "%{http_code}\n", proxy.url("web", "/[1-200]")}).out;
    EXPECT_GE(count_of(codes, "200\n"), 5U) << codes;
    EXPECT_GE(count_of(codes, "429\n"), 1U) << codes;
    EXPECT_EQ(count_of(codes, "\n"), 200U);
}

TEST(Jobs, SaysSecurityHeadersOnceForAllRoutes) {
    const temp_dir dir;
    const certificate_files site = write_certificate(dir, "www.example.com");
    scripted_origin app(named("app"));
    const refusing_port nobody;
    const auto configuration = [&](const std::string& origin) {
        return job(
            "security_headers",
            {secure, {"site.pem", site.cert}, {"site.key", site.key}, origin_at(3000, origin)});
    };
    const auto judge = [&site](const daemon& proxy, const std::string& path, const char* status) {
        std::string got =
            curl(with(https(proxy, "edge", site, "www.example.com", path), {"-i", "--http1.1"}))
                .out;
        EXPECT_TRUE(contains(got, std::string("HTTP/1.1 ") + status)) << got;
        std::transform(got.begin(), got.end(), got.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        for (const char* const field :
             {"\nstrict-transport-security: max-age=63072000; includesubdomains\r\n",
              "\nx-content-type-options: nosniff\r\n", "\nx-frame-options: deny\r\n",
              "\nreferrer-policy: strict-origin-when-cross-origin\r\n"})
            EXPECT_EQ(count_of(got, field), 1U) << field << got;
        EXPECT_EQ(count_of(got, "\nx-frame-options:"), 1U) << got;
        EXPECT_EQ(count_of(got, "\nserver:"), 0U) << got;
    };
    const daemon works(configuration(app.address()));
    judge(works, "/", "200");
    judge(works, "/ping", "200");
    const daemon fails(configuration("127.0.0.1:" + std::to_string(nobody.port())));
    judge(fails, "/", "502");
}

TEST(Jobs, SaysThatItIsDownForMaintenance) {
    scripted_origin app(named("app"));
    daemon proxy(job("maintenance", {plain, origin_at(3000, app.address())}));
    const std::string got = curl({"-i", proxy.url("web", "/any/page")}).out;
    EXPECT_TRUE(contains(got, "HTTP/1.1 503 ")) << got;
    EXPECT_TRUE(contains(got, "etry-after: 3600\r\n") || contains(got, "etry-After: 3600\r\n"))
        << got;
    EXPECT_TRUE(got.ends_with("<p>Back at noon.</p>")) << got;
    EXPECT_EQ(app.connections(), 0);
    EXPECT_EQ(curl({"-H", "X-Maintenance-Pass: let-me-in", proxy.url("web", "/new")}).out,
              "app GET /new\n");
}

}  // namespace
}  // namespace penstock::test
