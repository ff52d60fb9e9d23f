// SIGHUP: what changes, what stays, and that nothing is half applied.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

scripted_origin::script say(const std::string& text) {
    return scripted_origin::answer([text](const http_request&) { return ok_response(text); });
}

struct parts {
    std::string listeners = "web: {bind: \"127.0.0.1:0\"}";
    std::string upstream = {};  // more keys of `app`
    std::string top = {};       // more lines
};

std::string configuration(const std::string& origin, const parts& with = {}) {
    return "admin: {bind: \"127.0.0.1:0\"}\n"
           "listeners: {" +
           with.listeners +
           "}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]" + (with.upstream.empty() ? "" : ", " + with.upstream) + "}}\n" + with.top;
}

void reload(daemon& proxy, const std::string& yaml, int generation) {
    proxy.write_configuration(yaml);
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reloaded: generation " + std::to_string(generation));
}

void expect_rejected(daemon& proxy, const std::string& yaml, const std::string& why) {
    proxy.write_configuration(yaml);
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reload failed: generation 1 stays");
    EXPECT_TRUE(contains(proxy.running().err(), why)) << proxy.running().err();
    const samples found = scrape(proxy);
    EXPECT_EQ(sum(found, "penstock_config_generation"), 1);
    EXPECT_EQ(sum(found, "penstock_config_last_reload_success"), 0);
}

// Free a moment ago, on every address.
std::uint16_t free_port() {
    const refusing_port taken;
    return taken.port();
}

std::string get(const std::string& url) { return curl({url}).out; }

TEST(Reload, ServesTheNewConfiguration) {
    scripted_origin one(say("one"));
    scripted_origin two(say("two"));
    daemon proxy(configuration(one.address()));
    EXPECT_EQ(get(proxy.url("web")), "one");
    reload(proxy, configuration(two.address()), 2);
    EXPECT_EQ(get(proxy.url("web")), "two");
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_generation"), 2);
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

TEST(Reload, KeepsTheOldOneIfTheNewOneIsWrong) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    expect_rejected(proxy, configuration(origin.address(), {.top = "lod: {level: info}\n"}),
                    proxy.configuration_path() + ":5:1: error: ");
    EXPECT_EQ(get(proxy.url("web")), "one");
    EXPECT_TRUE(contains(get(proxy.admin_url("/status")), ":5:1: error: "))
        << get(proxy.admin_url("/status"));
    // The next good one is generation 2 and clears the failure.
    reload(proxy, configuration(origin.address()), 2);
    EXPECT_EQ(sum(scrape(proxy), "penstock_config_last_reload_success"), 1);
}

TEST(Reload, ReadsIncludedFilesAndTheFilesOfValuesAgain) {
    const temp_dir more;
    const std::string routes = "routes: [{respond: {body: \"${file:motd}\"}}]\n";
    more.write("motd", "one\n");
    more.write("routes.yaml", routes);
    const std::string main = "admin: {bind: \"127.0.0.1:0\"}\ninclude: \"" + more.path("*.yaml") +
                             "\"\nlisteners: {web: {bind: \"127.0.0.1:0\"}}\n";
    daemon proxy(main);
    EXPECT_EQ(get(proxy.url("web")), "one");
    more.write("motd", "two\n");
    reload(proxy, main, 2);
    EXPECT_EQ(get(proxy.url("web")), "two");
    more.write("routes.yaml", "routes: [{respond: {body: three}}]\n");
    reload(proxy, main, 3);
    EXPECT_EQ(get(proxy.url("web")), "three");
    more.write("routes.yaml", "routs: []\n");
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("reload failed: generation 3 stays");
    EXPECT_TRUE(contains(proxy.running().err(), more.path("routes.yaml") + ":1:1: error: "))
        << proxy.running().err();
    EXPECT_EQ(get(proxy.url("web")), "three");
}

TEST(Reload, ChangesNothingIfASocketCannotBeOpened) {
    scripted_origin one(say("one"));
    scripted_origin two(say("two"));
    daemon proxy(configuration(one.address()));
    // The listener before it could be opened; it must not stay behind.
    expect_rejected(
        proxy,
        configuration(two.address(), {.listeners = "web: {bind: \"127.0.0.1:0\"}, "
                                                   "more: {bind: \"127.0.0.1:0\"}, "
                                                   "taken: {bind: \"" +
                                                   one.address() + "\"}"}),
        "listener 'taken' cannot listen on " + one.address() + ": Address already in use");
    EXPECT_EQ(get(proxy.url("web")), "one");
    EXPECT_FALSE(contains(proxy.running().err(), "(listener more)"));
}

