// One client must not take an upstream from the others (ATTACKS F-12): whatever it lets stand
// still, others are served, and what was cut for them is told so.
#include "e2e/clock_site.hpp"
#include "support/h2_client.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"
#include "support/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace penstock::test {
namespace {

constexpr int places = 100;

// A large answer, and one to every request that has come whole.
constexpr std::string_view origin_body =
    "global.big = global.big || Buffer.alloc(4 * 1024 * 1024, 'x');"
    "if (request.url === '/big') { response.end(global.big); return; }"
    "request.resume(); request.on('end', () => response.end('ok'));";

std::string configuration(const std::string& origin, int workers, const std::string& upstream = "",
                          const std::string& listener = "") {
    return "workers: " + std::to_string(workers) +
           "\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"" +
           listener + "}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" + origin +
           "\"], pool: {connections: " + std::to_string(places) + "}" + upstream + "}}\n";
}

const std::string big_request = "GET /big HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string small_request = "GET /small HTTP/1.1\r\nHost: a.test\r\n\r\n";

// Clients that hold connections to the origin and let them stand still.
class attackers {
 public:
    attackers(std::uint16_t port, int addresses) : port_(port), addresses_(addresses) {}

    void send(const std::string& bytes, int count) {
        for (int i = 0; i < count; ++i) {
            peers_.push_back(connect());
            peers_.back()->send(bytes);
        }
    }
    // Each with a window that is shut.
    void windows(int streams) {
        std::string all = std::string(h2::preface) + h2::setting(4, 0);
        for (int i = 0; i < streams; ++i)
            all += h2::head(static_cast<std::uint32_t>(2 * i + 1), h2::get("/big"));
        send(all, 1);
    }
    void readers(int count) { send(big_request, count); }
    void uploads(int count) {
        send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n" +
                 std::string(1600, 'x'),
             count);
    }
    [[nodiscard]] peer& from(std::uint16_t port) {
        const auto found = std::find_if(peers_.begin(), peers_.end(), [port](const auto& each) {
            return each->local_port() == port;
        });
        if (found == peers_.end())
            throw test_error("no peer has port " + std::to_string(port));
        return **found;
    }

 private:
    std::unique_ptr<peer> connect() {
        connect_options how;
        how.receive_buffer = 4096;
        if (addresses_ > 1)
            how.source = "127.0.1." + std::to_string(1 + next_++ % addresses_);
        return std::make_unique<peer>(port_, how);
    }

    std::uint16_t port_;
    int addresses_;
    int next_ = 0;
    std::vector<std::unique_ptr<peer>> peers_;
};

// All of them are held, and what the kernel takes of their responses has been written: on a slow
// machine they move for a while, and for as long they have to give way to nobody.
void wait_until_held(const daemon& proxy, int count) {
    wait_for_sum(proxy, "penstock_upstream_connections", {"state=\"active\""}, count);
    EXPECT_TRUE(grows_quiet(proxy.running().pid()));
}

// All of the requests of clients that are as they should be succeed, on connections of their own
// and on one that stays.
void expect_served(const daemon& proxy) {
    peer stays(proxy.port("web"));
    for (int i = 0; i < 20; ++i) {
        stays.send(small_request);
        const http_response kept = read_response(stays);
        ASSERT_EQ(kept.status, 200) << kept.head;
        peer once(proxy.port("web"));
        once.send(small_request);
        const http_response fresh = read_response(once);
        ASSERT_EQ(fresh.status, 200) << fresh.head;
    }
}

double stalled(const daemon& proxy) {
    return sum(scrape(proxy), "penstock_requests_total", {"reason=\"stalled_client\""});
}

enum class attack { window, readers, uploads, mixed };

