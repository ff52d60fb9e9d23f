// What the handler is asked and what is refused before it is asked: heads, bodies, pipelining.
#include "integration/downstream_site.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream::test {
namespace {

using penstock::test::http_response;
using penstock::test::read_response;

// Everything that the server says to `bytes`, once it has closed; half the time split to bytes.
std::string answer_to(site& to, std::string_view bytes, bool bytewise) {
    peer client(to.port());
    if (bytewise)
        client.send_in_pieces(bytes);
    else
        client.send(bytes);
    return client.read_to_end();
}

std::size_t count_of(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

TEST(DownstreamRequest, ReachesTheHandlerAsItWasUnderstood) {
    site here;
    peer client(here.port());
    client.send(
        "GET https://Other.Test:81/a/../ok?x=1 HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n"
        "User-Agent: test/1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
        "Connection: upgrade, http2-settings\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "ok");
    const path_handler::seen asked = here.answers->request(0);
    EXPECT_EQ(asked.head.scheme, "http");
    EXPECT_EQ(asked.head.authority, "other.test:81");
    EXPECT_EQ(asked.head.path, "/ok");
    EXPECT_EQ(asked.head.query, "?x=1");
    EXPECT_TRUE(asked.accepts_trailers);
    EXPECT_FALSE(asked.wants_websocket);
    EXPECT_EQ(asked.head.fields.count(http::field_id::upgrade), 0U);
    EXPECT_EQ(asked.head.fields.count(http::field_id::http2_settings), 0U);
}

TEST(DownstreamRequest, IsRecordedAsItCameNotAsTheHandlerEditedIt) {
    site here;
    peer client(here.port());
    client.send(get("/ok?x=1", "User-Agent: test/1\r\n"));
    EXPECT_EQ(read_response(client).status, 200);
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.method, "GET");
    EXPECT_EQ(record.host, "a.test");
    EXPECT_EQ(record.path, "/ok?x=1");
    EXPECT_EQ(record.user_agent, "test/1");
    EXPECT_EQ(record.request_id, "id");
    EXPECT_EQ(record.client, "127.0.0.1:" + std::to_string(client.local_port()));
    EXPECT_EQ(record.listener, 7);
    EXPECT_EQ(record.generation, 3U);
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.response_bytes, 2U);
    EXPECT_EQ(record.why, reason::none);
    EXPECT_TRUE(record.request_complete);
    EXPECT_TRUE(record.response_complete);
    EXPECT_FALSE(record.tls);
}

// A client takes what follows the head of an answer to HEAD for the next response.
TEST(DownstreamRequest, IsRefusedWithoutABodyIfItMayBeHead) {
    const std::string refused[] = {
        "HEAD /ok HTTP/1.1\r\n\r\n",
        "HEAD /ok HTTP/1.1\nHost: a\n\n",
        "HEAD /ok HTTP/3.0\r\nHost: a\r\n\r\n",
        "HEAD /o k HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'a') + "\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
        "\r\nHEAD /ok HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    for (const std::string& bytes : refused) {
        for (const bool bytewise : {false, true}) {
            site here;
            here.answers->body_max = 100;
            const std::string got = answer_to(here, bytes, bytewise);
            SCOPED_TRACE(bytes.substr(0, 40) + "\n" + got);
            EXPECT_TRUE(got.starts_with("HTTP/1.1 "));
            EXPECT_NE(got.find("\r\nConnection: close\r\n"), got.npos);
            EXPECT_EQ(got.find("\r\n\r\n"), got.size() - 4);
        }
    }
}

struct refusal_case {
    const char* name;
    std::string bytes;
    int status;
    reason why;
};

// A request behind a refused one is there to show that nobody reads it.
TEST(DownstreamRequest, IsRefusedWholeAndBytewiseAlike) {
    const refusal_case cases[] = {
        {"two lengths",
         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400,
         reason::http_request_error},
        {"length and chunked",
         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400, reason::http_request_error},
        {"unknown coding",
         "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
         reason::transfer_coding_unknown},
        {"unknown coding on two lines",
         "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         501, reason::transfer_coding_unknown},
        {"bare line feed", "GET /ok HTTP/1.1\nHost: a\n\n", 400, reason::http_request_error},
        {"no host", "GET /ok HTTP/1.1\r\n\r\n", 400, reason::http_request_error},
        {"version 2", "PRI * HTTP/2.0\r\n\r\n", 505, reason::version_unsupported},
        {"other expectation",
         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: the-worst\r\n\r\n", 417,
         reason::expectation_failed},
        {"two expectations",
         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n"
         "Expect: 100-continue\r\n\r\n",
         417, reason::expectation_failed},
        {"body over the limit", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
         413, reason::body_too_large},
        {"long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414,
         reason::uri_too_long},
        {"long field", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'a') + "\r\n\r\n",
         431, reason::request_header_too_large},
    };
    for (const refusal_case& item : cases) {
        for (const bool bytewise : {false, true}) {
            SCOPED_TRACE(std::string(item.name) + (bytewise ? ", bytewise" : ", whole"));
            site here;
            here.answers->body_max = 100;
            const std::string got = answer_to(here, item.bytes + get("/ok"), bytewise);
            EXPECT_EQ(got.substr(0, 13), "HTTP/1.1 " + std::to_string(item.status) + " ");
            EXPECT_EQ(count_of(got, "HTTP/1.1"), 1U);
            EXPECT_NE(got.find("Connection: close\r\n"), got.npos) << got;
            EXPECT_EQ(here.answers->requests(), 0U);
            const exchange::record record = here.answers->record(0);
            EXPECT_EQ(record.status, item.status);
            EXPECT_EQ(record.why, item.why);
        }
    }
}

TEST(DownstreamRequest, IsReadThroughEveryCut) {
    const std::string bytes =
        post_chunked("/echo", "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n",
                     "TE: trailers\r\nConnection: close\r\n");
    site here;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        SCOPED_TRACE(cut);
        peer client(here.port());
        client.send(bytes.substr(0, cut));
        // The first part has to have been read, or both could come as one.
        here.eventually([&] { return here.over->counters().active.load() == 1; });
        client.send(bytes.substr(cut));
        const http_response got = read_response(client);
        ASSERT_EQ(got.status, 200);
        ASSERT_EQ(got.body, "abcde");
        const path_handler::seen asked = here.answers->request(cut - 1);
        ASSERT_EQ(asked.length, std::nullopt);
        ASSERT_EQ(asked.trailers.find("x-sum"), "5");
        client.close();
        here.await_connections(0);
    }
}

