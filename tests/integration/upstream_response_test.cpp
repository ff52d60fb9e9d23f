// What an origin may answer, and what becomes of the answer and of the connection.
#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"
#include "penstock/http/error.hpp"

#include <gtest/gtest.h>

namespace penstock::upstream::test {
namespace {

using exchange::reason;

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Plays one reply to every request of a connection; then closes if `once`.
origin::script replying(std::string reply, bool once = false) {
    return [reply = std::move(reply), once](conversation& with) {
        while (!with.read_head().empty()) {
            with.write(reply);
            if (once)
                return;
        }
    };
}

TEST(UpstreamResponse, ComesWholeAndConnectionIsReused) {
    origin peer(replying(std::string(small_reply)));
    site here(peer.port());
    for (int i = 0; i < 3; ++i) {
        client by(here.home);
        const outcome got = here.fetch_once(by);
        ASSERT_TRUE(got.answered);
        EXPECT_EQ(got.head.status, 200);
        EXPECT_EQ(got.body, "ok");
        EXPECT_EQ(got.body_error, error());
        EXPECT_EQ(by.record.upstream_reused, i > 0);
        EXPECT_EQ(by.record.upstream_status, 200);
        EXPECT_EQ(by.record.upstream, 7);
        EXPECT_EQ(by.record.endpoint, 1);
        EXPECT_EQ(by.record.attempts, 1);
    }
    EXPECT_EQ(peer.accepted(), 1);
    EXPECT_EQ(here.over().counters().fresh.load(), 1U);
    EXPECT_EQ(here.over().counters().reused.load(), 2U);
    EXPECT_EQ(here.over().counters().idle.load(), 1U);
    EXPECT_EQ(here.over().counters().active.load(), 0U);
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 1U);
    here.over().retire();
    EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
    EXPECT_EQ(here.shared->idle.load(), 0U);
}

struct reply_case {
    const char* name;
    http::method verb;
    const char* verb_text;
    const char* reply;
    int status;
    const char* body;
    std::optional<std::uint64_t> announced;
    bool reusable;
};

TEST(UpstreamResponse, EndsWhereItsFramingSays) {
    const reply_case cases[] = {
        {"length", http::method::get, "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200,
         "abc", std::nullopt, true},
        {"empty", http::method::get, "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "",
         std::nullopt, true},
        {"chunked", http::method::get, "GET",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         200, "abcde", std::nullopt, true},
        {"head", http::method::head, "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200,
         "", 3, true},
        {"no content", http::method::get, "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "",
         std::nullopt, true},
        {"not modified", http::method::get, "GET",
         "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", 9, true},
        {"says close", http::method::get, "GET",
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na", 200, "a",
         std::nullopt, false},
        {"http/1.0", http::method::get, "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200,
         "a", std::nullopt, false},
        {"http/1.0 kept", http::method::get, "GET",
         "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na", 200, "a",
         std::nullopt, true},
        {"ntlm", http::method::get, "GET",
         "HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: NTLM\r\n\r\n", 401, "",
         std::nullopt, false},
        {"excess bytes", http::method::get, "GET",
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n", 200, "a",
         std::nullopt, false},
        {"body on 204", http::method::get, "GET", "HTTP/1.1 204 No\r\n\r\nevil", 204, "",
         std::nullopt, false},
        {"body on head", http::method::head, "HEAD",
         "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200, "", 4, false},
    };
    for (const reply_case& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer(replying(item.reply));
        site here(peer.port());
        for (int i = 0; i < 2; ++i) {
            client by(here.home, item.verb, item.verb_text);
            by.body.end();
            const outcome got = here.fetch_once(by);
            ASSERT_TRUE(got.answered);
            EXPECT_EQ(got.head.status, item.status);
            EXPECT_EQ(got.body, item.body);
            EXPECT_EQ(got.body_error, error());
            EXPECT_EQ(got.announced_length, item.announced);
        }
        EXPECT_EQ(peer.accepted(), item.reusable ? 1 : 2);
        here.over().retire();
    }
}

TEST(UpstreamResponse, UntilCloseEndsCleanlyAtFin) {
    origin peer(replying("HTTP/1.1 200 OK\r\n\r\nall of it", true));
    site here(peer.port());
    const outcome got = here.get();
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body, "all of it");
    EXPECT_EQ(got.body_error, error());
    EXPECT_EQ(here.over().counters().idle.load(), 0U);
}

TEST(UpstreamResponse, ComesWithoutHopByHopFields) {
    origin peer(
        replying("HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                 "Content-Length: 2\r\nX-Kept: yes\r\n\r\nok"));
    site here(peer.port());
    const outcome got = here.get();
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.head.fields.size(), 1U);
    EXPECT_EQ(got.head.fields.find("X-Kept"), "yes");
    here.over().retire();
}

TEST(UpstreamResponse, CarriesTrailers) {
    origin peer(
        replying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
                 "X-Sum: 12\r\n\r\n"));
    site here(peer.port());
    const outcome got = here.get();
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(got.trailers.find("X-Sum"), "12");
    here.over().retire();
}

// Every origin that breaks off fails the exchange; none is taken for a whole, shorter response.
void expect_failure_at_every_byte(const std::string& reply) {
    const std::size_t head_size = reply.find("\r\n\r\n") + 4;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write(std::string_view(reply).substr(0, static_cast<std::size_t>(with.number())));
    });
    site here(peer.port());
    for (std::size_t cut = 0; cut < reply.size(); ++cut) {
        SCOPED_TRACE(cut);
        client by(here.home);
        const outcome got = here.fetch_once(by);
        ASSERT_EQ(got.answered, cut >= head_size);
        if (got.answered) {
            EXPECT_EQ(got.body_error, http::errc::truncated);
            continue;
        }
        EXPECT_EQ(got.failure.reason, reason::connection_terminated);
        EXPECT_EQ(got.failure.response_begun, cut > 0);
        EXPECT_TRUE(got.failure.request_sent);
        EXPECT_FALSE(got.failure.reused);
        EXPECT_FALSE(got.failure.body_consumed);
    }
    const outcome whole = here.get();
    ASSERT_TRUE(whole.answered);
    EXPECT_EQ(whole.body_error, error());
    here.over().retire();
}

