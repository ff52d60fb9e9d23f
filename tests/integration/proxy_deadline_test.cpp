// The total timeout of a route: before a head came, within a body, and where it must not act.
#include "integration/proxy_site.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy::test {
namespace {

using exchange::phase;
using exchange::reason;

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

config::model timed_model(std::uint16_t port, milliseconds total) {
    config::model made = model_for({port});
    first_route(made).total_timeout = total;
    return made;
}

void hang(conversation& with) {
    with.read_head();
    EXPECT_TRUE(with.peer_closes());
}

TEST(ProxyDeadline, BeforeAHeadIs504) {
    origin peer(hang);
    site here(timed_model(peer.port(), 30ms));
    visitor of(here.home);
    const outcome got = here.ask(of);
    EXPECT_EQ(got.head.status, 504);
    EXPECT_EQ(of.by.record.why, reason::deadline);
    EXPECT_EQ(value_of(got.head, "Proxy-Status"), "penstock; error=deadline");
    EXPECT_EQ(of.by.record.attempts, 1);
    EXPECT_FALSE(got.body_error);
    EXPECT_EQ(here.attempts(), (std::map<std::string, std::uint64_t>{{"deadline", 1}}));
}

TEST(ProxyDeadline, WaitingForAConnectionIs504) {
    const upstream::test::silent_port silent;
    site here(timed_model(silent.port(), 30ms));
    visitor of(here.home);
    EXPECT_EQ(here.ask(of).head.status, 504);
    EXPECT_EQ(of.by.record.why, reason::deadline);
}

TEST(ProxyDeadline, WaitingForTheClientsBodyIs504) {
    origin peer([](conversation& with) {
        with.read_exactly(1);
        while (!with.read_exactly(1).empty())
            continue;
    });
    site here(timed_model(peer.port(), 30ms));
    visitor of(here.home, http::method::post, "POST");
    EXPECT_EQ(here.ask(of).head.status, 504);
    EXPECT_EQ(of.by.record.why, reason::deadline);
    EXPECT_TRUE(of.by.body.stopped());
}

// Lets the hour pass once two bytes of the body were read.
net::task<> read_past_deadline(site& here, client& by, outcome& into) {
    exchange::response got = co_await here.handler->handle(by.request);
    into.head = got.head;
    while (into.body.size() < 2) {
        const result<std::string_view> data = got.body->take(64);
        into.body += data.value();
        if (!data->empty())
            continue;
        const result<void> waited = co_await got.body->wait();
        EXPECT_TRUE(waited);
    }
    here.home.deadlines().advance(here.home.now() + 2h);
    co_await upstream::test::read_body(got, into);
}

TEST(ProxyDeadline, WithinABodyCutsTheResponse) {
    for (const std::string framing :
         {"Content-Length: 4", "Transfer-Encoding: chunked", "X-A: 1"}) {
        origin peer([&](conversation& with) {
            with.read_head();
            with.write("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n");
            with.write(framing.starts_with('T') ? "2\r\nok\r\n" : "ok");
            EXPECT_TRUE(with.peer_closes());
        });
        site here(timed_model(peer.port(), 1h));
        visitor of(here.home);
        outcome got;
        run(here.home, read_past_deadline(here, of.by, got));
        EXPECT_EQ(got.head.status, 200);
        EXPECT_EQ(got.body, "ok");
        EXPECT_EQ(got.body_error, net::errc::deadline_exceeded);
        EXPECT_EQ(here.handler->reason_of(got.body_error), reason::deadline);
    }
}

TEST(ProxyDeadline, CountsFromTheFirstByteOfTheRequest) {
    origin peer(hang);
    site here(timed_model(peer.port(), 1h));
    visitor of(here.home);
    of.by.record.ledger.start(net::worker::clock() - 2h, phase::head);
    EXPECT_EQ(here.ask(of).head.status, 504);
    EXPECT_EQ(of.by.record.why, reason::deadline);
}

TEST(ProxyDeadline, DoesNotCountTheHandshakeThatWasBefore) {
    origin peer([](conversation& with) {
        while (!with.read_head().empty())
            with.write(small_reply);
    });
    site here(timed_model(peer.port(), 1h));
    visitor of(here.home);
    of.by.record.ledger.prepend(phase::tls, 2h);
    EXPECT_EQ(here.ask(of).head.status, 200);
    EXPECT_FALSE(of.by.aborted.fired());
}

TEST(ProxyDeadline, LeavesTheConnectionToOthersWhenItWasKept) {
    origin peer([](conversation& with) {
        while (!with.read_head().empty())
            with.write(small_reply);
    });
    site here(timed_model(peer.port(), 1h));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(here.get().body, "ok");
    EXPECT_EQ(peer.accepted(), 1);
}

net::task<> outlive(exchange::handler& of, client& by, net::worker& home, outcome& into) {
    exchange::response got = co_await of.handle(by.request);
    into.upgraded = got.upgraded;
    home.deadlines().advance(home.now() + 2h);
    EXPECT_FALSE(by.aborted.fired());
    co_await upstream::test::read_body(got, into);
}

TEST(ProxyDeadline, DoesNotEndATunnel) {
    origin peer([](conversation& with) {
        with.read_head();
        with.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\n\r\nraw");
    });
    site here(timed_model(peer.port(), 1h));
    visitor of(here.home);
    of.by.request.wants_websocket = true;
    of.by.request.upgrade = "websocket";
    outcome got;
    run(here.home, outlive(*here.handler, of.by, here.home, got));
    EXPECT_TRUE(got.upgraded);
    EXPECT_EQ(got.body, "raw");
}

}  // namespace
}  // namespace penstock::proxy::test
