// Uploads that are answered before they are whole (RFC 9113 §8.1): whoever sends them gets the
// answer, over both versions and by real clients.
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace penstock::test {
namespace {

constexpr int runs = 50;

// Answers every request as soon as its head is there, and takes nothing of its body.
constexpr const char* hasty =
    "response.writeHead(413, {'Content-Length': 9}); response.end('too large');";

// Larger than any window, and than what the sockets between take.
std::string large_file(const temp_dir& dir) {
    const std::string path = dir.path("large");
    std::ofstream(path) << std::string(std::size_t{24} * 1024 * 1024, 'x');
    return path;
}

struct shape {
    std::string name;
    std::string route;
};

class EarlyAnswer : public testing::TestWithParam<shape> {};

// curl 7.88 lost it, more often than not, where RST_STREAM(NO_ERROR) came with it.
TEST_P(EarlyAnswer, ReachesCurl) {
    const temp_dir dir;
    const std::string file = large_file(dir);
    const node_origin origin(hasty);
    const daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{upstream: app" +
        GetParam().route + "}]\nupstreams: {app: {endpoints: [\"" + origin.address() + "\"]}}\n");
    int whole = 0;
    for (int i = 0; i < runs; ++i) {
        const command_result got = curl({"--http2-prior-knowledge", "-s", "-T", file, "-w",
                                         " %{http_code}", proxy.url("web", "/up")});
        const bool answered = got.status.code == 0 && got.out.find("413") != std::string::npos;
        whole += answered ? 1 : 0;
        EXPECT_TRUE(answered) << got.status.code << ": " << got.out << got.err;
    }
    EXPECT_EQ(whole, runs);
}

INSTANTIATE_TEST_SUITE_P(Of, EarlyAnswer,
                         testing::Values(shape{"TheOrigin", ""},
                                         shape{"OurOwn", ", limits: {body: 1MiB}"}),
                         [](const auto& of) { return of.param.name; });

std::string site(const std::string& origin) {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [{match: {path: {exact: /no}}, respond: {status: 403, body: no}},"
           " {upstream: app}]\nupstreams: {app: {endpoints: [\"" +
           origin + "\"]}}\n";
}

// A client that ends its request is never told that it need not have.
TEST(EarlyAnswers, AreNoResetForWhoEndsItsRequest) {
    const daemon proxy(site("127.0.0.1:1"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::post("/no", {{"content-length", "8"}}), false));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 403);
    EXPECT_TRUE(seen.ended);
    client.send(h2::body(1, "whatever"));
    // What is sent behind it is answered behind it.
    client.send(h2::head(3, h2::get("/no")));
    EXPECT_EQ(client.response(3).status(), 403);
    EXPECT_FALSE(client.responses[1].reset.has_value());
}

// One that does not is told within a second, and had no credit meanwhile.
TEST(EarlyAnswers, EndWithAResetForWhoGoesOn) {
    const daemon proxy(site("127.0.0.1:1"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::post("/no"), false));
    EXPECT_EQ(client.response(1).status(), 403);
    for (int i = 0; i < 8; ++i)
        client.send(h2::body(1, std::string(16'000, 'x'), false));
    const h2_response& seen = client.responses[1];
    while (!seen.reset) {
        ASSERT_TRUE(client.read());
        EXPECT_FALSE(client.last.type == h2::window_update && client.last.stream == 1);
    }
    EXPECT_EQ(seen.reset, 0U);
    // The connection's window is whole again.
    client.send(h2::head(3, h2::get("/no")));
    EXPECT_EQ(client.response(3).status(), 403);
}

}  // namespace
}  // namespace penstock::test