TEST(UpstreamResponse, CutAtAnyByteIsNeverTakenForWhole) {
    expect_failure_at_every_byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    expect_failure_at_every_byte(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
}

TEST(UpstreamResponse, SplitAnywhereReadsTheSame) {
    const std::string reply =
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
        "5;ext=\"v\"\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
    origin peer([&](conversation& with) {
        for (std::size_t cut = 1; !with.read_head().empty(); ++cut) {
            if (cut == reply.size()) {
                with.write_bytewise(reply);
                continue;
            }
            with.write(reply.substr(0, cut));
            std::this_thread::yield();
            with.write(reply.substr(cut));
        }
    });
    site here(peer.port());
    for (std::size_t cut = 1; cut <= reply.size(); ++cut) {
        SCOPED_TRACE(cut);
        client by(here.home);
        const outcome got = here.fetch_once(by);
        ASSERT_TRUE(got.answered);
        EXPECT_EQ(by.interims.size(), 1U);
        EXPECT_EQ(got.body, "hello world");
        EXPECT_EQ(got.trailers.find("X-Sum"), "1");
        EXPECT_EQ(got.body_error, error());
    }
    EXPECT_EQ(peer.accepted(), 1);
    here.over().retire();
}

TEST(UpstreamResponse, WithTwoReadingsIsRefused) {
    struct {
        const char* name;
        std::string reply;
        reason expected;
    } const cases[] = {
        {"length and chunked",
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         reason::http_protocol_error},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         reason::http_protocol_error},
        {"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
         reason::http_response_transfer_coding},
        {"coding from 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         reason::http_response_transfer_coding},
        {"status line", "HTTP/1.1 20x OK\r\n\r\n", reason::http_protocol_error},
        {"http/0.9", "hello\n", reason::http_protocol_error},
        {"obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", reason::http_protocol_error},
        {"bare lf in a value", "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\n\r\n",
         reason::http_protocol_error},
        {"head too large", "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'a') + "\r\n\r\n",
         reason::http_response_header_section_size},
        {"too many fields",
         [] {
             std::string reply = "HTTP/1.1 200 OK\r\n";
             for (int i = 0; i < 129; ++i)
                 reply += "X: a\r\n";
             return reply + "\r\n";
         }(),
         reason::http_response_header_section_size},
        {"upgrade unasked",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
         reason::unexpected_upgrade},
        {"nothing", "", reason::connection_terminated},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer(replying(item.reply, true));
        site here(peer.port());
        const outcome got = here.get();
        EXPECT_FALSE(got.answered);
        EXPECT_EQ(got.failure.reason, item.expected);
        EXPECT_EQ(here.over().counters().idle.load(), 0U);
        EXPECT_EQ(here.shared->endpoints[0]->connections.load(), 0U);
    }
}

TEST(UpstreamResponse, BadChunkBreaksTheBodyOffAfterItsGoodBytes) {
    origin peer(replying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"));
    site here(peer.port());
    const outcome got = here.get();
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(got.body_error, http::errc::bad_chunk);
    EXPECT_EQ(here.over().counters().idle.load(), 0U);
}

TEST(UpstreamResponse, InterimHeadsPass) {
    origin peer(
        replying("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n"
                 "HTTP/1.1 102 Processing\r\n\r\n" +
                 std::string(small_reply)));
    site here(peer.port());
    client by(here.home);
    const outcome got = here.fetch_once(by);
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body, "ok");
    ASSERT_EQ(by.interims.size(), 2U);
    EXPECT_EQ(by.interims[0].status, 103);
    EXPECT_EQ(by.interims[0].fields.find("Link"), "</a>");
    EXPECT_EQ(by.interims[0].fields.size(), 1U);
    EXPECT_EQ(by.interims[1].status, 102);
    EXPECT_EQ(here.over().counters().idle.load(), 1U);
    here.over().retire();
}

TEST(UpstreamResponse, InterimFloodIsCut) {
    const auto interim = [](std::size_t bytes) {
        const std::string front = "HTTP/1.1 103 Early Hints\r\nLink: ";
        return front + std::string(bytes - front.size() - 4, 'a') + "\r\n\r\n";
    };
    const auto interims = [&](int count, std::size_t bytes) {
        std::string reply;
        for (int i = 0; i < count; ++i)
            reply += interim(bytes);
        return reply;
    };
    struct {
        const char* name;
        std::string reply;
        bool answered;
    } const cases[] = {
        {"nine", interims(9, 50), true},
        {"99", interims(99, 50), true},
        {"100", interims(100, 50), true},
        {"101", interims(101, 50), false},
        {"a byte less than 64 KiB", interims(3, 16384) + interim(16383), true},
        {"64 KiB", interims(4, 16384), true},
        {"a byte more than 64 KiB", interims(3, 16384) + interim(16385), false},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer(replying(item.reply + std::string(small_reply), true));
        site here(peer.port());
        const outcome got = here.get();
        EXPECT_EQ(got.answered, item.answered);
        if (!got.answered) {
            EXPECT_EQ(got.failure.reason, reason::interim_flood);
        }
    }
}

TEST(UpstreamResponse, MegabytesArriveUnchanged) {
    std::string body(3 * 1024 * 1024 + 17, '\0');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>(i * 31 >> 3);
    origin peer([&](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n");
        with.write(body);
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (std::size_t at = 0; at < body.size(); at += 40000) {
            const std::string piece = body.substr(at, 40000);
            char size[16];
            std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
            with.write(size + piece + "\r\n");
        }
        with.write("0\r\n\r\n");
    });
    site here(peer.port());
    for (int i = 0; i < 2; ++i) {
        const outcome got = here.get();
        ASSERT_TRUE(got.answered);
        EXPECT_TRUE(got.body == body);
        EXPECT_EQ(got.body_error, error());
    }
    EXPECT_EQ(here.home.buffers().in_use(), 0U);
    here.over().retire();
}

TEST(UpstreamResponse, SilenceEndsWithTheRightTimeout) {
    struct {
        const char* name;
        std::string_view reply;
    } const cases[] = {
        {"before the head", ""},
        {"within the head", "HTTP/1.1 200"},
        {"within the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        gate over;
        origin peer([&](conversation& with) {
            with.read_head();
            with.write(item.reply);
            with.wait_for(over);
        });
        site here(peer.port());
        here.shared->settings.timeouts.first_byte = 60ms;
        here.shared->settings.timeouts.idle = 60ms;
        const outcome got = here.get();
        if (got.answered) {
            EXPECT_EQ(got.body, "hel");
            EXPECT_EQ(got.body_error, net::errc::upstream_idle_timeout);
        } else {
            EXPECT_EQ(got.failure.why, net::errc::first_byte_timeout);
            EXPECT_EQ(got.failure.reason, reason::connection_read_timeout);
        }
        over.open();
    }
}

}  // namespace
}  // namespace penstock::upstream::test