TEST(DownstreamRequest, NeverLooksWholeWhenItIsCutOff) {
    const std::string head = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n";
    const std::string bytes = head + "abcde";
    site here;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        SCOPED_TRACE(cut);
        {
            peer client(here.port());
            client.send(bytes.substr(0, cut));
            client.half_close();
            EXPECT_EQ(client.read_to_end(), "");
        }
        const exchange::record record = here.answers->record(cut - 1);
        ASSERT_EQ(record.status, 499);
        ASSERT_EQ(record.why, reason::client_gone);
        ASSERT_FALSE(record.request_complete);
        ASSERT_FALSE(record.response_complete);
    }
    EXPECT_EQ(here.answers->requests(), bytes.size() - head.size());
}

TEST(DownstreamRequest, OfAnEmptyLineIsNone) {
    site here;
    peer client(here.port());
    client.send("\r\n");
    client.half_close();
    EXPECT_EQ(client.read_to_end(), "");
    here.await_connections(0);
    EXPECT_EQ(here.answers->records(), 0U);
}

// The line end that some clients send behind a body is the empty line that may come before the next
// request, also if it was taken long before that.
TEST(DownstreamRequest, MayHaveOneEmptyLineBeforeItHoweverItComes) {
    for (const bool second : {false, true}) {
        SCOPED_TRACE(second);
        site here;
        peer client(here.port());
        client.send(post("/echo", "first") + "\r\n");
        EXPECT_EQ(read_response(client).body, "first");
        here.eventually([&] { return here.over->counters().idle.load() == 1; });
        client.send((second ? "\r\n" : "") + get("/ok"));
        EXPECT_EQ(read_response(client).status, second ? 400 : 200);
        EXPECT_EQ(here.answers->requests(), second ? 1U : 2U);
    }
}

TEST(DownstreamRequest, BehindAnotherIsAnsweredInOrder) {
    site here;
    peer client(here.port());
    client.send(post("/echo", "first") + get("/ok") +
                post_chunked("/echo", "5\r\nthird\r\n0\r\n\r\n") + get("/pieces"));
    EXPECT_EQ(read_response(client).body, "first");
    EXPECT_EQ(read_response(client).body, "ok");
    EXPECT_EQ(read_response(client).body, "third");
    EXPECT_EQ(read_response(client).body, "onetwo");
}

TEST(DownstreamRequest, IsServedHoweverManyAreAhead) {
    constexpr int count = 100;
    site here;
    peer client(here.port());
    std::string all;
    for (int i = 0; i < count; ++i)
        all += post("/echo", std::to_string(i));
    client.send(all);
    for (int i = 0; i < count; ++i)
        ASSERT_EQ(read_response(client).body, std::to_string(i));
    here.eventually([&] { return here.over->counters().idle.load() == 1; });
    EXPECT_EQ(here.thread.buffered(), 0U);
}

TEST(DownstreamRequest, BehindARefusedOneIsNotRead) {
    site here;
    const std::string got = answer_to(here, get("/ok") + "BAD\r\n\r\n" + get("/ok"), false);
    EXPECT_EQ(count_of(got, "HTTP/1.1 200"), 1U);
    EXPECT_EQ(count_of(got, "HTTP/1.1 400"), 1U);
    EXPECT_EQ(here.answers->requests(), 1U);
}

