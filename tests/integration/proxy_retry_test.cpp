// Attempts that fail: which are made again and where, and what the client is told of the others.
#include "integration/proxy_site.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

namespace penstock::proxy::test {
namespace {

using exchange::phase;
using exchange::reason;
using counts = std::map<std::string, std::uint64_t>;

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void answer_all(conversation& with) {
    while (!with.read_head().empty())
        with.write(small_reply);
}

// The first connection dies at its second request, before it answers; later ones are well.
origin::script stale_after_one(notebook& heads) {
    return [&heads](conversation& with) {
        heads.add(with.read_head());
        with.write(small_reply);
        if (with.number() > 0) {
            answer_all(with);
            return;
        }
        heads.add(with.read_head());
    };
}

TEST(ProxyRetry, ReplaysAGetOverAFreshConnection) {
    notebook heads;
    origin peer(stale_after_one(heads));
    site here(model_for({peer.port()}));
    EXPECT_EQ(here.get().body, "ok");
    visitor of(here.home);
    const outcome got = here.ask(of);
    EXPECT_EQ(got.head.status, 200);
    EXPECT_EQ(of.by.record.why, reason::none);
    EXPECT_EQ(of.by.record.attempts, 2);
    EXPECT_FALSE(of.by.record.upstream_reused);
    EXPECT_GT(of.by.record.ledger.spent(phase::retry), nanoseconds{0});
    EXPECT_EQ(here.attempts(), (counts{{"ok", 2}, {"stale_connection", 1}}));
    // Both tries were the same request.
    const auto lines = heads.lines();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[1], lines[2]);
}

TEST(ProxyRetry, NeverSendsAPostTwice) {
    for (const bool with_body : {true, false}) {
        notebook heads;
        origin peer(stale_after_one(heads));
        site here(model_for({peer.port()}));
        EXPECT_EQ(here.get().body, "ok");
        visitor of(here.home, http::method::post, "POST");
        if (with_body) {
            of.by.body.announced = 1;
            of.by.body.give("x");
        }
        of.by.body.end();
        const outcome got = here.ask(of);
        EXPECT_EQ(got.head.status, 502);
        EXPECT_EQ(of.by.record.why, reason::stale_connection);
        EXPECT_EQ(value_of(got.head, "Proxy-Status"), "penstock; error=stale_connection");
        EXPECT_EQ(of.by.record.attempts, 1);
        EXPECT_EQ(peer.accepted(), 1);
        EXPECT_EQ(heads.lines().size(), 2U);
    }
}

// The head of the upload may have been acted on, and it was no use to wait for more of the body.
TEST(ProxyRetry, AnUploadThatIsStillToComeIsGivenUpWithItsConnection) {
    notebook heads;
    origin peer(stale_after_one(heads));
    site here(model_for({peer.port()}));
    EXPECT_EQ(here.get().body, "ok");
    visitor of(here.home, http::method::put, "PUT");
    of.by.body.announced = 5;
    EXPECT_EQ(here.ask(of).head.status, 502);
    EXPECT_EQ(of.by.record.why, reason::stale_connection);
    EXPECT_EQ(of.by.record.attempts, 1);
    EXPECT_TRUE(of.by.body.stopped());
}

net::task<> end_once_waited_for(net::worker& home, upstream::test::client& by) {
    const std::function<bool()> waited = [&by] { return by.body.waited_for(); };
    co_await upstream::test::eventually(home, waited);
    by.body.end();
}

// Nobody knew that it has no body before its head had left.
TEST(ProxyRetry, ReplaysAGetWhoseBodyTurnedOutEmpty) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write(small_reply);
        if (with.number() > 0)
            return answer_all(with);
        with.read_head();
        with.read_until("0\r\n\r\n");
    });
    site here(model_for({peer.port()}));
    EXPECT_EQ(here.get().body, "ok");
    visitor of(here.home, http::method::get, "GET");
    here.home.spawn(end_once_waited_for(here.home, of.by));
    EXPECT_EQ(here.ask(of).head.status, 200);
    EXPECT_EQ(of.by.record.attempts, 2);
}

TEST(ProxyRetry, ARefusedConnectionIsTriedElsewhere) {
    for (const bool post : {false, true}) {
        const refusing_port closed;
        origin peer(answer_all);
        site here(model_for({closed.port(), peer.port()}));
        for (int i = 0; i < 4; ++i) {
            visitor of(here.home, post ? http::method::post : http::method::get,
                       post ? "POST" : "GET");
            of.by.body.end();
            EXPECT_EQ(here.ask(of).head.status, 200);
            EXPECT_EQ(of.by.record.why, reason::none);
        }
        const counts found = here.attempts();
        EXPECT_EQ(found.at("ok"), 4U);
        EXPECT_GE(found.at("connection_refused"), 1U);
    }
}

TEST(ProxyRetry, TriesEachEndpointOnceAndThreeAtMost) {
    const refusing_port closed[5];
    for (std::size_t count = 1; count <= 5; ++count) {
        std::vector<std::uint16_t> ports;
        for (std::size_t i = 0; i < count; ++i)
            ports.push_back(closed[i].port());
        site here(model_for(ports));
        visitor of(here.home);
        const outcome got = here.ask(of);
        EXPECT_EQ(got.head.status, 502);
        EXPECT_EQ(of.by.record.why, reason::connection_refused);
        EXPECT_EQ(of.by.record.attempts, std::min<std::size_t>(count, 3));
        std::size_t series = 0;
        here.metrics->attempts().each([&](std::uint64_t, std::uint64_t value) {
            EXPECT_EQ(value, 1U);
            ++series;
        });
        EXPECT_EQ(series, std::min<std::size_t>(count, 3)) << "an endpoint was tried twice";
    }
}

