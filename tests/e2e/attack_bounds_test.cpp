// Slow peers and floods: each is bounded in time and memory, and afterwards there is nothing left
// of it: no CPU is used, and memory and descriptors are where they were.
#include "support/http_reader.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

// A daemon whose time limits are short; the rules are those of the defaults.
class bounded_site {
 public:
    explicit bounded_site(scripted_origin::script script)
        : origin_(std::move(script)), proxy_(configuration(origin_.address())) {
        for (int i = 0; i < 20; ++i)
            get("/warm");
        descriptors_ = descriptors_of(pid());
        resident_ = memory_of(pid()).resident;
    }
    bounded_site(const bounded_site&) = delete;
    bounded_site& operator=(const bounded_site&) = delete;
    // Nothing is left, within the 30 s that every case has. Pooled connections to the origin may
    // be; whoever wants the count exact has closed them.
    ~bounded_site() {
        try {
            expect_nothing_left();
        } catch (const test_error& failure) {
            ADD_FAILURE() << failure.what();
        }
    }
    void expect_nothing_left() const {
        const time_limit limit(30s);
        while (descriptors_of(pid()) > descriptors_ + pooled_max && !limit.passed())
            hold_for(20ms);
        EXPECT_LE(descriptors_of(pid()), descriptors_ + pooled_max);
        expect_quiet();
        if (!sanitized()) {
            // What the heap keeps for the next time is bounded by the free lists.
            const std::uint64_t most = resident_ + resident_ / 20 + 8 * 1024 * 1024;
            while (memory_of(pid()).resident > most && !limit.passed())
                hold_for(100ms);
            EXPECT_LE(memory_of(pid()).resident, most);
        }
        EXPECT_EQ(get("/after").status, 200);
    }

    http_response get(const std::string& target) const {
        peer client(port());
        client.send("GET " + target + " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        return read_response(client);
    }
    void expect_quiet() const { EXPECT_TRUE(grows_quiet(pid())); }
    [[nodiscard]] std::uint16_t port() const { return proxy_.port("web"); }
    [[nodiscard]] pid_t pid() const { return proxy_.running().pid(); }
    [[nodiscard]] daemon& proxy() noexcept { return proxy_; }
    [[nodiscard]] scripted_origin& origin() noexcept { return origin_; }
    [[nodiscard]] std::uint64_t resident() const noexcept { return resident_; }

    static constexpr std::size_t pooled_max = 4;

 private:
    static std::string configuration(const std::string& origin) {
        return R"(
workers: 1
admin: {bind: "127.0.0.1:0"}
log: {access: {path: "-"}}
listeners:
  web:
    bind: "127.0.0.1:0"
    timeouts: {head: 300ms, body_idle: 300ms, write_idle: 300ms, keepalive: 300ms}
upstreams: {app: {endpoints: [")" +
               origin + R"("], pool: {idle: 2}}}
routes: [{upstream: app}]
)";
    }

    scripted_origin origin_;
    mutable daemon proxy_;
    std::size_t descriptors_ = 0;
    std::uint64_t resident_ = 0;
};

scripted_origin::script answer_ok() {
    return scripted_origin::answer([](const http_request&) { return ok_response("ok"); });
}

std::vector<peer> connect_many(const bounded_site& to, std::size_t count) {
    std::vector<peer> made;
    for (std::size_t i = 0; i < count; ++i)
        made.emplace_back(to.port());
    return made;
}

TEST(AttackBounds, F1_HeadsThatTrickleInAreAnswered408) {
    bounded_site site(answer_ok());
    std::vector<peer> clients = connect_many(site, 20);
    for (peer& each : clients)
        each.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Slow: ");
    // Each byte comes well within the limit, which is the whole head's all the same.
    for (int round = 0; round < 40; ++round) {
        for (peer& each : clients) {
            try {
                each.send("a");
            } catch (const test_error&) {
                // Closed already.
            }
        }
        hold_for(20ms);
    }
    for (peer& each : clients) {
        const http_response got = read_response(each);
        EXPECT_EQ(got.status, 408);
        EXPECT_EQ(got.field("connection"), "close");
        EXPECT_EQ(got.field("proxy-status"), "penstock; error=head_timeout");
    }
    site.proxy().running().wait_for("\"penstock.reason\":\"head_timeout\"", patience, 19);
}