class SharedPool : public testing::TestWithParam<std::tuple<attack, int, int>> {
 protected:
    static void begin(attackers& of, attack what) {
        switch (what) {
            case attack::window:
                return of.windows(places);
            case attack::readers:
                return of.readers(places);
            case attack::uploads:
                return of.uploads(places);
            case attack::mixed:
                of.windows(places / 2);
                of.readers(places / 4);
                return of.uploads(places / 4);
        }
    }
};

TEST_P(SharedPool, ServesOthersBesideOneThatStandsStill) {
    const auto [what, addresses, workers] = GetParam();
    if (sanitized() && what != attack::mixed)
        GTEST_SKIP() << "the mixture has all of them";
    const node_origin origin(origin_body);
    const daemon proxy(configuration(origin.address(), workers));
    attackers hostile(proxy.port("web"), addresses);
    begin(hostile, what);
    wait_until_held(proxy, places);
    expect_served(proxy);
    EXPECT_GE(stalled(proxy), 1);
}

std::string name_of(const testing::TestParamInfo<std::tuple<attack, int, int>>& of) {
    static constexpr const char* names[] = {"Window", "Readers", "Uploads", "Mixed"};
    return std::string(names[static_cast<int>(std::get<0>(of.param))]) + "From" +
           std::to_string(std::get<1>(of.param)) + "With" + std::to_string(std::get<2>(of.param)) +
           "Workers";
}

INSTANTIATE_TEST_SUITE_P(Attacks, SharedPool,
                         testing::Combine(testing::Values(attack::window, attack::readers,
                                                          attack::uploads, attack::mixed),
                                          testing::Values(1, 20), testing::Values(1, 2)),
                         name_of);

// Before its answer a client that stands still gets one: 503, with the reason.
TEST(SharedPoolCut, AnswersAnUploadWithItsReason) {
    const node_origin origin(origin_body);
    daemon proxy(configuration(origin.address(), 1));
    attackers hostile(proxy.port("web"), 1);
    hostile.uploads(places);
    wait_until_held(proxy, places);
    expect_served(proxy);
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"stalled_client\"");
    peer& cut = hostile.from(static_cast<std::uint16_t>(number_in(line, "client.port")));
    const http_response seen = read_response(cut);
    EXPECT_EQ(seen.status, 503);
    EXPECT_EQ(seen.field("Proxy-Status"), "penstock; error=stalled_client");
    EXPECT_TRUE(seen.field("Retry-After").has_value());
    EXPECT_EQ(cut.wait_closed(), closing::eof);
}

// Behind its head a response is cut so that it does not look whole.
TEST(SharedPoolCut, ResetsAResponseThatHasBegun) {
    const node_origin origin(origin_body);
    daemon proxy(configuration(origin.address(), 1));
    attackers hostile(proxy.port("web"), 1);
    hostile.readers(places);
    wait_until_held(proxy, places);
    expect_served(proxy);
    const std::string line = proxy.running().wait_for("\"penstock.reason\":\"stalled_client\"");
    EXPECT_EQ(number_in(line, "http.response.status_code"), 200) << line;
    peer& cut = hostile.from(static_cast<std::uint16_t>(number_in(line, "client.port")));
    EXPECT_EQ(cut.wait_closed(), closing::reset);
    EXPECT_LT(cut.received().size(), 4U * 1024 * 1024);
}

TEST(SharedPoolCut, ResetsAStreamThatHasBegun) {
    const node_origin origin(origin_body);
    const daemon proxy(configuration(origin.address(), 1));
    h2_client hostile(proxy.port("web"));
    std::string all = h2::setting(4, 0);
    for (std::uint32_t i = 0; i < places; ++i)
        all += h2::head(2 * i + 1, h2::get("/big"));
    hostile.send(all);
    wait_until_held(proxy, places);
    expect_served(proxy);
    for (;;) {
        ASSERT_TRUE(hostile.read());
        if (hostile.last.type == h2::rst_stream)
            break;
    }
    EXPECT_EQ(hostile.last.number(), 8U);  // CANCEL
    // The connection and its other streams live on.
    hostile.send(h2::frame(h2::ping, 0, 0, "12345678"));
    while (hostile.last.type != h2::ping)
        ASSERT_TRUE(hostile.read());
}

