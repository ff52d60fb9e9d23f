// The streams of HTTP/2 origins are shared like connections: among clients, and among workers.
#include "e2e/clock_site.hpp"
#include "support/h2_server.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

const std::string small_request = "GET /small HTTP/1.1\r\nHost: a.test\r\n\r\n";

// The origin's SETTINGS allow fewer streams than exchanges waited for its connection: those without
// a stream wait for others to give way, not for their whole time.
TEST(SharedStreams, AreFreedForThoseWhoWaitedForTheConnection) {
    std::promise<void> gate;
    const std::shared_future<void> opened = gate.get_future().share();
    scripted_origin origin([opened](peer& wire, int) {
        opened.wait();
        wire.send(h2::setting(3, 2));
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            if (server.ended)
                server.answer(stream);
        }
    });
    moved_clock time(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], protocol: h2, pool: {connections: 1, queue_timeout: 60s}}}\n");
    const std::uint16_t port = time.proxy().port("web");
    std::vector<std::unique_ptr<peer>> hostile;
    for (const char* const source : {"127.0.1.1", "127.0.1.2"}) {
        connect_options from;
        from.source = source;
        hostile.push_back(std::make_unique<peer>(port, from));
        hostile.back()->send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9999\r\n\r\n");
    }
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 2);
    peer honest(port);
    honest.send(small_request);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 3);
    gate.set_value();
    wait_for_sum(time.proxy(), "penstock_upstream_http2_streams", {}, 2);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 1);
    time.advance(5s);
    EXPECT_EQ(read_response(honest).status, 200);
    const auto requests = scrape(time.proxy());
    EXPECT_EQ(sum(requests, "penstock_requests_total", {"reason=\"stalled_client\""}), 1);
}

// An origin that takes no second connection must not keep streams standing still.
TEST(SharedStreams, AreFreedWhileAnotherConnectionNeverComes) {
    std::promise<void> end;
    const std::shared_future<void> ended = end.get_future().share();
    scripted_origin origin([ended](peer& wire, int index) {
        if (index > 0)
            return ended.wait();
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            if (server.ended)
                server.answer(stream);
        }
    });
    moved_clock time(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() +
        "\"], protocol: h2, pool: {connections: 2, queue_timeout: 60s},"
        " http2: {streams: 2}, timeouts: {connect: 60s}}}\n");
    const std::uint16_t port = time.proxy().port("web");
    std::vector<std::unique_ptr<peer>> hostile;
    for (const char* const source : {"127.0.1.1", "127.0.1.2"}) {
        connect_options from;
        from.source = source;
        hostile.push_back(std::make_unique<peer>(port, from));
        hostile.back()->send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9999\r\n\r\n");
    }
    wait_for_sum(time.proxy(), "penstock_upstream_http2_streams", {}, 2);
    peer honest(port);
    honest.send(small_request);
    wait_for_sum(time.proxy(), "penstock_upstream_queue", {}, 1);
    time.advance(5s);
    EXPECT_EQ(read_response(honest).status, 200);
    const auto requests = scrape(time.proxy());
    EXPECT_EQ(sum(requests, "penstock_requests_total", {"reason=\"stalled_client\""}), 1);
    end.set_value();
}

// Two workers; calls of /long/N last until somebody asks for /end/N. Each answer says how many
// connections the origin has seen.
class long_calls {
 public:
    long_calls(int connections, int streams, const std::string& wait)
        : proxy(
              "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
              "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
              "upstreams: {app: {endpoints: [\"" +
              origin.address() + "\"], protocol: h2, pool: {connections: " +
              std::to_string(connections) + ", queue_timeout: " + wait +
              "}, http2: {streams: " + std::to_string(streams) + "}}}\n") {}

