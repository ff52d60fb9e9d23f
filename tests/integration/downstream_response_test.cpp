// How responses are written, what follows an early one, and how a broken one ends.
#include "integration/downstream_site.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream::test {
namespace {

using penstock::test::http_response;
using penstock::test::read_response;
using penstock::test::read_response_head;

struct framing_case {
    const char* name;
    std::string request;
    const char* method;
    int status;
    const char* length;  // of Content-Length; null = none
    const char* coding;
    const char* body;
};

TEST(DownstreamResponse, IsFramedByWhatIsKnownOfIt) {
    const framing_case cases[] = {
        {"length", get("/ok"), "GET", 200, "2", nullptr, "ok"},
        {"chunked", get("/pieces"), "GET", 200, nullptr, "chunked", "onetwo"},
        {"head with a length", "HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD", 200, "2", nullptr,
         ""},
        {"head without", "HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD", 200, nullptr, nullptr,
         ""},
        {"204", get("/no204"), "GET", 204, nullptr, nullptr, ""},
        {"304", get("/no304"), "GET", 304, nullptr, nullptr, ""},
        {"empty", post("/echo", ""), "POST", 200, "0", nullptr, ""},
    };
    site here;
    peer client(here.port());  // one for all: none of these ends it
    for (const framing_case& item : cases) {
        SCOPED_TRACE(item.name);
        client.send(item.request);
        const http_response got = read_response(client, item.method);
        EXPECT_EQ(got.status, item.status);
        EXPECT_EQ(got.field("content-length").value_or("-"), item.length ? item.length : "-");
        EXPECT_EQ(got.field("transfer-encoding").value_or("-"), item.coding ? item.coding : "-");
        EXPECT_EQ(got.body, item.body);
        EXPECT_FALSE(got.field("connection"));
    }
}

TEST(DownstreamResponse, OfUnknownLengthEndsAnHttp10Connection) {
    site here;
    peer client(here.port());
    client.send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_TRUE(got.until_close);
    EXPECT_EQ(got.body, "onetwo");
    EXPECT_EQ(got.field("connection"), "close");
}

TEST(DownstreamResponse, HasTrailersForThoseWhoWantThem) {
    site here;
    peer client(here.port());
    client.send(get("/trailers", "TE: trailers\r\n") + get("/trailers"));
    EXPECT_EQ(penstock::test::find_field(read_response(client).trailers, "x-sum"), "6");
    EXPECT_TRUE(read_response(client).trailers.empty());
}

TEST(DownstreamResponse, ThatIsShorterThanAnnouncedIsCutVisibly) {
    site here;
    peer client(here.port());
    client.send(get("/short"));
    EXPECT_EQ(read_response_head(client).field("content-length"), "10");
    EXPECT_EQ(client.read_to_end(), "onetwo");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.why, reason::http_response_incomplete);
    EXPECT_FALSE(record.response_complete);
}

TEST(DownstreamResponse, NeverExceedsWhatItAnnounced) {
    site here;
    peer client(here.port());
    client.send(get("/long"));
    EXPECT_EQ(read_response_head(client).field("content-length"), "4");
    EXPECT_EQ(client.read_to_end(), "one");
    EXPECT_FALSE(here.answers->record(0).response_complete);
}

TEST(DownstreamResponse, ThatFailsInItsBodyHasNoLastChunk) {
    site here;
    peer client(here.port());
    client.send(get("/broken"));
    EXPECT_EQ(read_response_head(client).field("transfer-encoding"), "chunked");
    EXPECT_EQ(client.read_to_end(), "3\r\none\r\n3\r\ntwo\r\n");
    EXPECT_EQ(here.answers->record(0).why, reason::http_response_incomplete);
}

TEST(DownstreamResponse, ThatFailsUntilCloseIsReset) {
    site here;
    peer client(here.port());
    client.send("GET /broken HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.wait_closed(), closing::reset);
    EXPECT_FALSE(here.answers->record(0).response_complete);
}

TEST(DownstreamResponse, ThatFailsBeforeItsFirstByteIsReplaced) {
    site here;
    peer client(here.port());
    client.send(get("/fails"));
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.field("connection"), "close");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 502);
    EXPECT_EQ(record.why, reason::http_response_incomplete);
    EXPECT_EQ(here.answers->records(), 1U);
}

