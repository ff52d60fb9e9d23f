// A start and a reload that do not end: name servers that never answer, a pipe in the place of the
// configuration. The process still serves signals, and ends when it is told to.
#include "e2e/held_resolver.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <string>

namespace penstock::test {
namespace {

using namespace std::chrono_literals;

// Long enough for every machine, and far below what all names together take to fail.
constexpr milliseconds end_limit = 30s;

// So many names that resolving them takes more than a minute.
std::string with_unknown_names() {
    std::string names;
    for (int i = 0; i < 256; ++i)
        names += (i == 0 ? "\"n" : ", \"n") + std::to_string(i) + ".unknown.test:80\"";
    return "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [" +
           names + "]}}\n";
}

TEST(Stuck, AStartThatWaitsForNamesEndsWithASignal) {
    for (const int number : {SIGTERM, SIGINT}) {
        held_resolver names;
        const temp_dir dir;
        process proxy({penstock_binary(), "run", "-c", dir.write("a.yaml", with_unknown_names())});
        names.wait_for_question();
        proxy.signal(SIGHUP);
        proxy.wait_for("SIGHUP: a reload, once the start has ended");
        proxy.signal(number);
        EXPECT_EQ(proxy.wait(end_limit), (exit_status{0, 0})) << proxy.err();
    }
}

// Of a configuration that has changed while the start waited, the newer one is served.
TEST(Stuck, ASignalDuringTheStartIsAReload) {
    held_resolver names;
    const temp_dir dir;
    const auto saying = [](const std::string& text) {
        return "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
               "routes: [{match: {path: {prefix: /named}}, upstream: app}, {respond: {body: \"" +
               text + "\"}}]\nupstreams: {app: {endpoints: [\"app.test:80\"]}}\n";
    };
    process proxy({penstock_binary(), "run", "-c", dir.write("a.yaml", saying("old"))});
    names.wait_for_question();
    proxy.signal(SIGHUP);
    proxy.wait_for("SIGHUP: a reload, once the start has ended");
    dir.write("a.yaml", saying("new"));
    names.release_as_ours();
    const std::string line = proxy.wait_for("listening on 127.0.0.1:");
    proxy.wait_for("ready: ");
    proxy.wait_for("generation 2");
    const std::string port = line.substr(line.find("127.0.0.1:") + 10);
    EXPECT_EQ(
        curl({"http://127.0.0.1:" + port.substr(0, port.find_first_not_of("0123456789"))}).out,
        "new");
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.wait(), (exit_status{0, 0})) << proxy.err();
}

TEST(Stuck, AReloadThatWaitsForNamesDoesNotKeepTheProcess) {
    held_resolver names;
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("one"); }));
    daemon proxy(proxy_to(origin.address()));
    proxy.write_configuration(with_unknown_names());
    proxy.running().signal(SIGHUP);
    names.wait_for_question();
    EXPECT_EQ(curl({proxy.url("web")}).out, "one");
    EXPECT_EQ(proxy.stop(end_limit), (exit_status{0, 0})) << proxy.running().err();
}

TEST(Stuck, APipeInPlaceOfTheConfigurationIsRefused) {
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("one"); }));
    daemon proxy(proxy_to(origin.address()));
    const std::string path = proxy.configuration_path();
    ASSERT_EQ(std::remove(path.c_str()), 0);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("cannot read the configuration again: not a regular file");
    proxy.running().wait_for("reload failed: generation 1 stays");
    EXPECT_EQ(curl({proxy.url("web")}).out, "one");
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

// At start a pipe is as good as a file: `penstock run -c <(generate)`.
TEST(Stuck, APipeIsReadAtTheStart) {
    process proxy({"bash", "-c",
                   "exec " + penstock_binary() +
                       " run -c <(echo 'listeners: {web: {bind: \"127.0.0.1:0\"}}'; "
                       "echo 'routes: [{respond: {}}]')"});
    proxy.wait_for("ready: ");
    proxy.signal(SIGHUP);
    proxy.wait_for("reload failed: generation 1 stays");
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.wait(), (exit_status{0, 0}));
}

}  // namespace
}  // namespace penstock::test