// The same towards an origin of HTTP/2, whose streams are what is shared.
TEST(SharedPoolCut, SharesTheStreamsOfAnHttp2Origin) {
    const node_h2_origin origin(
        "global.big = global.big || Buffer.alloc(4 * 1024 * 1024, 'x');"
        "stream.respond({':status': 200});"
        "if (headers[':path'] === '/big') stream.end(global.big);"
        "else stream.end('ok');",
        "{maxSessionMemory: 1000}");
    const daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], protocol: h2, pool: {connections: 1}, http2: {streams: 20}}}\n");
    attackers hostile(proxy.port("web"), 1);
    hostile.windows(20);
    wait_for_sum(proxy, "penstock_upstream_http2_streams", {}, 20);
    expect_served(proxy);
    EXPECT_GE(stalled(proxy), 1);
}

// A client that fills the queue is the one that finds it full.
TEST(SharedPoolCut, LeavesRoomInTheQueue) {
    const node_origin origin(
        "if (request.url === '/slow') return;"
        "request.resume(); request.on('end', () => response.end('ok'));");
    const daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], pool: {connections: 1, queue: 4, queue_timeout: 20s}}}\n");
    const std::string slow = "GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n";
    connect_options elsewhere;
    elsewhere.source = "127.0.1.1";
    std::vector<std::unique_ptr<peer>> hostile;
    for (int i = 0; i < 5; ++i) {
        hostile.push_back(std::make_unique<peer>(proxy.port("web"), elsewhere));
        hostile.back()->send(slow);
        if (i == 0)
            wait_until_held(proxy, 1);
    }
    wait_for_sum(proxy, "penstock_upstream_queue", {}, 4);
    peer honest(proxy.port("web"));
    honest.send(small_request);
    // One of them gives its place in the queue up.
    wait_for_sum(proxy, "penstock_requests_total", {"reason=\"queue_full\""}, 1);
    hostile.clear();
    EXPECT_EQ(read_response(honest).status, 200);
}

// Uploads that drip hold their places as well as those that stand still: above its share a client
// has to be as fast as 16 KiB/s on each.
TEST(SharedPoolCut, SharesWhatDripsHold) {
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("ok"); }));
    moved_clock time(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], pool: {connections: 4, queue_timeout: 60s}}}\n");
    connect_options elsewhere;
    elsewhere.source = "127.0.1.1";
    std::vector<std::unique_ptr<peer>> hostile;
    for (int i = 0; i < 4; ++i) {
        hostile.push_back(std::make_unique<peer>(time.proxy().port("web"), elsewhere));
        hostile.back()->send(
            "POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n");
    }
    wait_until_held(time.proxy(), 4);
    peer honest(time.proxy().port("web"));
    honest.send(small_request);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 1);
    // More than any look takes for standing still.
    for (int passed = 0; passed < 20 && stalled(time.proxy()) == 0; ++passed) {
        time.advance(1s);
        for (const auto& each : hostile)
            each->send(std::string(1100, 'x'));
        (void)scrape(time.proxy());
    }
    EXPECT_EQ(read_response(honest).status, 200);
    EXPECT_EQ(stalled(time.proxy()), 1);
}

