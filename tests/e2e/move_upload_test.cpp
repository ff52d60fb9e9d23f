// Long uploads between plain sockets go through a pipe, as downloads do (move_test.cpp).
#include "support/http_reader.hpp"
#include "support/peer.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

// No two places of it look alike, so that lost or doubled bytes show.
std::string long_body(std::size_t size) {
    std::string made;
    made.reserve(size + 16);
    for (std::size_t i = 0; made.size() < size; ++i)
        made += std::to_string(i) + ';';
    made.resize(size);
    return made;
}

std::string head_of(std::size_t length) {
    return "PUT /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
}

std::string configuration(const std::string& origin, const std::string& listener,
                          const std::string& upstream) {
    return "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {" + listener +
           "}}}\nupstreams: {app: {endpoints: [\"" + origin + "\"], timeouts: {" + upstream +
           "}}}\nroutes: [{upstream: app}]\nlog: {access: {path: \"-\"}}\n";
}

class LongUpload : public testing::TestWithParam<std::size_t> {};

TEST_P(LongUpload, ArrivesWholeAndLeavesTheConnectionsUsable) {
    const std::string body = long_body(GetParam());
    scripted_origin origin(scripted_origin::answer([&](const http_request& got) {
        return ok_response(got.body == body ? "same" : "another");
    }));
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    for (int i = 0; i < 3; ++i) {
        // The next request stands right behind the body, and must not become a part of it.
        client.send(head_of(body.size()) + body + head_of(body.size()) + body);
        EXPECT_EQ(read_response(client).body, "same");
        EXPECT_EQ(read_response(client).body, "same");
    }
    EXPECT_EQ(origin.connections(), 1);
}

INSTANTIATE_TEST_SUITE_P(, LongUpload,
                         testing::Values(std::size_t{65535} + 32768, std::size_t{65536} + 32768,
                                         std::size_t{65537} + 32768, 3 * mib + 1));

TEST(MoveUpload, IsCutWhereTheClientLeaves) {
    const std::string body = long_body(2 * mib);
    std::string got;
    scripted_origin origin([&](peer& proxy, int) {
        (void)read_request_head(proxy);
        (void)proxy.wait_closed();
        got = proxy.received();
    });
    daemon proxy(proxy_to(origin.address()));
    {
        peer client(proxy.port("web"));
        client.send(head_of(3 * mib) + body);
        origin.wait_for_connections(1);
        client.reset();
    }
    proxy.running().wait_for("\"penstock.reason\":\"client_gone\"");
    (void)origin.received(0);
    got.erase(0, got.find("\r\n\r\n") + 4);
    EXPECT_LT(got.size(), 3 * mib);
    EXPECT_EQ(got, body.substr(0, got.size()));
}

TEST(MoveUpload, EndsWhenTheOriginAnswersEarly) {
    scripted_origin origin([&](peer& proxy, int index) {
        (void)read_request_head(proxy);
        if (index > 0)
            return proxy.send(ok_response("second"));
        proxy.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        (void)proxy.wait_closed();
    });
    daemon proxy(proxy_to(origin.address()));
    peer client(proxy.port("web"));
    client.send(head_of(1024 * mib));
    client.send_until_blocked(long_body(4 * mib), 100ms);
    EXPECT_EQ(read_response(client).status, 403);
    peer another(proxy.port("web"));
    another.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(another).body, "second");
}

TEST(MoveUpload, EndsWhenTheOriginTakesNothing) {
    scripted_origin origin([](peer& proxy, int) {
        (void)read_request_head(proxy);
        (void)proxy.stays_quiet(milliseconds(0));
        gate never;
        proxy.wait_for(never);
    });
    daemon proxy(configuration(origin.address(), "", "idle: 300ms"));
    peer client(proxy.port("web"));
    client.send(head_of(1024 * mib));
    client.send_until_blocked(long_body(4 * mib), 100ms);
    EXPECT_EQ(read_response(client).status, 504);
    proxy.running().wait_for("\"penstock.reason\":\"connection_write_timeout\"");
}

TEST(MoveUpload, EndsWhenTheClientSendsNothing) {
    scripted_origin origin([](peer& proxy, int) {
        (void)read_request_head(proxy);
        (void)proxy.wait_closed();
    });
    daemon proxy(configuration(origin.address(), "body_idle: 300ms", ""));
    peer client(proxy.port("web"));
    client.send(head_of(3 * mib) + long_body(mib));
    EXPECT_EQ(read_response(client).status, 408);
    proxy.running().wait_for("\"penstock.reason\":\"body_timeout\"");
    (void)origin.received(0);
}

}  // namespace
}  // namespace penstock::test
