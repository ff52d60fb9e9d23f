// ATTACKS.md, section E, on the default configuration: what one client can make the proxy hold, and
// how long, whatever it sends or leaves unsaid. Floods and faults are in attack_h2_test.cpp.
#include "e2e/attack_h2_site.hpp"
#include "e2e/clock_site.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/scripted_origin.hpp"
#include "support/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::test {
namespace {

constexpr std::uint32_t protocol_error = 1;
constexpr std::uint32_t settings_timeout = 4;
constexpr std::uint32_t cancel = 8;
constexpr std::uint32_t enhance_your_calm = 11;

class AttackH2Bounds : public AttackH2 {
 protected:
    static std::uint64_t resident() { return memory_of(site().proxy.running().pid()).resident; }
};

// The code of the GOAWAY that comes on a connection which says nothing by itself.
std::optional<std::uint32_t> goaway_of(peer& wire, milliseconds limit) {
    std::string received;
    for (;;) {
        h2::read_frame next;
        while (h2::next_frame(received, next)) {
            if (next.type == h2::goaway)
                return next.number(4);
        }
        const std::string more = wire.read_some(limit);
        if (more.empty())
            return std::nullopt;
        received += more;
    }
}

// E5: whoever asks for answers and reads none has no connection after a thousand of them. (What
// comes more slowly meets the limit of H2Answers, in unit/http.)
TEST_F(AttackH2Bounds, E5_AnswersThatNobodyReads) {
    connect_options small;
    small.receive_buffer = 4096;
    const std::uint64_t before = resident();
    const std::vector<std::string> flood{"breach=\"control_flood\""};
    const double ended = sum(scrape(site().proxy), "penstock_http2_connections_ended_total", flood);
    peer client(site().proxy.port("web"), small);
    client.send(h2::hello() + h2::frame(h2::settings, h2::ack, 0));
    (void)client.send_until_blocked(repeat(h2::frame(h2::ping, 0, 0, "12345678"), 100'000), 1s);
    if (!sanitized()) {
        EXPECT_LE(resident(), before + 8 * 1024 * 1024);
    }
    (void)client.wait_closed();
    wait_for_sum(site().proxy, "penstock_http2_connections_ended_total", flood, ended + 1);
    site().expect_clean(nullptr, "after");
}

// E6: a stream that takes nothing, and then a connection on which nothing else is, by the defaults.
TEST(AttackH2Stalls, E6_StalledStreamsEndTheirConnection) {
    steered_origin origin;
    origin.answer("stalled", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot taken",
                  writing::whole);
    moved_clock clock(attack_configuration("", "app: {endpoints: [\"" + origin.address() + "\"]}"));
    h2_client client(clock.proxy().port("web"));
    client.send(h2::setting(4, 0));
    std::uint32_t id = 1;
    for (; client.goaways.empty() && id < 10; id += 2) {
        client.send(h2::head(id, h2::get("/stalled")));
        while (client.responses[id].status() == 0 && client.goaways.empty())
            ASSERT_TRUE(client.read());
        if (client.goaways.empty())
            clock.advance(61s);
        while (!client.responses[id].over() && client.goaways.empty())
            ASSERT_TRUE(client.read());
        if (client.responses[id].over()) {
            EXPECT_EQ(client.responses[id].reset, cancel);
        }
    }
    EXPECT_EQ(client.goaway(), enhance_your_calm);
    // The first one was reset, and the connection still served for the second.
    EXPECT_EQ(client.responses[1].reset, cancel);
    EXPECT_GE(id, 5U);
    client.wire.wait_closed();
    wait_for_sum(clock.proxy(), "penstock_http2_connections_ended_total", {"breach=\"stalled\""},
                 1);
}

// An origin of HTTP/2 that sends on every stream as much as it may, and counts that.
class lavish_origin {
 public:
    lavish_origin() : origin_([this](peer& wire, int) { serve(wire); }) {}
    [[nodiscard]] std::string address() const { return origin_.address(); }
    [[nodiscard]] std::int64_t sent() const { return sent_; }

 private:
    void serve(peer& wire) {
        h2_server server(wire);
        std::map<std::uint32_t, std::int64_t> rooms{{0, first}};  // 0 = the connection's
        std::int64_t initial = first;
        while (server.read()) {
            note(server.last, rooms, initial);
            if (server.last.type == h2::headers) {
                rooms.emplace(server.last.stream, initial);
                wire.send(h2::head(server.last.stream, {{":status", "200"}}, false));
            }
            for (auto& [stream, room] : rooms) {
                while (stream != 0 && std::min(room, rooms[0]) > 0) {
                    const std::int64_t size = std::min({room, rooms[0], std::int64_t{16'000}});
                    room -= size;
                    rooms[0] -= size;
                    sent_ += size;
                    wire.send(
                        h2::body(stream, std::string(static_cast<std::size_t>(size), 'x'), false));
                }
            }
        }
    }
    static void note(const h2::read_frame& next, std::map<std::uint32_t, std::int64_t>& rooms,
                     std::int64_t& initial) {
        if (next.type == h2::window_update && rooms.contains(next.stream))
            rooms[next.stream] += next.number();
        if (next.type != h2::settings || next.has(h2::ack))
            return;
        for (std::size_t at = 0; at < next.payload.size(); at += 6) {
            if (next.payload[at + 1] != 4)
                continue;
            const std::int64_t more =
                next.number(at + 2) - std::exchange(initial, next.number(at + 2));
            for (auto& [stream, room] : rooms)
                room += stream != 0 ? more : 0;
        }
    }

    static constexpr std::int64_t first = 65'535;  // RFC 9113 §6.9.2
    std::atomic<std::int64_t> sent_{0};
    scripted_origin origin_;
};

// E6, with an origin of HTTP/2: its windows are ours to bound. They begin with 1 MiB, and with
// 64 KiB once four of them wait for nobody.
TEST(AttackH2Stalls, E6_HeldWindowsOfAnHttp2Origin) {
    constexpr std::uint32_t streams = 60;
    constexpr std::int64_t mib = 1024 * 1024;
    lavish_origin origin;
    const daemon proxy(
        attack_configuration("", "app: {protocol: h2, endpoints: [\"" + origin.address() + "\"]}"));
    h2_client client(proxy.port("web"));
    client.send(h2::setting(4, 0));
    for (std::uint32_t id = 1; id < 2 * streams; id += 2)
        client.send(h2::head(id, h2::get("/large")));
    for (std::uint32_t id = 1; id < 2 * streams; id += 2) {
        while (client.responses[id].heads.empty())
            ASSERT_TRUE(client.read());
    }
    // Others are served over the same connection meanwhile.
    h2_client other(proxy.port("web"));
    other.send(h2::head(1, h2::get("/large")));
    EXPECT_EQ(other.body(1, 65'535).body.size(), 65'535U);
    EXPECT_GE(origin.sent(), streams * std::int64_t{65'535});
    EXPECT_LE(origin.sent(), 7 * mib + streams * std::int64_t{65'536});
}

// E7: what is charged is the memory that a byte takes, and the origin hears of fewer pieces.
TEST_F(AttackH2Bounds, E7_FramesOfAByteFromTheClient) {
    constexpr int count = 60'000;
    // The origin serves other tests too, so what it refers to must not end with this one.
    struct told {
        gate go;
        std::string heard;
    };
    const auto shared = std::make_shared<told>();
    site().origin.on("bytes", [shared](peer& from, http_request&) {
        from.wait_for(shared->go);
        (void)from.read_until("0\r\n\r\n");
        shared->heard = from.received();
        from.send("HTTP/1.1 204 No Content\r\n\r\n");
        return false;
    });
    const std::uint64_t before = resident();
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::post("/bytes"), false));
    client.send(repeat(h2::body(1, "x", false), count - 1) + h2::body(1, "x"));
    // Once this is answered, all in front of it was taken in.
    client.send(h2::frame(h2::ping, 0, 0, "12345678"));
    while (client.last.type != h2::ping)
        ASSERT_TRUE(client.read());
    if (!sanitized()) {
        EXPECT_LE(resident(), before + 8 * 1024 * 1024);
    }
    shared->go.open();
    EXPECT_EQ(client.response(1).status(), 204);
    std::string heard = shared->heard;
    heard.erase(0, heard.rfind("POST /bytes"));
    std::size_t pieces = 0;
    std::size_t bytes = 0;
    for (const char c : heard.substr(heard.find("\r\n\r\n")))
        bytes += c == 'x' ? 1 : 0;
    for (std::size_t at = heard.find("\r\nx"); at != std::string::npos;
         at = heard.find("\r\nx", at + 1))
        ++pieces;
    EXPECT_EQ(bytes, static_cast<std::size_t>(count));
    EXPECT_LE(pieces, static_cast<std::size_t>(count) / 10);
}

TEST_F(AttackH2Bounds, E7_ChunksOfAByteFromTheOrigin) {
    constexpr int count = 20'000;
    site().origin.on("trickle", [](peer& from, http_request&) {
        from.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  repeat("1\r\nx\r\n", count) + "0\r\n\r\n");
        return true;
    });
    h2_client client(site().proxy.port("web"));
    client.send(h2::head(1, h2::get("/trickle")));
    int frames = 0;
    while (!client.responses[1].over()) {
        ASSERT_TRUE(client.read());
        frames += client.last.type == h2::data ? 1 : 0;
    }
    EXPECT_EQ(client.responses[1].body, std::string(count, 'x'));
    EXPECT_LE(frames, count / 10);
}

TEST_F(AttackH2Bounds, E12_SettingsThatNobodyAcknowledges) {
    peer client(site().proxy.port("web"));
    client.send(h2::hello() + h2::head(1, h2::get("/unacknowledged")));
    EXPECT_EQ(goaway_of(client, 20s), settings_timeout);
    client.close();
    site().expect_clean(nullptr, "after");
}

// E13: what stands behind the breach is looked at by nobody, in the same bytes or in later ones.
TEST_F(AttackH2Bounds, E13_NothingIsReadBehindTheEnd) {
    std::string requests;
    for (std::uint32_t id = 1; id < 100; id += 2)
        requests += h2::head(id, h2::get("/behind"));
    h2_client client(site().proxy.port("web"));
    client.send(h2::frame(h2::ping, 0, 1, "12345678") + requests);
    EXPECT_EQ(client.goaway(), protocol_error);
    try {
        for (int i = 0; i < 100; ++i)
            client.send(requests);
    } catch (const test_error&) {
        // It is closed.
    }
    site().expect_clean(nullptr, "after");
    EXPECT_TRUE(site().origin.heard("behind").empty());
}

// Requests that are held at the origin, so many on each of so many connections.
class held_requests {
 public:
    held_requests(attack_site& of, const std::string& path) : site_(of), path_(path) {
        of.origin.on(path, [go = go_](peer& from, http_request&) {
            from.wait_for(*go);
            from.send("HTTP/1.1 204 No Content\r\n\r\n");
            return true;
        });
    }
    // Returns the bytes that it sent.
    std::size_t hold(int connections, int streams, const std::string& first,
                     const std::string& again) {
        const std::size_t already = site_.origin.heard(path_).size();
        std::size_t sent = 0;
        for (int i = 0; i < connections; ++i) {
            clients_.push_back(std::make_unique<h2_client>(site_.proxy.port("web")));
            std::string bytes;
            for (int n = 0; n < streams; ++n) {
                const auto id = static_cast<std::uint32_t>(2 * n + 1);
                bytes += h2::frame(h2::headers, h2::end_headers | h2::end_stream, id,
                                   n == 0 ? first : again);
            }
            clients_.back()->send(bytes);
            sent += bytes.size();
        }
        const time_limit limit(30s);
        const auto all = static_cast<std::size_t>(connections * streams);
        while (site_.origin.heard(path_).size() < already + all && !limit.passed())
            hold_for(10ms);
        EXPECT_EQ(site_.origin.heard(path_).size(), already + all);
        return sent;
    }
    void let_go(int streams) {
        go_->open();
        for (const auto& client : clients_) {
            for (int n = 0; n < streams; ++n)
                EXPECT_EQ(client->response(static_cast<std::uint32_t>(2 * n + 1)).status(), 204);
        }
        clients_.clear();
    }

 private:
    attack_site& site_;
    std::string path_;
    std::shared_ptr<gate> go_ = std::make_shared<gate>();
    std::vector<std::unique_ptr<h2_client>> clients_;
};

// E14: a request that is nothing but references into the table costs what a request costs, and not
// what its head refers to; one that says something costs less than four times its size more.
TEST_F(AttackH2Bounds, E14_WhatAHeldRequestMayCost) {
    constexpr int connections = 1;  // as many as an origin may have at once
    constexpr int streams = 100;
    constexpr std::uint64_t of_any = 16 * 1024;
    struct {
        const char* name;
        std::string first;
        std::string again;
    } cases[2];
    cases[0].name = "small";
    // ":path" and ":authority" into the table, and references from then on.
    cases[0].first = "\x82\x86\x44\6/small\x41\6a.test";
    cases[0].again = "\x82\x86\xbf\xbe";
    cases[1].name = "large";
    cases[1].first = h2::block(h2::get("/large", {{"x", std::string(16'000, 'y')}}));
    cases[1].again = cases[1].first;
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        held_requests held(site(), one.name);
        const std::uint64_t before = resident();
        const std::size_t sent = held.hold(connections, streams, one.first, one.again);
        const std::uint64_t now = resident();
        const std::uint64_t grown = now - std::min(before, now);
        RecordProperty(one.name, std::to_string(grown / (connections * streams)));
        if (!sanitized()) {
            EXPECT_LE(grown, 4 * sent + connections * streams * of_any);
        }
        held.let_go(streams);
    }
}

// User and system time, in nanoseconds.
double used(clockid_t clock) {
    timespec now{};
    if (clock_gettime(clock, &now) != 0)
        throw test_error("clock_gettime failed");
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string request_of(std::uint32_t id, const std::string& block) {
    return h2::frame(h2::headers, h2::end_headers | h2::end_stream, id, block);
}

// Reads frames until so many streams have ended with a head alone.
void read_responses(peer& from, int streams) {
    std::string received;
    while (streams > 0) {
        const std::string more = from.read_some();
        if (more.empty())
            throw test_error("the connection ended, or said nothing more");
        received += more;
        h2::read_frame next;
        while (h2::next_frame(received, next)) {
            if (next.type == h2::rst_stream || next.type == h2::goaway)
                throw test_error("a request was refused");
            streams -= next.type == h2::headers && next.has(h2::end_stream) ? 1 : 0;
        }
    }
}

// E14: nor does a request cost a hundred times the CPU of the client who makes it, whatever it is
// made of. What the client spends is the least there is: bytes that it has ready, one call for a
// batch of streams, and responses of which it looks at the frames' headers.
TEST_F(AttackH2Bounds, E14_WhatARequestMayCostInTime) {
    constexpr int batches = 30;
    constexpr int streams = 50;
    if (sanitized())
        GTEST_SKIP() << "the sanitizer's time is not ours";
    site().origin.answer("cheap", "HTTP/1.1 204 No Content\r\n\r\n", writing::whole);
    const std::string path = h2::block(h2::get("/cheap"));
    struct {
        const char* name;
        std::string first;
        std::string again;
    } const cases[]{
        {"plain", path, path},
        // 14 references to a field of 4 KB, 95 to one of some bytes, 190 to a crumb.
        {"large", path + std::string("\x40\1x\x7f\x81\x1e", 6) + std::string(3968, 'a'),
         path + std::string(14, '\xbe')},
        {"many", path + std::string("\x40\1x\1y", 5), path + std::string(95, '\xbe')},
        {"crumbs", path + std::string("\x60\3a=b", 5), path + std::string(190, '\xbe')},
    };
    clockid_t of_proxy{};
    ASSERT_EQ(clock_getcpuclockid(site().proxy.running().pid(), &of_proxy), 0);
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        h2_client client(site().proxy.port("web"));
        client.send(request_of(1, one.first) + request_of(3, one.again));
        EXPECT_EQ(client.response(1).status(), 204);
        EXPECT_EQ(client.response(3).status(), 204);
        const std::size_t heard = site().origin.heard("cheap").size();
        double of_client = 0;
        double proxy = -used(of_proxy);
        std::uint32_t id = 5;
        for (int i = 0; i < batches; ++i) {
            std::string batch;
            for (int n = 0; n < streams; ++n, id += 2)
                batch += request_of(id, one.again);
            of_client -= used(CLOCK_THREAD_CPUTIME_ID);
            client.send(batch);
            read_responses(client.wire, streams);
            of_client += used(CLOCK_THREAD_CPUTIME_ID);
        }
        proxy += used(of_proxy);
        // None was refused for less.
        EXPECT_EQ(site().origin.heard("cheap").size() - heard,
                  static_cast<std::size_t>(batches * streams));
        RecordProperty(one.name, std::to_string(proxy / of_client));
        EXPECT_LE(proxy, 100 * of_client);
    }
}

}  // namespace
}  // namespace penstock::test
