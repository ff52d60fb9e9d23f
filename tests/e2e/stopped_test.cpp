// A process that is stopped for a while (SIGSTOP, a paused container or machine): what came
// meanwhile is heard before any deadline is judged.
#include "e2e/clock_site.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <latch>
#include <string>

namespace penstock::test {
namespace {

std::string site(const std::string& origin, const std::string& upstream = "") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nroutes: [{upstream: app}]\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"], retry: {attempts: 1}" + upstream + "}}\n";
}

char state_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(')');
    return name_end + 2 < text.size() ? text[name_end + 2] : '?';
}

// Every deadline passes while the daemon is stopped, and `meanwhile` happens.
void stop_while(moved_clock& time, const std::function<void()>& meanwhile) {
    const process& daemon = time.proxy().running();
    daemon.signal(SIGSTOP);
    const time_limit limit(patience);
    while (state_of(daemon.pid()) != 'T' && !limit.passed())
        continue;
    ASSERT_EQ(state_of(daemon.pid()), 'T');
    time.advance(120s);
    meanwhile();
    daemon.signal(SIGCONT);
}

// The proxy's worker waits for what comes next.
void rest(const moved_clock& time) { (void)scrape(time.proxy()); }

TEST(Stopped, AnUploadGoesOn) {
    scripted_origin origin(
        scripted_origin::answer([](const http_request& got) { return ok_response(got.body); }));
    moved_clock time(site(origin.address()));
    peer client(time.proxy().port("web"));
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabcde");
    wait_for_sum(time.proxy(), "penstock_upstream_connections", {"state=\"active\""}, 1);
    stop_while(time, [&] { client.send("fghij"); });
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "abcdefghij");
}

TEST(Stopped, AnAnswerIsTaken) {
    std::latch asked(1);
    std::latch stopped(1);
    std::latch answered(1);
    scripted_origin origin([&](peer& wire, int) {
        (void)wire.read_until("\r\n\r\n");
        asked.count_down();
        stopped.wait();
        wire.send(ok_response("late"));
        answered.count_down();
        (void)wire.read_until("\r\n\r\n");
    });
    moved_clock time(site(origin.address()));
    peer client(time.proxy().port("web"));
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    asked.wait();
    rest(time);
    stop_while(time, [&] {
        stopped.count_down();
        answered.wait();
    });
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "late");
}

TEST(Stopped, StreamsOfBothSidesGoOn) {
    std::latch asked(1);
    std::latch stopped(1);
    std::latch answered(1);
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        ASSERT_TRUE(server.body_of(5));
        asked.count_down();
        stopped.wait();
        server.answer(stream, {{":status", "200"}});
        answered.count_down();
        (void)server.request();
    });
    moved_clock time(site(origin.address(), ", protocol: h2"));
    h2_client client(time.proxy().port("web"));
    client.send(h2::head(1, h2::post(), false) + h2::body(1, "abcde", false));
    asked.wait();
    rest(time);
    stop_while(time, [&] {
        stopped.count_down();
        client.send(h2::body(1, "fghij", true));
        answered.wait();
    });
    EXPECT_EQ(client.response(1).status(), 200);
}

// One of which a part had come.
TEST(Stopped, AHeadIsRead) {
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("ok"); }));
    moved_clock time(site(origin.address()));
    peer client(time.proxy().port("web"));
    client.send("GET / HTTP/1.1\r\n");
    rest(time);
    stop_while(time, [&] { client.send("Host: a.test\r\n\r\n"); });
    EXPECT_EQ(read_response(client).status, 200);
}

}  // namespace
}  // namespace penstock::test