// A client that was cut comes back at once, but does not get again what was freed for others: they
// would wait for it to stand still again.
TEST(SharedPoolCut, KeepsWhatItHasFreed) {
    const node_origin origin(
        "if (request.url === '/slow') return;"
        "request.resume(); request.on('end', () => response.end('ok'));");
    moved_clock time(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], pool: {connections: 4, queue_timeout: 60s}}}\n");
    const std::uint16_t port = time.proxy().port("web");
    std::vector<std::unique_ptr<peer>> held;
    const auto hold = [&](const std::string& source, const std::string& request) {
        connect_options from;
        from.source = source;
        held.push_back(std::make_unique<peer>(port, from));
        held.back()->send(request);
    };
    const std::string upload = "POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9999\r\n\r\n";
    for (int i = 0; i < 2; ++i) {
        hold("127.0.1.1", upload);
        hold("127.0.1.2", "GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n");
    }
    wait_until_held(time.proxy(), 4);
    peer honest(port);
    honest.send(small_request);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 1);
    time.advance(2s);
    EXPECT_EQ(read_response(honest).status, 200);
    EXPECT_EQ(stalled(time.proxy()), 1);
    hold("127.0.1.1", upload);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 1);
    honest.send(small_request);
    EXPECT_EQ(read_response(honest).status, 200);
    EXPECT_EQ(stalled(time.proxy()), 1);
}

// While the pool has room no exchange is cut, however long a client pauses.
TEST(SharedPoolPause, LeavesAPausedDownloadAlone) {
    const node_origin origin(origin_body);
    moved_clock clock(configuration(origin.address(), 1));
    connect_options small;
    small.receive_buffer = 4096;
    peer client(clock.proxy().port("web"), small);
    client.send(big_request);
    client.put_back(client.read_until("\r\n\r\n"));
    for (int i = 0; i < 4; ++i) {
        clock.advance(10s);
        expect_served(clock.proxy());
    }
    EXPECT_EQ(read_response(client).body.size(), 4U * 1024 * 1024);
    EXPECT_EQ(stalled(clock.proxy()), 0);
}

// All streams are taken, but another connection is being made: there is room for all clients.
TEST(SharedPoolPause, LeavesStreamsAloneWhileAConnectionIsMade) {
    const node_h2_origin origin(
        "global.big = global.big || Buffer.alloc(4 * 1024 * 1024, 'x');"
        "stream.respond({':status': 200});"
        "if (headers[':path'] === '/big') stream.end(global.big);"
        "else stream.end('ok');",
        "{maxSessionMemory: 1000}");
    moved_clock time(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], protocol: h2, pool: {connections: 9}, http2: {streams: 2}}}\n");
    attackers paused(time.proxy().port("web"), 20);
    paused.windows(6);
    wait_for_sum(time.proxy(), "penstock_upstream_http2_streams", {}, 6);
    EXPECT_TRUE(grows_quiet(time.proxy().running().pid()));
    time.advance(5s);
    h2_client others(time.proxy().port("web"));
    std::string all;
    for (std::uint32_t i = 0; i < 8; ++i)
        all += h2::head(2 * i + 1, h2::get("/small"));
    others.send(all);
    for (std::uint32_t i = 0; i < 8; ++i)
        EXPECT_EQ(others.response(2 * i + 1).status(), 200);
    EXPECT_EQ(stalled(time.proxy()), 0);
}

// The same holds for a gRPC call over which neither side says anything, alongside a client that
// lets most of the streams to its origin stand still.
TEST(SharedPoolPause, LeavesAQuietCallAlone) {
    const node_h2_origin origin(
        "global.big = global.big || Buffer.alloc(4 * 1024 * 1024, 'x');"
        "const path = headers[':path'];"
        "if (path === '/big') { stream.respond({':status': 200});"
        "  stream.end(global.big); return; }"
        "stream.respond({':status': 200, 'content-type': 'application/grpc'});"
        "if (path === '/test/Quiet') { global.quiet = stream; stream.write('first'); return; }"
        "if (path === '/wake') global.quiet.end('last');"
        "stream.end('ok');",
        "{maxSessionMemory: 1000}");
    moved_clock clock(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], protocol: h2, pool: {connections: 1}, http2: {streams: 20}}}\n");
    const daemon& proxy = clock.proxy();
    h2_client caller(proxy.port("web"));
    caller.send(h2::head(
        1, h2::post("/test/Quiet", {{"content-type", "application/grpc"}, {"te", "trailers"}}),
        false));
    while (caller.responses[1].body != "first")
        ASSERT_TRUE(caller.read());
    attackers hostile(proxy.port("web"), 1);
    hostile.windows(18);
    wait_for_sum(proxy, "penstock_upstream_http2_streams", {}, 19);
    for (int i = 0; i < 4; ++i) {
        clock.advance(10s);
        expect_served(proxy);
    }
    peer waker(proxy.port("web"));
    waker.send("GET /wake HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(waker).status, 200);
    EXPECT_EQ(caller.response(1).body, "firstlast");
    EXPECT_TRUE(caller.response(1).ended);
    EXPECT_EQ(stalled(proxy), 0);
}

