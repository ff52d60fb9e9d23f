// A start and a reload that do not end: name servers that never answer, a pipe in the place of the
// configuration. The process still serves signals, and ends when it is told to.
#include "clock_site.hpp"
#include "support/descriptor.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <string>

namespace penstock::test {
namespace {

using namespace std::chrono_literals;

// Long enough for every machine, and far below what all names together take to fail.
constexpr milliseconds end_limit = 30s;

// A name server that hears every question and answers none. What is started while it lives asks it.
class silent_server {
 public:
    silent_server()
        : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
          order_("ASAN_OPTIONS", options() + ":verify_asan_link_order=0"),
          file_("PENSTOCK_RESOLV_CONF", dir_.write("resolv.conf", listen())),
          library_("LD_PRELOAD", PENSTOCK_RESOLVER_LIBRARY) {}

    // Until somebody has asked for a name.
    void wait_for_question() const {
        pollfd wait{fd_.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&wait, 1, static_cast<int>(milliseconds(patience).count())), 1);
    }

 private:
    static std::string options() {
        const char* const present = std::getenv("ASAN_OPTIONS");
        return present != nullptr ? present : "";
    }
    std::string listen() const {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), size), 0);
        EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
        return "nameserver 127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "\n";
    }

    temp_dir dir_;
    descriptor fd_;
    variable order_;
    variable file_;
    variable library_;
};

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
        const silent_server names;
        const temp_dir dir;
        process proxy({penstock_binary(), "run", "-c", dir.write("a.yaml", with_unknown_names())});
        names.wait_for_question();
        proxy.signal(SIGHUP);
        proxy.wait_for("SIGHUP: no reload before the start has ended");
        proxy.signal(number);
        EXPECT_EQ(proxy.wait(end_limit), (exit_status{0, 0})) << proxy.err();
    }
}

TEST(Stuck, AReloadThatWaitsForNamesDoesNotKeepTheProcess) {
    const silent_server names;
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