TEST(Reload, ChangesNothingIfTheAccessLogCannotBeOpened) {
    scripted_origin one(say("one"));
    scripted_origin two(say("two"));
    daemon proxy(configuration(one.address()));
    expect_rejected(proxy,
                    configuration(two.address(), {.top = "log: {access: {path: /nowhere/a}}\n"}),
                    ":5:22: error: access log '/nowhere/a': No such file or directory");
    EXPECT_EQ(get(proxy.url("web")), "one");
}

// Options of sockets that stay: what can change does, and of what cannot the log says so.
TEST(Reload, ChangesTheOptionsOfSocketsThatStay) {
    const temp_dir dir;
    const std::string path = dir.path("web.sock");
    scripted_origin origin(say("one"));
    const auto listening = [&](const std::string& mode, const std::string& options) {
        return configuration(
            origin.address(),
            {.listeners = "local: {bind: \"unix:" + path + "\", socket: {mode: \"" + mode +
                          "\"}}, web: {bind: \"127.0.0.1:0\", socket: {" + options + "}}"});
    };
    const auto mode_of = [&path] {
        struct stat found {};
        EXPECT_EQ(::lstat(path.c_str(), &found), 0);
        return found.st_mode & 0777U;
    };
    daemon proxy(listening("0666", "receive_buffer: 64KiB, backlog: 100"));
    const auto backlog = [&proxy] {
        return run({"ss", "-Hltn", "sport = :" + std::to_string(proxy.port("web"))}).out;
    };
    EXPECT_EQ(mode_of(), 0666U);
    EXPECT_TRUE(contains(backlog(), " 100 ")) << backlog();
    reload(proxy, listening("0600", "receive_buffer: 0, backlog: 77"), 2);
    EXPECT_EQ(mode_of(), 0600U);
    EXPECT_FALSE(contains(backlog(), " 100 ")) << backlog();
    EXPECT_TRUE(contains(backlog(), " 77 ")) << backlog();
    proxy.running().wait_for(
        "'socket.receive_buffer' of listener 'web' is 0 again: its sockets keep 65536 bytes");
    EXPECT_EQ(curl({"--unix-socket", path, "http://a.test/"}).out, "one");
    // A permission that cannot be taken back keeps the reload from succeeding.
    ASSERT_EQ(std::rename(path.c_str(), (path + ".moved").c_str()), 0);
    proxy.write_configuration(listening("0640", "backlog: 77"));
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("listener 'local' cannot set the mode of unix:" + path);
    proxy.running().wait_for("reload failed: generation 2 stays");
}

TEST(Reload, AddsAndRemovesListeners) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    const std::string both = "web: {bind: \"127.0.0.1:0\"}, more: {bind: \"127.0.0.1:0\"}";
    reload(proxy, configuration(origin.address(), {.listeners = both}), 2);
    EXPECT_EQ(get(proxy.url("more")), "one");
    EXPECT_EQ(get(proxy.url("web")), "one");
    // A connection to a listener that goes: it is served as long as it asks for something.
    peer idle(proxy.port("web"));
    idle.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(idle).body, "one");
    reload(proxy, configuration(origin.address(), {.listeners = "more: {bind: \"127.0.0.1:0\"}"}),
           3);
    EXPECT_EQ(idle.wait_closed(), closing::eof);
    EXPECT_THROW(peer{proxy.port("web")}, test_error);
    EXPECT_EQ(get(proxy.url("more")), "one");
}

TEST(Reload, AddsAndRemovesAddressesOfAListener) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    const std::string url = proxy.url("web");
    reload(proxy,
           configuration(origin.address(),
                         {.listeners = "web: {bind: [\"127.0.0.1:0\", \"127.0.0.2:0\"]}"}),
           2);
    const std::string line = proxy.running().wait_for("listening on 127.0.0.2:");
    const std::size_t begin = line.find("127.0.0.2:");
    const std::string second = "http://" + line.substr(begin, line.find(' ', begin) - begin) + "/";
    EXPECT_EQ(get(second), "one");
    EXPECT_EQ(get(url), "one");
    reload(proxy, configuration(origin.address()), 3);
    EXPECT_EQ(get(url), "one");
    EXPECT_NE(curl({second}).status.code, 0);
}

