// HTTP/2 over a distance: what peers are granted at first, how many round trips a large upload
// takes, and that transfers through a delaying relay come out whole. (How long they take is
// measured by bench/distance/run.py.)
#include "e2e/clock_site.hpp"
#include "support/delay_line.hpp"
#include "support/h2_client.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

namespace penstock::test {
namespace {

constexpr std::uint32_t mib = 1024 * 1024;
constexpr std::uint32_t before_any = 65'535;  // RFC 9113 §6.9.2
constexpr char initial_window = 4;

std::string site(const std::string& origin, const std::string& upstream = "") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]" + upstream + "}}\n";
}

// What a client may send, as it is told.
class windows {
 public:
    explicit windows(h2_client& of) : of_(of) {}
    // Reads one frame, and acknowledges SETTINGS by way of the client.
    void hear() {
        ASSERT_TRUE(of_.read());
        if (of_.last.type == h2::window_update && of_.last.stream == 0)
            connection += of_.last.number();
        if (of_.last.type == h2::window_update && of_.last.stream == current_)
            stream += of_.last.number();
        if (of_.last.type != h2::settings || of_.last.has(h2::ack))
            return;
        const std::int64_t told = of_.settings[initial_window];
        stream += told - initial_;
        initial_ = told;
    }
    // Until this one is back: everything that was said before has been heard by then.
    void hear_all() {
        of_.send(h2::frame(h2::ping, 0, 0, "12345678"));
        do {
            hear();
        } while (of_.last.type != h2::ping && !testing::Test::HasFatalFailure());
    }
    // `stream` is this one's window from now on.
    void begin(std::uint32_t which) {
        current_ = which;
        stream = initial_;
    }
    [[nodiscard]] std::int64_t room() const { return std::min(connection, stream); }

    std::int64_t connection = before_any;
    std::int64_t stream = before_any;

 private:
    h2_client& of_;
    std::int64_t initial_ = before_any;
    std::uint32_t current_ = 1;
};

// An upload that comes as fast as it may.
void upload_at_once(h2_client& client, windows& granted, std::uint32_t stream) {
    const std::string piece(16'000, 'x');
    granted.hear_all();
    client.send(h2::head(stream, h2::post(), false));
    granted.begin(stream);
    for (int left = 250; left > 0 && !testing::Test::HasFatalFailure(); --left) {
        while (granted.room() < static_cast<std::int64_t>(piece.size()))
            granted.hear();
        granted.connection -= static_cast<std::int64_t>(piece.size());
        granted.stream -= static_cast<std::int64_t>(piece.size());
        client.send(h2::body(stream, piece, left == 1));
    }
    while (!client.responses[stream].over() && !testing::Test::HasFatalFailure())
        granted.hear();
    EXPECT_EQ(client.responses[stream].status(), 200);
    granted.hear_all();
}

// Until the connection's window has grown. On a machine that is busy with something else an upload
// may be too slow for that.
void grow(h2_client& client, windows& granted) {
    for (std::uint32_t stream = 1; stream < 40 && granted.connection <= std::int64_t{mib};
         stream += 2)
        upload_at_once(client, granted, stream);
    EXPECT_GT(granted.connection, std::int64_t{mib});
}

// What a client was granted cannot be taken back while its connection lives. So one that idles ends
// early once all have half of the room, and not before.
TEST(Distance, GrownConnectionThatIdlesMakesRoomForOthers) {
    scripted_origin origin(
        scripted_origin::answer([](const http_request&) { return ok_response("ok"); }));
    moved_clock time(
        "workers: 1\nroutes: [{upstream: app}]\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {keepalive: 24h}}}\n"
        "upstreams: {app: {endpoints: [\"" +
        origin.address() + "\"]}}\n");
    std::vector<std::unique_ptr<h2_client>> clients;
    std::vector<windows> granted;
    const auto add = [&] {
        clients.push_back(std::make_unique<h2_client>(time.proxy().port("web")));
        grow(*clients.back(), granted.emplace_back(*clients.back()));
    };
    add();
    for (int i = 0; i < 5; ++i) {
        time.advance(11s);
        granted.front().hear_all();
    }
    ASSERT_TRUE(clients.front()->goaways.empty());
    // As many as it takes at the speed of this machine.
    while (clients.size() < 100 && clients.front()->goaways.empty() && !HasFatalFailure()) {
        add();
        time.advance(11s);
        h2_client& first = *clients.front();
        first.send(h2::frame(h2::ping, 0, 0, "12345678"));
        while (first.read() && first.last.type != h2::ping)
            continue;
    }
    ASSERT_FALSE(clients.front()->goaways.empty());
    EXPECT_EQ(clients.front()->goaways.front().number(4), 0U);
}

TEST(Distance, ClientsAreGrantedAMebibyteAtFirst) {
    const daemon proxy(site("127.0.0.1:1"));
    h2_client client(proxy.port("web"));
    windows granted(client);
    granted.hear_all();
    EXPECT_EQ(granted.connection, std::int64_t{mib});
    EXPECT_EQ(granted.stream, std::int64_t{mib});
}

TEST(Distance, OriginsAreGrantedAMebibyteAtFirst) {
    std::uint32_t stream_window = 0;
    std::uint32_t connection_window = before_any;
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        while (server.read()) {
            for (std::size_t at = 0; server.last.type == h2::settings &&
                                     !server.last.has(h2::ack) && at < server.last.payload.size();
                 at += 6) {
                if (server.last.payload[at + 1] == initial_window)
                    stream_window = server.last.number(at + 2);
            }
            if (server.last.type == h2::window_update && server.last.stream == 0)
                connection_window += server.last.number();
            if (server.last.type == h2::headers)
                server.answer(server.last.stream);
        }
    });
    {
        const daemon proxy(site(origin.address(), ", protocol: h2"));
        EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.url("web")}).out, "200");
    }
    (void)origin.received(0);
    EXPECT_EQ(stream_window, mib);
    EXPECT_EQ(connection_window, mib);
}

