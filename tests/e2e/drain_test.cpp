// The end: what is in flight finishes, what idles is let go, and nothing waits for ever.
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <string>

namespace penstock::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Answers once the gate is open.
class slow_origin {
 public:
    void answer() const { open_.open(); }
    scripted_origin& origin() { return origin_; }

 private:
    gate open_;
    scripted_origin origin_{[this](peer& client, int) {
        while (read_request(client)) {
            client.wait_for(open_);
            client.send(ok_response("slow"));
        }
    }};
};

std::string configuration(const std::string& origin, const std::string& drain = "20s") {
    return proxy_to(origin, "", "drain: {timeout: " + drain + "}\n");
}

void ask(peer& client) { client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"); }

class Drain : public testing::TestWithParam<int> {};

TEST_P(Drain, FinishesWhatIsInFlightAndEndsWithZero) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address()));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(GetParam());
    proxy.running().wait_for("draining");
    slow.answer();
    const http_response got = read_response(busy);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "slow");
    EXPECT_EQ(got.field("connection"), "close");
    EXPECT_EQ(busy.wait_closed(), closing::eof);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "drained")) << proxy.running().err();
}

INSTANTIATE_TEST_SUITE_P(Signals, Drain, testing::Values(SIGTERM, SIGINT, SIGQUIT),
                         [](const auto& each) {
                             return each.param == SIGTERM  ? "Term"
                                    : each.param == SIGINT ? "Int"
                                                           : "Quit";
                         });

TEST(Draining, ClosesIdleConnectionsAndAcceptsNoMore) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address()));
    peer idle(proxy.port("web"));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    EXPECT_EQ(idle.wait_closed(), closing::eof);
    idle.close();
    EXPECT_THROW(peer{proxy.port("web")}, test_error);
    slow.answer();
    EXPECT_EQ(read_response(busy).status, 200);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
}

TEST(Draining, IsNotReadyButAnswersAdmin) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address()));
    const auto code = [&proxy](const char* path) {
        return curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.admin_url(path)}).out;
    };
    EXPECT_EQ(code("/readyz"), "200");
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining");
    EXPECT_EQ(code("/readyz"), "503");
    EXPECT_EQ(code("/healthz"), "200");
    EXPECT_TRUE(contains(curl({proxy.admin_url("/status")}).out, "draining"));
    slow.answer();
    EXPECT_EQ(read_response(busy).status, 200);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
}

std::string delayed(const std::string& origin, const std::string& delay) {
    return proxy_to(origin, "", "drain: {delay: " + delay + ", timeout: 20s}\n");
}

// A balancer that asks /readyz takes us out, and until then nobody is refused.
TEST(DrainDelay, AcceptsAndServesWhileItIsNotReady) {
    slow_origin slow;
    slow.answer();
    daemon proxy(delayed(slow.origin().address(), "1h"));
    peer kept(proxy.port("web"));
    ask(kept);
    EXPECT_EQ(read_response(kept).status, 200);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining begins in 3600000 ms");
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.admin_url("/readyz")}).out,
              "503");
    EXPECT_TRUE(contains(curl({proxy.admin_url("/status")}).out, "draining"));
    ask(kept);
    const http_response got = read_response(kept);
    EXPECT_EQ(got.status, 200);
    EXPECT_NE(got.field("connection"), "close");
    EXPECT_EQ(curl({proxy.url("web")}).out, "slow");
    EXPECT_TRUE(proxy.running().running());
    proxy.running().signal(SIGTERM);
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
}

TEST(DrainDelay, IsFollowedByTheDrain) {
    slow_origin slow;
    daemon proxy(delayed(slow.origin().address(), "100ms"));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("drain delay: draining, at most 20000 ms");
    EXPECT_THROW(peer{proxy.port("web")}, test_error);
    slow.answer();
    EXPECT_EQ(read_response(busy).status, 200);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "drained")) << proxy.running().err();
}