TEST(Reload, NarrowsAnAddressWhosePortStays) {
    scripted_origin origin(say("one"));
    const std::string port = std::to_string(free_port());
    daemon proxy(
        configuration(origin.address(), {.listeners = "web: {bind: \"0.0.0.0:" + port + "\"}"}));
    EXPECT_EQ(get("http://127.0.0.2:" + port), "one");
    reload(
        proxy,
        configuration(origin.address(), {.listeners = "web: {bind: \"127.0.0.1:" + port + "\"}"}),
        2);
    EXPECT_EQ(get("http://127.0.0.1:" + port), "one");
    EXPECT_NE(curl({"http://127.0.0.2:" + port}).status.code, 0);
    reload(proxy,
           configuration(origin.address(), {.listeners = "web: {bind: \"0.0.0.0:" + port + "\"}"}),
           3);
    EXPECT_EQ(get("http://127.0.0.2:" + port), "one");
}

TEST(Reload, KeepsTheSocketOfARenamedListener) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    const std::string url = proxy.url("web");
    peer kept(proxy.port("web"));
    kept.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(kept).body, "one");
    reload(proxy,
           configuration(origin.address(), {.listeners = "renamed: {bind: \"127.0.0.1:0\"}"}), 2);
    EXPECT_EQ(get(url), "one");
    kept.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(kept).body, "one");
    const samples found =
        wait_for_sum(proxy, "penstock_requests_total", {"listener=\"renamed\""}, 2);
    EXPECT_EQ(sum(found, "penstock_requests_total", {"listener=\"web\""}), 1);
}

TEST(Reload, KeepsIdleConnectionsOfClientsAndOfUnchangedUpstreams) {
    scripted_origin origin(say("one"));
    daemon proxy("workers: 1\n" + configuration(origin.address()));
    peer client(proxy.port("web"));
    for (int generation = 2; generation < 5; ++generation) {
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(client).body, "one");
        reload(proxy, "workers: 1\n" + configuration(origin.address()), generation);
    }
    EXPECT_EQ(origin.connections(), 1);
    reload(proxy, "workers: 1\n" + configuration(origin.address(), {.upstream = "balance: random"}),
           5);
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(client).body, "one");
    EXPECT_EQ(origin.connections(), 2) << "an upstream that changed begins anew";
}

TEST(Reload, LetsAnExchangeInFlightFinish) {
    gate answer;
    scripted_origin slow([&answer](peer& client, int) {
        static_cast<void>(read_request(client));
        client.wait_for(answer);
        client.send(ok_response("slow"));
    });
    scripted_origin next(say("next"));
    daemon proxy(configuration(slow.address()));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    slow.wait_for_connections(1);
    reload(proxy, configuration(next.address()), 2);
    EXPECT_EQ(get(proxy.url("web")), "next");
    answer.open();
    EXPECT_EQ(read_response(client).body, "slow");
    // The same connection, under the new generation.
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(client).body, "next");
}

TEST(Reload, LetsAWebSocketLive) {
    scripted_origin origin([](peer& client, int) {
        static_cast<void>(read_request_head(client));
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        for (std::string bytes = client.read_some(); !bytes.empty(); bytes = client.read_some())
            client.send(bytes);
    });
    scripted_origin next(say("next"));
    daemon proxy(configuration(origin.address()));
    peer client(proxy.port("web"));
    client.send(
        "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(read_response_head(client).status, 101);
    reload(proxy, configuration(next.address()), 2);
    reload(proxy,
           configuration(next.address(), {.listeners = "more: {bind: \"127.0.0.1:0\"}, "
                                                       "web: {bind: \"127.0.0.1:0\"}"}),
           3);
    client.send("still here");
    EXPECT_EQ(client.read_exactly(10), "still here");
}

TEST(Reload, TakesACertificateThatWasReplacedInItsFile) {
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    scripted_origin origin(say("one"));
    const parts tls{.listeners = "web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: " +
                                 files.cert + ", key: " + files.key + "}]}}"};
    daemon proxy(configuration(origin.address(), tls));
    const std::string url = "https://127.0.0.1:" + std::to_string(proxy.port("web")) + "/";
    const std::string old = dir.write("old.pem", dir.read("a.test.pem"));
    EXPECT_EQ(curl({"--cacert", old, url}).out, "one");
    write_certificate(dir, "a.test");
    reload(proxy, configuration(origin.address(), tls), 2);
    EXPECT_NE(curl({"--cacert", old, url}).status.code, 0);
    EXPECT_EQ(curl({"--cacert", files.cert, url}).out, "one");
}

// However fast one follows the other: nothing waits for a quiet moment.
TEST(Reload, KeepsNothingOfWhatItReplaces) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    for (int i = 2; i <= 20; ++i) {
        const std::string other = "timeouts: {connect: " + std::to_string(i) + "s}";
        reload(proxy, configuration(origin.address(), {.upstream = other}), i);
        const std::string status = get(proxy.admin_url("/status"));
        ASSERT_TRUE(contains(status, "\"retired\":{\"generations\":0,\"upstreams\":0}")) << status;
    }
    EXPECT_EQ(get(proxy.url("web")), "one");
}

