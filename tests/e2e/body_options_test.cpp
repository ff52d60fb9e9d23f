// Route options that change how a response body travels: flush puts pieces together, digest says
// what they add up to.
#include "e2e/attack_site.hpp"

#include <string>

namespace penstock::test {
namespace {

struct options_site : attack_site {
    // Limits that one test reaches and the other two never do.
    options_site()
        : attack_site(
              "{match: {path: {prefix: /bytes}}, upstream: app, name: bytes, "
              "flush: {bytes: 10, interval: 1m}},"
              "{match: {path: {prefix: /interval}}, upstream: app, name: interval, "
              "flush: {bytes: 1MiB, interval: 40ms}},"
              "{match: {path: {prefix: /digest}}, upstream: app, name: digest, "
              "digest: sha-256},"
              "{match: {path: {prefix: /both}}, upstream: app, name: both, "
              "flush: {bytes: 10, interval: 1m}, digest: sha-256},") {}
};

class BodyOptions : public attack_suite<options_site> {
 protected:
    // A response in these pieces; each goes when the client asks for it by pull().
    void answer_in_pieces(const std::string& key, std::vector<std::string> pieces,
                          bool close = false) {
        auto gates = std::make_shared<std::vector<gate>>(pieces.size());
        gates_ = gates;
        site().origin.on(key, [gates, pieces, close](peer& client, http_request& request) {
            read_request_body(client, request);
            for (std::size_t i = 0; i < pieces.size(); ++i) {
                client.wait_for((*gates)[i]);
                client.send(pieces[i]);
            }
            return !close;
        });
    }
    void let_go(std::size_t piece) { (*gates_)[piece].open(); }

