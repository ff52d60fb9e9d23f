// Item 23: binds of both families, Unix sockets on either side, names with a dot at their end, and
// options of sockets, with curl, Python and a daemon as users run them.
#include "support/probe.hpp"
#include "support/steered_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool is_socket(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

std::string configuration(const std::string& bind, const std::string& endpoint,
                          const std::string& more = "") {
    return "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: [" +
           bind + "]}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" + endpoint +
           "\"]}}\n" + more;
}

// curl over a Unix socket: what it was answered with.
std::string ask(const std::string& path, const std::string& target,
                std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"--unix-socket", path, "http://a.test" + target};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return curl(std::move(arguments)).out;
}

TEST(EveryAddress, IsOfBothFamilies) {
    steered_origin origin;
    for (const std::string bind : {"\":0\"", "\"*:0\""}) {
        daemon proxy(configuration(bind, origin.address()));
        const std::string port = std::to_string(proxy.port("web"));
        EXPECT_EQ(curl({"http://127.0.0.1:" + port + "/v4"}).out, "/v4") << bind;
        EXPECT_EQ(curl({"http://[::1]:" + port + "/v6"}).out, "/v6") << bind;
        // An IPv4 client has its own address, not one mapped into IPv6.
        const auto v4 = origin.heard("v4");
        EXPECT_EQ(v4.back().request.field("x-real-ip"), "127.0.0.1");
        const auto v6 = origin.heard("v6");
        EXPECT_EQ(v6.back().request.field("x-real-ip"), "::1");
        EXPECT_EQ(text_in(proxy.running().wait_for("\"/v4\""), "client.address"), "127.0.0.1");
    }
}

TEST(UnixBind, ServesAndIsRemovedAtTheEnd) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    steered_origin origin;
    {
        daemon proxy(configuration("\"127.0.0.1:0\", \"unix:" + path + "\"", origin.address()));
        struct stat found {};
        ASSERT_EQ(::lstat(path.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 07777U, 0660U);
        EXPECT_EQ(ask(path, "/first"), "/first");
        EXPECT_EQ(ask(path, "/h2c", {"--http2-prior-knowledge"}), "/h2c");
        EXPECT_EQ(curl({proxy.url("web", "/tcp")}).out, "/tcp");
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(ask(path, "/many"), "/many");
        EXPECT_EQ(proxy.stop().code, 0);
    }
    EXPECT_FALSE(is_socket(path));
}

// A peer over a Unix socket has no address: nothing is told where nothing is known.
TEST(UnixBind, TellsNoAddressThatIsNotKnown) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    steered_origin origin;
    daemon proxy(configuration("\"unix:" + path + "\"", origin.address()));
    EXPECT_EQ(
        ask(path, "/stranger", {"-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Real-IP: 1.1.1.1"}),
        "/stranger");
    const auto heard = origin.heard("stranger");
    ASSERT_EQ(heard.size(), 1U);
    for (const char* const name : {"x-real-ip", "x-forwarded-for", "x-forwarded-port"})
        EXPECT_EQ(heard[0].request.field(name), std::nullopt) << name;
    EXPECT_EQ(heard[0].request.field("x-forwarded-proto"), "http");
    const std::string line = proxy.running().wait_for("\"/stranger\"");
    EXPECT_EQ(text_in(line, "client.address"), "unix:");
    EXPECT_EQ(text_in(line, "network.peer.address"), "unix:");
}

// Of a client that names no host, and came to no address, nothing but the path is known.
TEST(UnixBind, RedirectsToAPathWhereNoHostIsNamed) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    const daemon proxy("listeners: {web: {bind: \"unix:" + path +
                       "\"}}\nroutes:\n  - {redirect: {path: /search}, response_headers: "
                       "{set: {X-Client: \"<${client.ip}>\"}}}\n");
    const std::string got =
        curl({"-i", "--http1.0", "-H", "Host:", "--unix-socket", path, "http://a.test/q"}).out;
    EXPECT_NE(got.find("\r\nLocation: /search\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("\r\nX-Client: <>\r\n"), std::string::npos) << got;
}

TEST(UnixBind, BelievesItsPeersWhereTheyAreTrusted) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    steered_origin origin;
    daemon proxy(configuration("\"unix:" + path + "\"", origin.address(), "trust: [unix]\n"));
    EXPECT_EQ(
        ask(path, "/trusted",
            {"-H", "X-Forwarded-For: 6.6.6.6, 203.0.113.9", "-H", "X-Forwarded-Proto: https"}),
        "/trusted");
    const auto heard = origin.heard("trusted");
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].request.field("x-real-ip"), "203.0.113.9");
    EXPECT_EQ(heard[0].request.field("x-forwarded-for"), "203.0.113.9");
    EXPECT_EQ(heard[0].request.field("x-forwarded-proto"), "https");
    EXPECT_EQ(heard[0].request.field("x-forwarded-port"), "443");
    const std::string line = proxy.running().wait_for("\"/trusted\"");
    EXPECT_EQ(text_in(line, "client.address"), "203.0.113.9");
    EXPECT_EQ(text_in(line, "network.peer.address"), "unix:");
}