TEST(DownstreamRequest, BehindAClosingOneIsNotRead) {
    site here;
    const std::string got =
        answer_to(here, get("/ok", "Connection: close\r\n") + get("/ok"), false);
    EXPECT_EQ(count_of(got, "HTTP/1.1"), 1U);
    EXPECT_EQ(here.answers->requests(), 1U);
}

TEST(DownstreamRequest, MayHaveABodyUpToTheLimit) {
    for (const std::size_t size : {99U, 100U, 101U}) {
        for (const bool chunked : {false, true}) {
            SCOPED_TRACE(std::to_string(size) + (chunked ? " chunked" : ""));
            site here;
            here.answers->body_max = 100;
            peer client(here.port());
            const std::string body(size, 'b');
            client.send(chunked
                            ? post_chunked("/echo", "1\r\nb\r\n" +
                                                        std::string(size == 99    ? "62"
                                                                    : size == 100 ? "63"
                                                                                  : "64") +
                                                        "\r\n" + body.substr(1) + "\r\n0\r\n\r\n")
                            : post("/echo", body));
            const http_response got = read_response(client);
            EXPECT_EQ(got.status, size > 100 ? 413 : 200);
            EXPECT_EQ(got.field("connection").has_value(), size > 100);
            EXPECT_EQ(here.answers->record(0).why,
                      size > 100 ? reason::body_too_large : reason::none);
        }
    }
}

TEST(DownstreamRequest, HasTheListenersBodyLimitWhereTheHandlerHasNone) {
    config::listener settings = plain_settings();
    settings.limit.body = 4;
    site here(settings);
    peer client(here.port());
    client.send(post("/echo", "four"));
    EXPECT_EQ(read_response(client).status, 200);
    client.send(post("/echo", "fives"));
    EXPECT_EQ(read_response(client).status, 413);
}

TEST(DownstreamRequest, WithABadChunkIsAFaultForWhoReadsIt) {
    for (const char* wire :
         {"x\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\r\n0x\r\n\r\n"}) {
        for (const bool bytewise : {false, true}) {
            SCOPED_TRACE(wire);
            site here;
            const std::string got = answer_to(here, post_chunked("/echo", wire), bytewise);
            EXPECT_EQ(got.substr(0, 13), "HTTP/1.1 400 ");
            EXPECT_EQ(here.answers->record(0).why, reason::http_request_error);
        }
    }
}

TEST(DownstreamRequest, PassesExpectationsOnAndLetsInterimResponsesThrough) {
    site here;
    peer client(here.port());
    const std::string bytes = post("/interim", "body", "Expect: 100-continue\r\n");
    client.send(bytes.substr(0, bytes.size() - 4));
    EXPECT_EQ(client.read_until("\r\n\r\n").substr(0, 13), "HTTP/1.1 103 ");
    EXPECT_EQ(client.read_until("\r\n\r\n").substr(0, 13), "HTTP/1.1 100 ");
    client.send("body");
    const http_response got = read_response(client);
    EXPECT_EQ(got.body, "body");
    EXPECT_TRUE(here.answers->request(0).expects_continue);
    // The connection lives on.
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
}

TEST(DownstreamRequest, WithoutABodyExpectsNothing) {
    site here;
    peer client(here.port());
    client.send(get("/ok", "Expect: 100-continue\r\n"));
    EXPECT_EQ(read_response(client).status, 200);
    const path_handler::seen asked = here.answers->request(0);
    EXPECT_FALSE(asked.expects_continue);
    EXPECT_EQ(asked.head.fields.count(http::field_id::expect), 0U);
}

TEST(DownstreamRequest, OfHttp10IsSpokenToInHttp10) {
    site here;
    peer client(here.port());
    client.send(
        "POST /interim HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
        "Connection: keep-alive\r\n\r\nbody");
    http_response got = read_response(client);
    EXPECT_TRUE(got.interim.empty());
    EXPECT_EQ(got.body, "body");
    EXPECT_EQ(got.field("connection"), "keep-alive");
    EXPECT_FALSE(here.answers->request(0).expects_continue);
    client.send("GET /ok HTTP/1.0\r\n\r\n");
    got = read_response(client);
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(here.answers->record(1).http10);
}

TEST(DownstreamRequest, HasNoMoreThanTheLimitOnItsConnection) {
    config::listener settings = plain_settings();
    settings.limit.requests = 3;
    site here(settings);
    peer client(here.port());
    for (int i = 1; i <= 3; ++i) {
        client.send(get("/ok"));
        const http_response got = read_response(client);
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.field("connection"),
                  i == 3 ? std::optional<std::string>("close") : std::nullopt);
    }
    EXPECT_EQ(client.read_to_end(), "");
}

}  // namespace
}  // namespace penstock::downstream::test