// The client leaves because the response broke off, not the other way round.
TEST(DownstreamResponse, ThatFailsIsChargedToTheOriginWhoeverLeavesThen) {
    site here;
    peer client(here.port());
    client.send(get("/lingers"));
    EXPECT_NE(client.read_until("one"), "");
    client.close();
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.why, reason::http_response_incomplete);
    EXPECT_FALSE(record.response_complete);
}

TEST(DownstreamResponse, ThatCannotBeWrittenIsReplaced) {
    site here;
    peer client(here.port());
    client.send(get("/unwritable"));
    EXPECT_EQ(read_response(client).status, 500);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(here.answers->record(0).why, reason::proxy_internal_error);
}

TEST(DownstreamResponse, BeforeASmallBodyWasReadLeavesTheConnectionOpen) {
    site here;
    peer client(here.port());
    const std::string bytes = post("/early", std::string(60000, 'b'));
    client.send(bytes.substr(0, 100));
    const http_response got = read_response(client);
    EXPECT_EQ(got.body, "early");
    EXPECT_FALSE(got.field("connection"));
    client.send(bytes.substr(100) + get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    EXPECT_TRUE(here.answers->record(0).request_complete);
}

TEST(DownstreamResponse, BeforeABodyThatMayBeLargeClosesIt) {
    const std::string large = post("/early", std::string(1 << 20, 'b'));
    const std::string chunked = post_chunked("/early", "3\r\nabc\r\n");
    const std::string expecting = post("/early", "abc", "Expect: 100-continue\r\n");
    for (const std::string& bytes : {large, chunked, expecting.substr(0, expecting.size() - 3)}) {
        site here;
        peer client(here.port());
        client.send(bytes);
        const http_response got = read_response(client);
        EXPECT_EQ(got.body, "early");
        EXPECT_EQ(got.field("connection"), "close");
        // FIN and not RST: what the client still sent was read and dropped.
        EXPECT_EQ(client.wait_closed(), closing::eof);
        EXPECT_FALSE(here.answers->record(0).request_complete);
    }
}

TEST(DownstreamResponse, RunsBesideItsRequest) {
    site here;
    peer client(here.port());
    client.send(post_chunked("/duplex", "3\r\none\r\n"));
    EXPECT_EQ(read_response_head(client).field("transfer-encoding"), "chunked");
    EXPECT_EQ(client.read_exactly(8), "3\r\none\r\n");
    client.send("3\r\ntwo\r\n");
    EXPECT_EQ(client.read_exactly(8), "3\r\ntwo\r\n");
    client.send("0\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "0\r\n\r\n");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.request_bytes, 6U);
    EXPECT_EQ(record.response_bytes, 6U);
    EXPECT_TRUE(record.request_complete);
}

TEST(DownstreamResponse, WaitsForASlowReader) {
    site here;
    penstock::test::connect_options small;
    small.receive_buffer = 4096;
    peer client(here.port(), small);
    client.send(get("/big"));
    here.eventually([&] { return here.over->counters().active.load() == 1; });
    penstock::test::hold_for(50ms);  // what a slow reader does
    const http_response got = read_response(client);
    EXPECT_EQ(got.body.size(), std::size_t{8} << 20);
    const exchange::record record = here.answers->record(0);
    EXPECT_TRUE(record.response_complete);
    EXPECT_GT(record.ledger.spent(exchange::phase::client_blocked).count(), 0);
}

TEST(DownstreamResponse, ToAReaderThatStopsIsReset) {
    config::listener settings = plain_settings();
    settings.timeouts.write_idle = 100ms;
    site here(settings);
    penstock::test::connect_options small;
    small.receive_buffer = 4096;
    peer client(here.port(), small);
    client.send(get("/big"));
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::write_timeout);
    EXPECT_EQ(record.status, 200);
    EXPECT_FALSE(record.response_complete);
    EXPECT_EQ(client.wait_closed(), closing::reset);
}

}  // namespace
}  // namespace penstock::downstream::test