// Where the first window was 256 KiB, and credit came back with half of it, 20 MB took more than a
// hundred round trips.
TEST(Distance, UploadTakesAWholeWindowInEachRoundTrip) {
    constexpr std::int64_t size = 20'000'000;
    const node_origin origin(
        "let count = 0; request.on('data', (piece) => { count += piece.length; });"
        "request.on('end', () => response.end(String(count)));");
    const daemon proxy(site(origin.address()));
    h2_client client(proxy.port("web"));
    windows granted(client);
    granted.hear_all();
    client.send(h2::head(1, h2::post("/up", {{"content-length", std::to_string(size)}}), false));
    int rounds = 0;
    for (std::int64_t left = size; left > 0; ++rounds) {
        ASSERT_LT(rounds, 100);
        const std::int64_t round = std::min(left, granted.room());
        for (std::int64_t sent = 0; sent < round;) {
            const std::int64_t next = std::min<std::int64_t>(round - sent, 16'384);
            sent += next;
            client.send(
                h2::body(1, std::string(static_cast<std::size_t>(next), 'x'), sent == left));
        }
        left -= round;
        granted.connection -= round;
        granted.stream -= round;
        // All that is owed for what was sent, but for an eighth.
        while (left > 0 && granted.room() < mib - mib / 4)
            granted.hear();
    }
    EXPECT_EQ(client.response(1).body, std::to_string(size));
    EXPECT_LE(rounds, 26);
}

class DistanceTransfer : public testing::Test {
 protected:
    static constexpr std::size_t size = 20'000'000;
    temp_dir dir_;
};

TEST_F(DistanceTransfer, UploadsComeOutWhole) {
    const std::string file = dir_.path("large");
    std::ofstream(file) << std::string(size, 'x');
    const node_origin origin(
        "let count = 0; request.on('data', (piece) => { count += piece.length; });"
        "request.on('end', () => response.end(String(count)));");
    const daemon proxy(site(origin.address()));
    const delay_line line(proxy.port("web"), 25ms);
    for (const std::string version : {"--http1.1", "--http2-prior-knowledge"})
        EXPECT_EQ(curl({version, "-T", file, "http://" + line.address() + "/up"}).out,
                  std::to_string(size))
            << version;
}

TEST_F(DistanceTransfer, DownloadsComeOutWhole) {
    const node_h2_origin origin("stream.respond({':status': 200}); stream.end(Buffer.alloc(" +
                                std::to_string(size) + ", 'x'));");
    const delay_line line(origin.port(), 25ms);
    const daemon proxy(site(line.address(), ", protocol: h2"));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{size_download}", proxy.url("web")}).out,
                  std::to_string(size));
    // Nothing is held for them any more but the windows that grew.
    EXPECT_EQ(sum(scrape(proxy), "penstock_upstream_http2_streams"), 0);
}

}  // namespace
}  // namespace penstock::test