// Others that have no address share one limit.
TEST(UnixBind, StrangersShareOneLimit) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    daemon proxy(
        "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlisteners: {web: {bind: \"unix:" + path +
        "\", limits: {requests_per_address: 1}}}\nroutes: [{respond: {body: fine}}]\n");
    int refused = 0;
    for (int i = 0; i < 200; ++i)
        refused += ask(path, "/", {"-o", "/dev/null", "-w", "%{http_code}"}) == "429" ? 1 : 0;
    EXPECT_GT(refused, 0);
}

TEST(UnixBind, TakesTheFileOfAProcessThatDied) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    steered_origin origin;
    const std::string yaml = configuration("\"unix:" + path + "\"", origin.address());
    {
        daemon killed(yaml);
        killed.running().signal(SIGKILL);
        EXPECT_EQ(killed.running().wait().signal, SIGKILL);
    }
    ASSERT_TRUE(is_socket(path));
    daemon proxy(yaml);
    EXPECT_EQ(ask(path, "/again"), "/again");
    // Where somebody listens, nobody else does.
    const std::string file = dir.write("second.yaml", yaml);
    const command_result second = run({penstock_binary(), "run", "-c", file});
    EXPECT_NE(second.status.code, 0);
    EXPECT_NE(second.err.find("unix:" + path), std::string::npos) << second.err;
    EXPECT_EQ(ask(path, "/still"), "/still");
}