std::string chunk(const std::string& data) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
}

// An origin's connection is free as soon as the rest of a slow client's response fits here, and the
// client gets all of it, in the framing that its head announced.
TEST(ReadAhead, FreesTheOriginsConnectionEarly) {
    const std::string body = repeat("0123456789abcdef", std::size_t{12} * 1024 * 64);
    const scripted_origin origin([&](peer& client, int) {
        while (const auto request = read_request(client)) {
            if (request->target == "/chunked")
                client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) +
                            "0\r\n\r\n");
            else
                client.send(ok_response(body));
        }
    });
    const daemon proxy(
        configuration(origin.address(), 1, "", ", buffer: {exchange: 13MiB, connection: 13MiB}"));
    for (const std::string target : {"/chunked", "/known"}) {
        connect_options small;
        small.receive_buffer = 4096;
        peer slow(proxy.port("web"), small);
        slow.send("GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        slow.put_back(slow.read_until("\r\n\r\n"));
        wait_for_sum(proxy, "penstock_upstream_connections", {"state=\"idle\""}, 1);
        const http_response seen = read_response(slow);
        EXPECT_EQ(seen.body.size(), body.size()) << target;
        EXPECT_TRUE(seen.body == body) << target;
    }
}

struct held_body {
    const char* name;
    std::size_t size;
    bool chunked;
};

class ReadAheadOfH2 : public testing::TestWithParam<held_body> {};

// A stream whose window is shut holds no connection to the origin if its response fits, and gets
// all of it once the window opens.
TEST_P(ReadAheadOfH2, HoldsAResponseForAShutWindow) {
    const held_body& given = GetParam();
    const std::string body = repeat("0123456789abcdef", given.size / 16);
    const std::string answer =
        given.chunked
            ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) + "0\r\n\r\n"
            : ok_response(body);
    const scripted_origin origin(
        scripted_origin::answer([&](const http_request&) { return answer; }));
    const daemon proxy(configuration(origin.address(), 1));
    h2_client client(proxy.port("web"));
    client.send(h2::setting(4, 0));
    client.send(h2::head(1, h2::get("/big")));
    while (client.responses[1].status() == 0)
        ASSERT_TRUE(client.read());
    const samples idle =
        wait_for_sum(proxy, "penstock_upstream_connections", {"state=\"idle\""}, 1);
    EXPECT_EQ(sum(idle, "penstock_upstream_connections", {"state=\"active\""}), 0);
    client.open_window(1, 1024 * 1024);
    client.open_window(0, 1024 * 1024);
    EXPECT_EQ(client.response(1).body, body);
    EXPECT_TRUE(client.response(1).ended);
}

INSTANTIATE_TEST_SUITE_P(Bodies, ReadAheadOfH2,
                         testing::Values(held_body{"Small", 16, false},
                                         held_body{"AlmostAll", 224 * 1024, false},
                                         held_body{"Chunked", 224 * 1024, true}),
                         [](const auto& of) { return of.param.name; });