TEST(DrainDelay, IsCutShortByASecondSignal) {
    slow_origin slow;
    daemon proxy(delayed(slow.origin().address(), "1h"));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining begins in");
    proxy.running().signal(SIGINT);
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "second signal: 1 connections were cut"))
        << proxy.running().err();
}

TEST(Draining, IsCutByASecondSignal) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address(), "1h"));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining");
    proxy.running().signal(SIGTERM);
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "second signal: 1 connections were cut"))
        << proxy.running().err();
    busy.wait_closed();
    EXPECT_EQ(busy.received().find("200 OK"), std::string::npos);
}

// Nothing was sent, so nothing else than that may be logged and counted.
TEST(Draining, LogsNoStatusForWhatItCutBeforeAResponse) {
    for (const char* const version : {"--http1.1", "--http2-prior-knowledge"}) {
        slow_origin slow;
        daemon proxy(configuration(slow.origin().address(), "100ms"));
        process client({"curl", "-sS", "--noproxy", "*", version, "-w", "status %{http_code}",
                        proxy.url("web")});
        slow.origin().wait_for_connections(1);
        EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
        EXPECT_NE(client.wait().code, 0) << version;
        EXPECT_TRUE(contains(client.out(), "status 000")) << version << client.out();
        const std::string log = proxy.running().out();
        EXPECT_TRUE(contains(log, "\"http.response.status_code\":0,")) << version << log;
        EXPECT_TRUE(contains(log, "draining")) << version << log;
    }
}

TEST(Draining, LogsTheStatusOfAResponseThatItCut) {
    gate head_came;
    scripted_origin origin([&head_came](peer& client, int) {
        if (!read_request(client))
            return;
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        client.wait_for(head_came);
    });
    daemon proxy(configuration(origin.address(), "100ms"));
    peer client(proxy.port("web"));
    ask(client);
    client.read_until("half");
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
    head_came.open();
    const std::string log = proxy.running().out();
    EXPECT_TRUE(contains(log, "\"http.response.status_code\":200,")) << log;
    EXPECT_TRUE(contains(log, "draining")) << log;
}

TEST(Draining, IsCutAtItsTimeOut) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address(), "100ms"));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().err(), "drain time-out: 1 connections were cut"))
        << proxy.running().err();
}

TEST(Draining, DoesNotReload) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address()));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining");
    proxy.running().signal(SIGHUP);
    proxy.running().wait_for("no reload while draining");
    slow.answer();
    EXPECT_EQ(read_response(busy).status, 200);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
}

TEST(Draining, WritesTheAccessLogOfTheLastExchange) {
    slow_origin slow;
    daemon proxy(configuration(slow.origin().address()));
    peer busy(proxy.port("web"));
    ask(busy);
    slow.origin().wait_for_connections(1);
    proxy.running().signal(SIGTERM);
    proxy.running().wait_for("draining");
    slow.answer();
    EXPECT_EQ(read_response(busy).status, 200);
    busy.close();
    EXPECT_EQ(proxy.running().wait(), (exit_status{0, 0}));
    EXPECT_TRUE(contains(proxy.running().out(), "\"phases_us\"")) << proxy.running().out();
}

// A pipe that nobody reads costs lines, and must keep neither requests nor the end.
TEST(Draining, DoesNotWaitForAReaderOfTheAccessLog) {
    const temp_dir dir;
    ASSERT_EQ(::mkfifo(dir.path("log").c_str(), 0600), 0);
    const descriptor held_open(::open(dir.path("log").c_str(), O_RDWR | O_CLOEXEC));
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("one"); }));
    daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "log: {access: {path: " +
        dir.path("log") +
        "}}\n"
        "routes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n");
    // Some hundred bytes each, and a pipe holds 64 KiB.
    const command_result got = curl({proxy.url("web", "/[1-600]")});
    EXPECT_EQ(got.status.code, 0) << got.err;
    EXPECT_EQ(got.out.size(), 600 * 3U);
    EXPECT_EQ(proxy.stop(), (exit_status{0, 0}));
}

}  // namespace
}  // namespace penstock::test