    std::shared_ptr<std::vector<gate>> gates_;
};

const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string hello_digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";

std::string with_length(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

TEST_F(BodyOptions, FlushWaitsForItsBytes) {
    answer_in_pieces("bytes-a", {chunked_head, "5\r\n12345\r\n", "4\r\n6789\r\n", "3\r\nabc\r\n",
                                 "2\r\nde\r\n", "0\r\n\r\n"});
    peer client = site().client();
    client.send(get("/bytes-a"));
    for (std::size_t i = 0; i < 3; ++i)
        let_go(i);
    client.read_until("\r\n\r\n");
    // One byte below.
    EXPECT_TRUE(client.stays_quiet(milliseconds(100)));
    let_go(3);
    client.read_until("a\r\n123456789a\r\n");
    let_go(4);
    let_go(5);
    // What is left goes with the end, long before the minute has passed.
    client.read_until("4\r\nbcde\r\n0\r\n\r\n");
}

TEST_F(BodyOptions, FlushWaitsForItsIntervalAtMost) {
    answer_in_pieces("interval-a", {chunked_head + "5\r\n12345\r\n", "2\r\n67\r\n", "0\r\n\r\n"});
    peer client = site().client();
    client.send(get("/interval-a"));
    let_go(0);
    client.read_until("12345");
    let_go(1);
    client.read_until("67");
    let_go(2);
    client.read_until("0\r\n\r\n");
}

TEST_F(BodyOptions, FlushLeavesStreamsAlone) {
    for (const std::string type : {"text/event-stream", "application/grpc+proto"}) {
        answer_in_pieces("bytes-b", {"HTTP/1.1 200 OK\r\nContent-Type: " + type +
                                         "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                                     "0\r\n\r\n"});
        peer client = site().client();
        client.send(get("/bytes-b"));
        let_go(0);
        client.read_until("12345");
        let_go(1);
        client.read_until("0\r\n\r\n");
    }
}

TEST_F(BodyOptions, FlushPassesBodiesUnchanged) {
    const std::string body(300'000, 'x');
    site().origin.answer("bytes-c", with_length(body), writing::whole);
    peer client = site().client();
    client.send(get("/bytes-c"));
    EXPECT_EQ(read_response(client).body, body);
    client.send(get("/bytes-c", "HEAD"));
    EXPECT_EQ(read_response(client, "HEAD").field("Content-Length"), std::to_string(body.size()));
}

TEST_F(BodyOptions, FlushGivesWhatCameBeforeAFault) {
    answer_in_pieces("bytes-d", {chunked_head + "5\r\n12345\r\n", "zz\r\n"}, true);
    peer client = site().client();
    client.send(get("/bytes-d"));
    let_go(0);
    let_go(1);
    const seen_response seen = see_response(client);
    EXPECT_FALSE(seen.whole);
    EXPECT_NE(client.received().find("12345"), std::string::npos);
    site().expect_clean(nullptr, "flush-fault");
}

TEST_F(BodyOptions, DigestOfAShortBodyStandsInTheHead) {
    site().origin.answer("digest-a", with_length("hello"), writing::whole);
    peer client = site().client();
    client.send(get("/digest-a"));
    const http_response seen = read_response(client);
    EXPECT_EQ(seen.body, "hello");
    EXPECT_EQ(seen.field("Content-Digest"), hello_digest);
    EXPECT_EQ(seen.field("Content-Length"), "5");
}

TEST_F(BodyOptions, DigestOfAStreamStandsInTheTrailers) {
    site().origin.answer("digest-b",
                         chunked_head + "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Other: yes\r\n\r\n",
                         writing::whole);
    peer client = site().client();
    client.send(get("/digest-b"));
    http_response seen = read_response(client);
    EXPECT_EQ(seen.body, "hello");
    EXPECT_EQ(seen.field("Trailer"), "Content-Digest");
    ASSERT_EQ(seen.trailers.size(), 1U);
    EXPECT_EQ(seen.trailers[0].second, hello_digest);
    // Who asks for trailers gets the origin's as well.
    client.send(
        "GET /digest-b HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n"
        "Connection: TE\r\n\r\n");
    EXPECT_EQ(read_response(client).trailers.size(), 2U);
}

TEST_F(BodyOptions, DigestMovesToTheTrailersAboveItsLimit) {
    peer client = site().client();
    for (const std::size_t size : {65535U, 65536U, 65537U}) {
        const std::string key = "digest-" + std::to_string(size);
        site().origin.answer(key, with_length(std::string(size, 'x')), writing::whole);
        client.send(get("/" + key));
        const http_response seen = read_response(client);
        EXPECT_EQ(seen.body.size(), size);
        EXPECT_EQ(seen.field("Content-Digest").has_value(), size <= 65536U) << size;
        EXPECT_EQ(seen.trailers.empty(), size <= 65536U) << size;
    }
}

TEST_F(BodyOptions, DigestIsLeftOutWhereItHasNoPlace) {
    site().origin.answer("digest-c", with_length("hello", "Content-Digest: sha-256=:own=:\r\n"),
                         writing::whole);
    site().origin.answer("digest-d", "HTTP/1.1 304 Not Modified\r\n\r\n", writing::whole);
    site().origin.answer("digest-e", with_length("hello"), writing::whole);
    peer client = site().client();
    client.send(get("/digest-c"));
    EXPECT_EQ(read_response(client).field("Content-Digest"), "sha-256=:own=:");
    client.send(get("/digest-d"));
    EXPECT_FALSE(see_response(client).head.field("Content-Digest"));
    client.send("GET /digest-e HTTP/1.0\r\nHost: a.test\r\n\r\n");
    EXPECT_FALSE(read_response(client).field("Content-Digest"));
}

TEST_F(BodyOptions, DigestOfABrokenBodyIsAnError) {
    site().origin.answer("digest-f", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
                         writing::whole, true);
    peer client = site().client();
    client.send(get("/digest-f"));
    EXPECT_EQ(read_response(client).status, 502);
    site().expect_clean(nullptr, "digest-broken");
}

TEST_F(BodyOptions, DigestAndFlushGoTogether) {
    site().origin.answer("both-a", chunked_head + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                         writing::bytewise);
    peer client = site().client();
    client.send(get("/both-a"));
    const http_response seen = read_response(client);
    EXPECT_EQ(seen.body, "hello");
    ASSERT_EQ(seen.trailers.size(), 1U);
    EXPECT_EQ(seen.trailers[0].second, hello_digest);
}

}  // namespace
}  // namespace penstock::test
