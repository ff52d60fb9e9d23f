// Long bodies between plain sockets go through a pipe: every byte arrives, and whatever goes wrong
// in the middle looks as it does with bytes that were copied.
#include "support/http_reader.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

// No two places of it look alike, so that lost or doubled bytes show.
std::string long_body(std::size_t size) {
    std::string made;
    made.reserve(size + 16);
    for (std::size_t i = 0; made.size() < size; ++i)
        made += std::to_string(i) + ',';
    made.resize(size);
    return made;
}

constexpr std::size_t mib = std::size_t{1} << 20;

std::string head_of(std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

void ask(peer& client) { client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"); }

class LongBody : public testing::TestWithParam<std::size_t> {};

TEST_P(LongBody, ArrivesWholeAndLeavesTheConnectionsUsable) {
    const std::string body = long_body(GetParam());
    scripted_origin origin(
        scripted_origin::answer([&](const http_request&) { return ok_response(body); }));
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    for (int i = 0; i < 3; ++i) {
        ask(client);
        EXPECT_EQ(read_response(client).body, body);
    }
    EXPECT_EQ(origin.connections(), 1);
}

// One below, at and above what is worth a pipe, and above what one holds.
INSTANTIATE_TEST_SUITE_P(, LongBody,
                         testing::Values(std::size_t{65535} + 32768, std::size_t{65536} + 32768,
                                         std::size_t{65537} + 32768, 3 * mib + 1));

TEST(Move, PassesOneRunOfAChunkedBodyToAnOldClient) {
    const std::string body = long_body(mib);
    scripted_origin origin([&](peer& proxy, int) {
        (void)read_request_head(proxy);
        proxy.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n100000\r\n" +
                   body + "\r\n2\r\nyz\r\n0\r\n\r\n");
    });
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(read_response(client).body, "abc" + body + "yz");
}

TEST(Move, BreaksOffVisiblyWhenTheOriginDoes) {
    const std::string body = long_body(mib);
    scripted_origin origin([&](peer& proxy, int) {
        (void)read_request_head(proxy);
        proxy.send(head_of(2 * mib) + body);
    });
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    ask(client);
    const http_response got = read_response_head(client);
    EXPECT_EQ(got.field("content-length"), std::to_string(2 * mib));
    EXPECT_EQ(client.read_to_end(), body);
    proxy.running().wait_for("\"penstock.reason\":\"http_response_incomplete\"");
}

TEST(Move, DropsWhatFollowsTheBody) {
    const std::string body = long_body(mib);
    scripted_origin origin([&](peer& proxy, int index) {
        (void)read_request_head(proxy);
        if (index > 0)
            return proxy.send(ok_response("second"));
        proxy.send(head_of(mib) + body + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        proxy.wait_closed();
    });
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    ask(client);
    EXPECT_EQ(read_response(client).body, body);
    ask(client);
    EXPECT_EQ(read_response(client).body, "second");
}

TEST(Move, EndsTheOriginsWorkWhenTheClientLeaves) {
    gate gone;
    scripted_origin origin([&](peer& proxy, int) {
        (void)read_request_head(proxy);
        proxy.send(head_of(1024 * mib));
        proxy.send_until_blocked(long_body(4 * mib), 100ms);
        gone.open();
        EXPECT_NO_THROW(proxy.wait_closed());
    });
    daemon proxy(proxy_to(origin.address()));
    {
        peer client(proxy.port("web"));
        ask(client);
        client.wait_for(gone);
        client.reset();
    }
    proxy.running().wait_for("\"penstock.reason\":\"client_gone\"");
    (void)origin.received(0);
}

TEST(Move, GivesUpOnAClientThatTakesNothing) {
    scripted_origin origin([&](peer& proxy, int) {
        (void)read_request_head(proxy);
        proxy.send(head_of(1024 * mib));
        proxy.send_until_blocked(long_body(4 * mib), 100ms);
        proxy.wait_closed();
    });
    daemon proxy(R"(
listeners: {web: {bind: "127.0.0.1:0", timeouts: {write_idle: 300ms}}}
upstreams: {app: {endpoints: [")" +
                 origin.address() +
                 R"("]}}
routes: [{upstream: app}]
log: {access: {path: "-"}}
)");
    connect_options narrow;
    narrow.receive_buffer = 8192;
    peer client(proxy.port("web"), narrow);
    ask(client);
    proxy.running().wait_for("\"penstock.reason\":\"write_timeout\"");
    (void)origin.received(0);
}

}  // namespace
}  // namespace penstock::test