    // So many new connections that this worker serves. Before any call, as its requests need room.
    std::vector<std::unique_ptr<peer>> connect(int worker, std::size_t count,
                                               const std::string& source = "127.0.0.1") {
        std::vector<std::unique_ptr<peer>> found;
        for (int tries = 0; found.size() < count; ++tries) {
            if (tries == 200)
                throw test_error("no connection comes to worker " + std::to_string(worker));
            connect_options from;
            from.source = source;
            auto made = std::make_unique<peer>(proxy.port("web"), from);
            made->send(small_request);
            EXPECT_EQ(read_response(*made).status, 200);
            const std::string line = proxy.running().wait_for(
                "\"client.port\":" + std::to_string(made->local_port()) + ",");
            if (number_in(line, "penstock.worker") == worker)
                found.push_back(std::move(made));
        }
        return found;
    }
    // From now on call N is under way. Returns how many connections the origin has seen.
    static int begin(peer& by, int number) {
        by.send("GET /long/" + std::to_string(number) + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        const std::string head = by.read_until("\r\n\r\n");
        by.put_back(head);
        const std::size_t at = head.find("connections: ");
        return at != std::string::npos ? std::stoi(head.substr(at + 13)) : 0;
    }
    static void end(peer& asks, peer& of, int number) {
        asks.send("GET /end/" + std::to_string(number) + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(read_response(asks).status, 200);
        EXPECT_EQ(read_response(of).body, "end");
    }
    static int connections_after(peer& asks) {
        asks.send(small_request);
        const http_response got = read_response(asks);
        EXPECT_EQ(got.status, 200);
        return std::stoi(got.field("connections").value_or("0"));
    }

    const node_h2_origin origin{
        "global.calls = global.calls || {};"
        "global.seen = global.seen || new Set(); global.seen.add(stream.session);"
        "stream.respond({':status': 200, 'connections': global.seen.size});"
        "const [, what, number] = headers[':path'].split('/');"
        "if (what === 'long') { global.calls[number] = stream; stream.write('e'); return; }"
        "if (what === 'end') global.calls[number].end('nd');"
        "stream.end('ok');"};
    daemon proxy;
};

// One exchange that waits on another worker asks for one connection, however often it asks.
TEST(SharedStreams, OneThatWaitsElsewhereTakesOneConnection) {
    long_calls site(3, 1, "1s");
    const auto waits = site.connect(1, 1);
    auto calls = site.connect(0, 4);
    const std::unique_ptr<peer> asks = std::move(calls.back());
    calls.pop_back();
    int seen = 0;
    for (std::size_t i = 0; i < calls.size(); ++i)
        seen = long_calls::begin(*calls[i], static_cast<int>(i));
    ASSERT_GE(seen, 3);
    waits[0]->send(small_request);
    EXPECT_EQ(read_response(*waits[0]).status, 503);
    calls.clear();
    wait_for_sum(site.proxy, "penstock_upstream_http2_streams", {}, 0);
    EXPECT_EQ(long_calls::connections_after(*asks), seen);
}

// A free stream of a connection that exists is of no use to another worker.
TEST(SharedStreams, FreeOnesAreUsedWhileOthersWaitElsewhere) {
    long_calls site(2, 4, "60s");
    const auto waits = site.connect(1, 1, "127.0.1.1");
    auto calls = site.connect(0, 6);
    const std::unique_ptr<peer> asks = std::move(calls.back());
    calls.pop_back();
    // Four on one connection, and one on the other.
    for (std::size_t i = 0; i < calls.size(); ++i)
        (void)long_calls::begin(*calls[i], static_cast<int>(i));
    for (int i = 0; i < 2; ++i)
        long_calls::end(*asks, *calls[static_cast<std::size_t>(i)], i);
    waits[0]->send(small_request);
    wait_for_sum(site.proxy, "penstock_upstream_queue", {}, 1);
    for (int i = 0; i < 5; ++i)
        (void)long_calls::connections_after(*asks);
    EXPECT_EQ(sum(scrape(site.proxy), "penstock_upstream_queue", {}), 1);
}

}  // namespace
}  // namespace penstock::test