TEST(UnixBind, IsKeptOverAReload) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    const std::string other = dir.path("other.sock");
    steered_origin origin;
    daemon proxy(configuration("\"unix:" + path + "\"", origin.address()));
    struct stat before {};
    ASSERT_EQ(::lstat(path.c_str(), &before), 0);
    proxy.write_configuration(
        configuration("\"unix:" + path + "\", \"unix:" + other + "\"", origin.address()));
    proxy.running().signal(SIGHUP);
    (void)wait_for_sum(proxy, "penstock_config_generation", {}, 2);
    struct stat after {};
    ASSERT_EQ(::lstat(path.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(ask(path, "/kept"), "/kept");
    EXPECT_EQ(ask(other, "/new"), "/new");
    // What a reload takes away goes with its file.
    proxy.write_configuration(configuration("\"unix:" + path + "\"", origin.address()));
    proxy.running().signal(SIGHUP);
    (void)wait_for_sum(proxy, "penstock_config_generation", {}, 3);
    EXPECT_FALSE(is_socket(other));
    EXPECT_EQ(ask(path, "/kept-again"), "/kept-again");
}

// An application that listens on a Unix socket: Penstock itself, with HTTP/1 and with HTTP/2.
TEST(UnixEndpoint, IsAskedOverBothVersions) {
    const temp_dir dir;
    const std::string path = dir.path("app.sock");
    daemon app("listeners: {web: {bind: \"unix:" + path +
               "\"}}\nroutes: [{respond: {body: \"from the socket\"}}]\n"
               "log: {access: {path: \"-\"}}\n");
    for (const std::string protocol : {"http/1.1", "h2"}) {
        daemon proxy(
            "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
            "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
            "upstreams: {app: {endpoints: [\"unix:" +
            path + "\"], protocol: " + protocol + "}}\n");
        const std::string target =
            "/" + protocol.substr(0, 2) + protocol.substr(protocol.size() - 1);
        EXPECT_EQ(curl({proxy.url("web", target)}).out, "from the socket") << protocol;
        EXPECT_EQ(curl({"-d", std::string(100'000, 'b'), proxy.url("web", target + "-post")}).out,
                  "from the socket")
            << protocol;
        const std::string line = app.running().wait_for("\"" + target + "\"");
        EXPECT_EQ(text_in(line, "network.protocol.version"), protocol == "h2" ? "2" : "1.1");
        const samples found = wait_for_sum(proxy, "penstock_upstream_attempts_total",
                                           {"endpoint=\"unix:" + path + "\"", "result=\"ok\""}, 2);
        EXPECT_EQ(sum(found, "penstock_upstream_attempts_total", {"result=\"ok\""}), 2);
    }
}

TEST(UnixEndpoint, ThatIsNotThereIsA502) {
    const temp_dir dir;
    daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"unix:" +
        dir.path("app.sock") + "\"]}}\n");
    const std::string seen = curl({"-i", proxy.url("web", "/")}).out;
    EXPECT_NE(seen.find("502"), std::string::npos) << seen;
    EXPECT_NE(seen.find("error=connection_refused"), std::string::npos) << seen;
    // It comes without a reload.
    const daemon app("listeners: {web: {bind: \"unix:" + dir.path("app.sock") +
                     "\"}}\nroutes: [{respond: {body: \"here now\"}}]\n");
    EXPECT_EQ(curl({proxy.url("web", "/")}).out, "here now");
}

// RFC 1034 §3.1: a name that ends in a dot is whole.
TEST(EndpointName, MayEndInADot) {
    steered_origin origin;
    const std::string port = origin.address().substr(origin.address().rfind(':'));
    daemon proxy(configuration("\"127.0.0.1:0\"", "localhost." + port));
    EXPECT_EQ(curl({proxy.url("web", "/dotted")}).out, "/dotted");
    EXPECT_EQ(curl({"-0", "-H", "Host:", proxy.url("web", "/hostless")}).out, "/hostless");
    const auto heard = origin.heard("hostless");
    ASSERT_FALSE(heard.empty());
    EXPECT_EQ(heard[0].request.field("host").value_or("").find("localhost."), std::string::npos);
}

TEST(SocketOptions, AreTakenAndServe) {
    steered_origin origin;
    const std::string options =
        "receive_buffer: 100KiB, send_buffer: 150KiB, notsent_lowat: 128KiB, user_timeout: 30s";
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", socket: {" +
        options +
        ", defer_accept: 2s}}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], socket: {" + options + "}}}\n");
    EXPECT_EQ(curl({proxy.url("web", "/tuned")}).out, "/tuned");
    const std::string port = std::to_string(proxy.port("web"));
    // ss prints them: rb and tb of skmem are the sizes, which the kernel has doubled. Above
    // net.core.rmem_max and wmem_max it takes less.
    peer held(proxy.port("web"));
    held.send("GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(held).status, 200);
    const std::string seen =
        run({"ss", "-Hntm", "state", "established", "( sport = :" + port + " )"}).out;
    EXPECT_NE(seen.find("rb204800"), std::string::npos) << seen;
    EXPECT_NE(seen.find("tb307200"), std::string::npos) << seen;
}

TEST(SocketOptions, OddValuesAreErrors) {
    for (const std::string odd : {"mode: \"0999\"", "mode: rw", "receive_buffer: 2GiB",
                                  "user_timeout: -1s", "defer_accept: 2h", "notsent_lowat: x"}) {
        const temp_dir dir;
        const std::string path =
            dir.write("p.yaml", "listeners: {web: {bind: \"127.0.0.1:0\", socket: {" + odd +
                                    "}}}\nroutes: [{respond: {}}]\n");
        EXPECT_EQ(run({penstock_binary(), "check", "-c", path}).status.code, 78) << odd;
    }
}

TEST(UnixBind, OddPathsAreErrors) {
    const std::vector<std::string> odd{"unix:web.sock", "unix:", "unix:/run/",
                                       "unix:/" + std::string(107, 's')};
    for (const std::string& bind : odd) {
        const temp_dir dir;
        const std::string path = dir.write(
            "p.yaml", "listeners: {web: {bind: \"" + bind + "\"}}\nroutes: [{respond: {}}]\n");
        EXPECT_EQ(run({penstock_binary(), "check", "-c", path}).status.code, 78) << bind;
    }
}

}  // namespace
}  // namespace penstock::test