// What an exchange began under lives until it ends, and no longer.
TEST(Reload, KeepsWhatAnExchangeUses) {
    gate answers;
    scripted_origin origin(scripted_origin::answer([&](const http_request&) { return ""; }));
    scripted_origin slow([&](peer& client, int) {
        (void)read_request_head(client);
        client.wait_for(answers);
        client.send(ok_response("late"));
        (void)client.wait_closed();
    });
    daemon proxy(configuration(slow.address()));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    slow.wait_for_connections(1);
    for (int i = 2; i <= 4; ++i) {
        const std::string other = "timeouts: {connect: " + std::to_string(i) + "s}";
        reload(proxy, configuration(origin.address(), {.upstream = other}), i);
        const std::string status = get(proxy.admin_url("/status"));
        EXPECT_TRUE(contains(status, "\"retired\":{\"generations\":1,\"upstreams\":1}")) << status;
    }
    answers.open();
    EXPECT_EQ(read_response(client).body, "late");
    const time_limit limit(patience);
    while (!contains(get(proxy.admin_url("/status")),
                     "\"retired\":{\"generations\":0,\"upstreams\":0}"))
        ASSERT_FALSE(limit.passed());
}

TEST(Reload, SwitchesTheAccessLogOnOverAndOff) {
    const temp_dir dir;
    scripted_origin origin(say("one"));
    const auto logging = [&](const std::string& file) {
        return configuration(origin.address(),
                             {.top = "log: {access: {path: " + dir.path(file) + "}}\n"});
    };
    daemon proxy(configuration(origin.address()));
    get(proxy.url("web", "/off"));
    reload(proxy, logging("first"), 2);
    get(proxy.url("web", "/first"));
    reload(proxy, logging("second"), 3);
    get(proxy.url("web", "/second"));
    reload(proxy, configuration(origin.address()), 4);
    get(proxy.url("web", "/off"));
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(dir.read("first"), "/first"));
    EXPECT_TRUE(contains(dir.read("second"), "/second")) << dir.read("second");
    EXPECT_FALSE(contains(dir.read("first") + dir.read("second"), "/off"));
}

TEST(AccessLog, IsOpenedAnewForUsr1) {
    const temp_dir dir;
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address(),
                               {.top = "log: {access: {path: " + dir.path("log") + "}}\n"}));
    get(proxy.url("web", "/before"));
    // A line is written a moment after its answer; one that came later would go to the new file.
    for (const time_limit limit(patience); !contains(dir.read("log"), "/before");) {
        ASSERT_FALSE(limit.passed());
    }
    ASSERT_EQ(std::rename(dir.path("log").c_str(), dir.path("rotated").c_str()), 0);
    proxy.running().signal(SIGUSR1);
    proxy.running().wait_for("opened again");
    get(proxy.url("web", "/after"));
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(dir.read("rotated"), "/before"));
    EXPECT_FALSE(contains(dir.read("rotated"), "/after"));
    EXPECT_TRUE(contains(dir.read("log"), "/after"));
}

TEST(Reload, SaysWhatNeedsARestart) {
    scripted_origin origin(say("one"));
    daemon proxy(configuration(origin.address()));
    reload(proxy, "workers: 7\n" + configuration(origin.address()), 2);
    EXPECT_TRUE(contains(proxy.running().err(), "'workers' has changed")) << proxy.running().err();
    proxy.running().signal(SIGUSR2);
    proxy.running().wait_for("upgrading the binary is not in this release");
    EXPECT_EQ(get(proxy.url("web")), "one");
}

TEST(Reload, IsRefusedWithoutAFile) {
    scripted_origin origin(say("one"));
    daemon proxy(std::vector<std::string>{"run", "--listen", "127.0.0.1:0", "--to",
                                          "http://" + origin.address()});
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("no configuration file to load again");
    EXPECT_EQ(get(proxy.url("web")), "one");
}

}  // namespace
}  // namespace penstock::test