// One that does not fit stays where it is, whichever way its length is told.
TEST(ReadAhead, HoldsNoMoreThanItMay) {
    const std::string body(512 * 1024, 'x');
    const scripted_origin origin([&](peer& client, int) {
        while (const auto request = read_request(client)) {
            if (request->target == "/chunked")
                client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) +
                            "0\r\n\r\n");
            else
                client.send(ok_response(body));
        }
    });
    const daemon proxy(
        configuration(origin.address(), 1, "", ", buffer: {exchange: 64KiB, connection: 128KiB}"));
    h2_client client(proxy.port("web"));
    client.send(h2::setting(4, 0));
    for (std::uint32_t id = 1; id < 20; id += 2)
        client.send(h2::head(id, h2::get(id % 4 == 1 ? "/chunked" : "/known")));
    for (std::uint32_t id = 1; id < 20; id += 2) {
        while (client.responses[id].status() == 0)
            ASSERT_TRUE(client.read());
    }
    client.open_window(0, 16 * 1024 * 1024);
    for (std::uint32_t id = 1; id < 20; id += 2) {
        client.open_window(id, 1024 * 1024);
        EXPECT_EQ(client.response(id).body, body) << id;
        EXPECT_TRUE(client.response(id).ended) << id;
    }
    EXPECT_EQ(sum(scrape(proxy), "penstock_requests_total", {"reason=\"none\""}), 10);
}

// Where other streams hold all that their connection may, one that is slow is read as it takes.
// None tells it of what becomes free.
TEST(ReadAhead, GoesOnWhereOthersHoldAll) {
    const std::string body(512 * 1024, 'x');
    const std::string small = ok_response("ok");
    const std::string big =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) + "0\r\n\r\n";
    const scripted_origin origin(scripted_origin::answer(
        [&](const http_request& asked) { return asked.target == "/small" ? small : big; }));
    moved_clock clock(
        configuration(origin.address(), 1, "", ", buffer: {exchange: 64KiB, connection: 64KiB}"));
    h2_client client(clock.proxy().port("web"));
    client.send(h2::setting(4, 0));
    for (const std::uint32_t id : {1U, 3U, 5U, 7U}) {
        client.send(h2::head(id, h2::get("/big")));
        while (client.responses[id].status() == 0)
            ASSERT_TRUE(client.read());
    }
    clock.advance(1s);
    // The worker has seen the time by then.
    expect_served(clock.proxy());
    client.open_window(0, 16 * 1024 * 1024);
    for (const std::uint32_t id : {1U, 3U, 5U}) {
        client.open_window(id, 1024 * 1024);
        EXPECT_EQ(client.response(id).body.size(), body.size()) << id;
        EXPECT_TRUE(client.response(id).ended) << id;
    }
}

// What the origin does at the end shows to the client, also of what was taken ahead of it.
TEST(ReadAhead, EndsAsTheOriginsResponseDoes) {
    const std::string body(16 * 1024, 'x');
    const scripted_origin origin([&](peer& client, int) {
        while (const auto request = read_request(client)) {
            const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            if (request->target == "/broken") {
                client.send(head + chunk(body));
                return;
            }
            client.send(head + chunk(body) + "0\r\nX-Digest: 7\r\n\r\n");
        }
    });
    const daemon proxy(configuration(origin.address(), 1));
    h2_client client(proxy.port("web"));
    client.send(h2::setting(4, 0));
    client.send(h2::head(1, h2::get("/broken")) + h2::head(3, h2::get("/trailers")));
    for (const std::uint32_t id : {1U, 3U}) {
        while (client.responses[id].status() == 0)
            ASSERT_TRUE(client.read());
    }
    wait_for_sum(proxy, "penstock_upstream_connections", {"state=\"idle\""}, 1);
    client.open_window(1, 1024 * 1024);
    client.open_window(3, 1024 * 1024);
    EXPECT_FALSE(client.response(1).ended);
    EXPECT_EQ(client.response(1).reset, 2U);  // INTERNAL_ERROR
    EXPECT_EQ(client.response(3).body, body);
    EXPECT_EQ(client.response(3).trailer("x-digest"), "7");
}

}  // namespace
}  // namespace penstock::test