TEST(ProxyRetry, AnOriginThatDiesOnAGetIsLeftForAnother) {
    origin dying([](conversation& with) { with.read_head(); });
    origin peer(answer_all);
    site here(model_for({dying.port(), peer.port()}));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(here.get().head.status, 200);
    EXPECT_EQ(here.attempts(), (counts{{"ok", 2}, {"connection_terminated", 1}}));
}

TEST(ProxyRetry, AnOriginThatDiesOnAPostIsReported) {
    notebook heads;
    const auto dies = [&](conversation& with) { heads.add(with.read_head()); };
    origin one(dies);
    origin two(dies);
    site here(model_for({one.port(), two.port()}));
    visitor of(here.home, http::method::post, "POST");
    of.by.body.end();
    EXPECT_EQ(here.ask(of).head.status, 502);
    EXPECT_EQ(of.by.record.why, reason::connection_terminated);
    EXPECT_EQ(heads.lines().size(), 1U);
}

TEST(ProxyRetry, NothingIsRepeatedOnceAResponseHasBegun) {
    const auto begins = [](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 2");
    };
    origin one(begins);
    origin two(begins);
    site here(model_for({one.port(), two.port()}));
    visitor of(here.home);
    EXPECT_EQ(here.ask(of).head.status, 502);
    EXPECT_EQ(of.by.record.attempts, 1);
    EXPECT_EQ(one.accepted() + two.accepted(), 1);
}

TEST(ProxyRetry, AResponseThatIsNoHttpIsReported) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write("SSH-2.0-x\r\n\r\n");
    });
    site here(model_for({peer.port(), peer.port()}));
    visitor of(here.home);
    EXPECT_EQ(here.ask(of).head.status, 502);
    EXPECT_EQ(of.by.record.why, reason::http_protocol_error);
    EXPECT_EQ(here.attempts(), (counts{{"http_protocol_error", 1}}));
}

TEST(ProxyRetry, AnUpstreamWithoutEndpointsIsNoAttempt) {
    site here(model_for({}));
    visitor of(here.home);
    const outcome got = here.ask(of);
    EXPECT_EQ(got.head.status, 503);
    EXPECT_EQ(of.by.record.why, reason::no_endpoint);
    EXPECT_EQ(value_of(got.head, "Retry-After"), "5");
    EXPECT_EQ(here.attempts(), counts{});
}

// Asks a second time while the first response is held back by the origin.
net::task<> ask_beside(site& here, visitor& first, visitor& second, outcome& refused,
                       const penstock::test::gate& more) {
    exchange::response held = co_await here.handler->handle(first.by.request);
    co_await site::ask_into(*here.handler, second.by, refused);
    more.open();
    outcome got;
    co_await upstream::test::read_body(held, got);
    EXPECT_EQ(got.body, "ok");
}

TEST(ProxyRetry, AFullQueueIsReportedAtOnce) {
    const penstock::test::gate more;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        with.wait_for(more);
        with.write("k");
        with.read_head();
    });
    config::model model = model_for({peer.port()});
    model.upstreams[0].pool.connections = 1;
    model.upstreams[0].pool.queue = 0;
    model.upstreams[0].pool.queue_timeout = 6001ms;
    site here(model);
    visitor first(here.home);
    visitor second(here.home);
    outcome refused;
    run(here.home, ask_beside(here, first, second, refused, more));
    EXPECT_EQ(refused.head.status, 503);
    EXPECT_EQ(second.by.record.why, reason::queue_full);
    // Those that wait have a connection or have given up within queue_timeout.
    EXPECT_EQ(value_of(refused.head, "Retry-After"), "7");
}

// Shows the origin's interim head, and with it that the request is under way, then hangs.
void begin_and_hang(conversation& with) {
    with.read_head();
    with.write("HTTP/1.1 103 Early Hints\r\n\r\n");
    EXPECT_TRUE(with.peer_closes());
}

TEST(ProxyRetry, AClientThatLeavesEndsTheAttempt) {
    origin peer(begin_and_hang);
    site here(model_for({peer.port(), peer.port()}));
    visitor of(here.home);
    of.by.on_interim = [&](int) { of.by.aborted.fire(net::errc::peer_gone); };
    EXPECT_EQ(here.ask(of).head.status, 499);
    EXPECT_EQ(of.by.record.why, reason::client_gone);
    EXPECT_EQ(of.by.record.attempts, 1);
}

TEST(ProxyRetry, AClientThatHadLeftCausesNoRetry) {
    const refusing_port closed;
    site here(model_for({closed.port(), closed.port(), closed.port()}));
    visitor of(here.home);
    of.by.aborted.fire(net::errc::peer_gone);
    here.ask(of);
    EXPECT_EQ(of.by.record.attempts, 1);
}

}  // namespace
}  // namespace penstock::proxy::test