TEST(AttackBounds, F1_SilentConnectionsAreClosedSilently) {
    bounded_site site(answer_ok());
    std::vector<peer> clients = connect_many(site, 100);
    for (peer& each : clients)
        EXPECT_EQ(each.read_to_end(), "");
}

TEST(AttackBounds, F1_IdleConnectionsAreClosedSilently) {
    bounded_site site(answer_ok());
    std::vector<peer> clients = connect_many(site, 50);
    for (peer& each : clients) {
        each.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(each).status, 200);
    }
    for (peer& each : clients)
        EXPECT_EQ(each.read_to_end(), "");
}

TEST(AttackBounds, F2_BodiesThatStopAreAnswered408AndEndedAtTheOrigin) {
    bounded_site site([](peer& proxy, int) {
        while (const auto request = read_request_head(proxy)) {
            if (request->method == "POST") {
                proxy.wait_closed();
                return;
            }
            proxy.send(ok_response("ok"));
        }
    });
    std::vector<peer> clients = connect_many(site, 20);
    for (peer& each : clients)
        each.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nabc");
    for (peer& each : clients) {
        const http_response got = read_response(each);
        EXPECT_EQ(got.status, 408);
        EXPECT_EQ(got.field("connection"), "close");
        EXPECT_EQ(got.field("proxy-status"), "penstock; error=body_timeout");
    }
}

// What is copied, and what goes through a pipe.
class SlowReaders : public testing::TestWithParam<bool> {};

TEST_P(SlowReaders, F3_AreCutAndHoldLittle) {
    constexpr std::size_t count = 20;
    const bool copied = GetParam();
    bounded_site site([copied](peer& proxy, int) {
        while (const auto request = read_request_head(proxy)) {
            if (request->target != "/long") {
                proxy.send(ok_response("ok"));
                continue;
            }
            proxy.send("HTTP/1.1 200 OK\r\n" +
                       std::string(copied ? "Transfer-Encoding: chunked\r\n\r\n10000000\r\n"
                                          : "Content-Length: 268435456\r\n\r\n"));
            proxy.send_until_blocked(std::string(std::size_t{4} << 20, 'x'), 20ms);
            proxy.wait_closed();
            return;
        }
    });
    connect_options narrow;
    narrow.receive_buffer = 4096;
    std::vector<peer> clients;
    for (std::size_t i = 0; i < count; ++i) {
        clients.emplace_back(site.port(), narrow);
        clients.back().send("GET /long HTTP/1.1\r\nHost: a.test\r\n\r\n");
    }
    site.proxy().running().wait_for("\"penstock.reason\":\"write_timeout\"", patience, count - 1);
    if (!sanitized()) {
        // 256 KiB of output for each connection, and 32 KiB of its own.
        EXPECT_LE(memory_of(site.pid()).highest, site.resident() + count * 288 * 1024 + (8 << 20));
    }
    for (peer& each : clients)
        EXPECT_EQ(each.wait_closed(), closing::reset);
}

INSTANTIATE_TEST_SUITE_P(, SlowReaders, testing::Values(true, false), [](const auto& chosen) {
    return std::string(chosen.param ? "copied" : "moved");
});

TEST(AttackBounds, F5_WithoutDescriptorsNothingSpins) {
    if (sanitized())
        GTEST_SKIP() << "the sanitizers need descriptors to look at memory";
    bounded_site site(answer_ok());
    rlimit before{};
    ASSERT_EQ(::prlimit(site.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
    rlimit low = before;
    low.rlim_cur = descriptors_of(site.pid()) + 10;
    ASSERT_EQ(::prlimit(site.pid(), RLIMIT_NOFILE, &low, nullptr), 0);
    std::vector<peer> clients = connect_many(site, 50);
    site.proxy().running().wait_for("Too many open files");
    site.expect_quiet();
    ASSERT_EQ(::prlimit(site.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
    // Those that waited in the kernel's queue are accepted now.
    peer late(site.port());
    late.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(late).status, 200);
}

TEST(AttackBounds, F5_FloodsOfConnectionsLeaveNothing) {
    bounded_site site(answer_ok());
    for (int round = 0; round < 10; ++round) {
        std::vector<peer> clients = connect_many(site, 200);
        for (std::size_t i = 0; i < clients.size(); i += 3)
            clients[i].send("GET / HTTP/1.1\r\n");
        for (std::size_t i = 0; i < clients.size(); i += 2)
            clients[i].reset();
    }
}

}  // namespace
}  // namespace penstock::test
