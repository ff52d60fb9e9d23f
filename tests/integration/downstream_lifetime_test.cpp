// How connections begin and end: TLS, deadlines, clients that leave, drain, reload, the cap.
#include "integration/downstream_site.hpp"

#include <gtest/gtest.h>

namespace penstock::downstream::test {
namespace {

using penstock::test::connect_options;
using penstock::test::http_response;
using penstock::test::read_response;
using penstock::test::read_response_head;

connect_options over_tls() {
    connect_options options;
    options.tls = true;
    options.alpn = "http/1.1";
    return options;
}

std::uint64_t failed(const server_counters& in, net::tls_failure why) {
    return in.handshakes_failed[static_cast<std::size_t>(why)].load();
}

TEST(DownstreamTls, ServesRequestsAndChargesTheHandshakeOnce) {
    site here(plain_settings(), true);
    peer client(here.port(), over_tls());
    EXPECT_EQ(client.alpn(), "http/1.1");
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    client.send_in_pieces(post("/echo", "body"));
    EXPECT_EQ(read_response(client).body, "body");
    const exchange::record first = here.answers->record(0);
    const exchange::record second = here.answers->record(1);
    EXPECT_TRUE(first.tls);
    EXPECT_TRUE(here.answers->request(0).tls);
    EXPECT_EQ(here.answers->request(0).head.scheme, "https");
    EXPECT_GT(first.ledger.spent(exchange::phase::tls).count(), 0);
    EXPECT_EQ(second.ledger.spent(exchange::phase::tls).count(), 0);
    const server_counters& counters = here.over->counters();
    EXPECT_EQ(counters.handshakes_ok[0][1].load(), 1U);
    EXPECT_EQ(failed(counters, net::tls_failure::timeout), 0U);
}

TEST(DownstreamTls, CarriesLargeBodiesBothWays) {
    site here(plain_settings(), true);
    peer client(here.port(), over_tls());
    const std::string body(300000, 'b');
    client.send(post("/echo", body));
    EXPECT_EQ(read_response(client).body, body);
    client.send(get("/big", "Connection: close\r\n"));
    EXPECT_EQ(read_response(client).body.size(), std::size_t{8} << 20);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(DownstreamTls, CountsWhoIsNoClient) {
    site here(plain_settings(), true);
    peer client(here.port());
    client.send(get("/ok"));
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.field("connection"), "close");
    (void)client.wait_closed();
    here.await_connections(0);
    EXPECT_EQ(failed(here.over->counters(), net::tls_failure::not_tls), 1U);
    ASSERT_EQ(here.answers->records(), 1U);
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::plain_http);
    EXPECT_EQ(record.path, "/ok");
    EXPECT_FALSE(record.tls);
}

TEST(DownstreamTls, DoesNotWaitForAHandshakeForEver) {
    config::listener settings = plain_settings();
    settings.timeouts.tls_handshake = 60ms;
    site here(settings, true);
    peer client(here.port());
    client.send("\x16");
    EXPECT_EQ(client.wait_closed(), closing::eof);
    EXPECT_EQ(failed(here.over->counters(), net::tls_failure::timeout), 1U);
    EXPECT_EQ(here.over->counters().probes.load(), 0U);
}

TEST(DownstreamTls, CountsWhoSaysNothingByItself) {
    config::listener settings = plain_settings();
    settings.timeouts.tls_handshake = 60ms;
    site here(settings, true);
    peer waits(here.port());
    EXPECT_EQ(waits.wait_closed(), closing::eof);
    peer leaves(here.port());
    leaves.half_close();
    (void)leaves.wait_closed();
    here.await_connections(0);
    EXPECT_EQ(here.over->counters().probes.load(), 2U);
    for (std::size_t i = 0; i < net::tls_failure_count; ++i)
        EXPECT_EQ(failed(here.over->counters(), static_cast<net::tls_failure>(i)), 0U) << i;
}

TEST(DownstreamDeadline, OfANewConnectionClosesItSilently) {
    config::listener settings = plain_settings();
    settings.timeouts.head = 60ms;
    settings.timeouts.keepalive = 1h;
    site here(settings);
    peer client(here.port());
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(here.answers->records(), 0U);
}

TEST(DownstreamDeadline, OfAnIdleConnectionClosesItSilently) {
    config::listener settings = plain_settings();
    settings.timeouts.keepalive = 60ms;
    site here(settings);
    peer client(here.port());
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(here.answers->records(), 1U);
}

TEST(DownstreamDeadline, OfAHeadIsTheWholeHeads) {
    config::listener settings = plain_settings();
    settings.timeouts.head = 200ms;
    site here(settings);
    peer client(here.port());
    // A byte now and then does not put it off.
    const std::string head = get("/ok", "X: " + std::string(1000, 'x') + "\r\n");
    std::size_t sent = 0;
    while (here.answers->records() == 0 && sent < head.size() - 1) {
        client.send(head.substr(sent++, 1));
        penstock::test::hold_for(10ms);
    }
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 408);
    EXPECT_EQ(got.field("connection"), "close");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::head_timeout);
    EXPECT_GE(record.ledger.spent(exchange::phase::head), 180ms);
}

// HEAD has no body, whatever else was wrong or late; nor has what may have been HEAD.
TEST(DownstreamDeadline, OfAHeadEndsWithAnAnswerForItsMethod) {
    config::listener settings = plain_settings();
    settings.timeouts.head = 60ms;
    struct begun {
        std::string bytes;
        bool body;
    };
    for (const begun& one : {begun{"HE", false}, begun{"HEAD /ok HTTP", false},
                             begun{"HEAD /ok HTTP/1.1\r\nHost", false}, begun{"GET /ok", true}}) {
        site here(settings);
        peer client(here.port());
        client.send(one.bytes);
        const std::string got = client.read_to_end();
        EXPECT_TRUE(got.starts_with("HTTP/1.1 408 ")) << got;
        EXPECT_EQ(!got.ends_with("\r\n\r\n"), one.body) << got;
    }
}

TEST(DownstreamDeadline, OfABodyIsForItsReader) {
    config::listener settings = plain_settings();
    settings.timeouts.body_idle = 60ms;
    site here(settings);
    peer client(here.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    EXPECT_EQ(read_response(client).status, 408);
    EXPECT_EQ(client.read_to_end(), "");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::body_timeout);
    EXPECT_EQ(record.request_bytes, 2U);
    EXPECT_GE(record.ledger.spent(exchange::phase::body), 50ms);
}

TEST(DownstreamClient, ThatResetsCancelsItsExchange) {
    for (const bool tls : {false, true}) {
        site here(plain_settings(), tls);
        peer client(here.port(), tls ? over_tls() : connect_options());
        client.send(get("/hang"));
        (void)here.answers->request(0);
        client.reset();
        const exchange::record record = here.answers->record(0);
        EXPECT_EQ(record.status, 499);
        EXPECT_EQ(record.why, reason::client_gone);
        EXPECT_TRUE(record.request_complete);
        here.await_connections(0);
    }
}

TEST(DownstreamClient, ThatClosesCancelsItsExchange) {
    for (const bool tls : {false, true}) {
        site here(plain_settings(), tls);
        peer client(here.port(), tls ? over_tls() : connect_options());
        client.send(post("/hang", ""));
        (void)here.answers->request(0);
        client.close();
        EXPECT_EQ(here.answers->record(0).status, 499);
        here.await_connections(0);
    }
}

TEST(DownstreamClient, ThatClosesWithinItsBodyCancelsItsExchange) {
    site here;
    peer client(here.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    (void)here.answers->request(0);
    client.close();
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 499);
    EXPECT_EQ(record.why, reason::client_gone);
    EXPECT_EQ(here.answers->request(0).body_error, net::errc::peer_gone);
    here.await_connections(0);
}

TEST(DownstreamClient, ThatHalfClosesAtOnceGetsTheAnswerThatIsThere) {
    site here;
    peer client(here.port());
    client.send(get("/ok"));
    client.half_close();
    EXPECT_NE(client.read_to_end().find("\r\n\r\nok"), std::string::npos);
    EXPECT_EQ(here.answers->record(0).why, reason::none);
}

TEST(DownstreamClient, ThatSentAheadIsServedBeforeItsLeavingCounts) {
    site here;
    peer client(here.port());
    client.send(get("/hold"));
    (void)here.answers->request(0);
    client.send(get("/ok"));
    client.half_close();
    here.thread.run([&] { here.answers->release(); });
    const std::string got = client.read_to_end();
    EXPECT_NE(got.find("held"), std::string::npos);
    EXPECT_NE(got.find("\r\n\r\nok"), std::string::npos);
}

TEST(DownstreamClient, ThatClosesWithinAResponseIsNotedAsGone) {
    site here;
    connect_options small;
    small.receive_buffer = 4096;
    peer client(here.port(), small);
    client.send(get("/big"));
    (void)client.read_exactly(10);
    client.reset();
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.why, reason::client_gone);
    EXPECT_FALSE(record.response_complete);
}

TEST(DownstreamIdle, HoldsNoBufferAndNoPlace) {
    site here;
    {
        peer client(here.port());
        client.send(post("/echo", "body"));
        EXPECT_EQ(read_response(client).body, "body");
        here.eventually([&] { return here.over->counters().idle.load() == 1; });
        EXPECT_EQ(here.thread.buffered(), 0U);
        EXPECT_EQ(here.counts->open.load(), 1U);
    }
    here.await_connections(0);
    EXPECT_EQ(here.over->counters().idle.load(), 0U);
    EXPECT_EQ(here.over->counters().active.load(), 0U);
    here.eventually([&] { return here.counts->open.load() == 0; });
}

TEST(DownstreamDrain, ClosesIdleConnectionsAndLetsBusyOnesEnd) {
    site here;
    peer idle(here.port());
    idle.send(get("/ok"));
    EXPECT_EQ(read_response(idle).body, "ok");
    peer busy(here.port());
    busy.send(get("/hold"));
    (void)here.answers->request(1);
    here.drain();
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_THROW(peer(here.port()), penstock::test::test_error);
    here.thread.run([&] { here.answers->release(); });
    const http_response got = read_response(busy);
    EXPECT_EQ(got.body, "held");
    EXPECT_EQ(got.field("connection"), "close");
    EXPECT_EQ(busy.wait_closed(), closing::eof);
    busy.close();
    here.await_connections(0);
}

TEST(DownstreamDrain, ServesAFirstRequestThatIsOnItsWay) {
    site here;
    peer client(here.port());
    here.await_connections(1);
    here.drain();
    client.send(get("/ok"));
    const http_response got = read_response(client);
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(got.field("connection"), "close");
}

TEST(DownstreamDrain, DoesNotWaitLongForAFirstRequest) {
    site here;
    peer client(here.port());
    here.await_connections(1);
    here.drain();
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(DownstreamAbort, EndsWhatIsRunning) {
    site here;
    peer idle(here.port());
    peer busy(here.port());
    busy.send(get("/hang"));
    (void)here.answers->request(0);
    here.await_connections(2);
    here.abort();
    EXPECT_EQ(busy.wait_closed(), closing::reset);
    (void)idle.wait_closed();
    here.await_connections(0);
    EXPECT_EQ(here.answers->records(), 1U);
}

TEST(DownstreamReload, IsSeenByTheNextRequestOfAConnection) {
    site here;
    peer client(here.port());
    client.send(get("/hold"));
    (void)here.answers->request(0);
    here.update([](listener_state& next) {
        next.generation = 4;
        next.settings.limit.body = 3;
    });
    here.thread.run([&] { here.answers->release(); });
    EXPECT_EQ(read_response(client).body, "held");
    EXPECT_EQ(here.answers->record(0).generation, 3U);
    client.send(post("/echo", "abc"));
    EXPECT_EQ(read_response(client).body, "abc");
    EXPECT_EQ(here.answers->record(1).generation, 4U);
    client.send(post("/echo", "abcd"));
    EXPECT_EQ(read_response(client).status, 413);
}

TEST(DownstreamReload, LetsGoOfTheOldStateOnceNobodyUsesIt) {
    site here;
    peer client(here.port());
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    std::weak_ptr<exchange::handler> old;
    here.update([&](listener_state& next) {
        old = next.handler;
        auto replaced = std::make_shared<path_handler>(here.thread.home);
        next.handler = replaced;
    });
    here.answers.reset();
    here.eventually([&] { return old.expired(); });
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    EXPECT_TRUE(old.expired());
}

TEST(DownstreamListen, ServesSeveralAddressesAndDropsOne) {
    site here;
    net::socket_address second;
    auto fds = net::open_listeners(*net::socket_address::parse("127.0.0.1", 0), 1, {}, second);
    ASSERT_TRUE(fds);
    here.thread.run([&] { here.over->listen(std::move((*fds)[0]), second); });
    peer one(here.port());
    peer other(second.port());
    here.await_connections(2);
    here.thread.run([&] { here.over->unlisten(here.bound()); });
    EXPECT_THROW(peer(here.port()), penstock::test::test_error);
    for (peer* client : {&one, &other}) {
        client->send(get("/ok"));
        EXPECT_EQ(read_response(*client).body, "ok");
    }
}

// The contexts of replaced certificates end however long connections live that began with them.
TEST(DownstreamReload, LetsGoOfTheTlsContextThatNobodyShakesHandsWith) {
    site here(plain_settings(), true);
    std::weak_ptr<net::tls_context> old;
    here.update([&](listener_state& next) {
        next.tls = test_tls();
        old = next.tls;
    });
    peer client(here.port(), over_tls());
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
    here.update([](listener_state& next) { next.tls = test_tls(); });
    here.eventually([&] { return old.expired(); });
    client.send(get("/ok"));
    EXPECT_EQ(read_response(client).body, "ok");
}

config::listener capped(std::uint64_t connections, config::over_limit over) {
    config::listener settings = plain_settings();
    settings.limit.connections = connections;
    settings.over = over;
    return settings;
}

TEST(DownstreamCap, RefusesWhatIsAboveIt) {
    for (const bool tls : {false, true}) {
        const connect_options how = tls ? over_tls() : connect_options();
        site here(capped(2, config::over_limit::refuse), tls);
        peer below(here.port(), how);
        peer at(here.port(), how);
        here.await_connections(2);
        {
            peer above(here.port(), how);
            const http_response got = read_response(above);
            EXPECT_EQ(got.status, 503);
            EXPECT_EQ(got.field("connection"), "close");
            above.send(get("/ok"));
            EXPECT_EQ(above.read_to_end(), "");
        }
        const exchange::record record = here.answers->record(0);
        EXPECT_EQ(record.why, reason::connection_cap);
        EXPECT_EQ(record.status, 503);
        for (peer* client : {&below, &at}) {
            client->send(get("/ok"));
            EXPECT_EQ(read_response(*client).body, "ok");
        }
        EXPECT_EQ(here.counts->refused.load(), 1U);
        EXPECT_EQ(here.counts->accepted.load(), 3U);
        at.close();
        here.eventually([&] { return here.counts->open.load() == 1; });
        peer again(here.port(), how);
        again.send(get("/ok"));
        EXPECT_EQ(read_response(again).body, "ok");
    }
}

// Nobody has read what it asks for, and to HEAD a body would be the next response.
TEST(DownstreamCap, RefusesWithoutABody) {
    site here(capped(1, config::over_limit::refuse));
    peer at(here.port());
    here.await_connections(1);
    peer above(here.port());
    above.send("HEAD /ok HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const std::string got = above.read_to_end();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
    EXPECT_NE(got.find("\r\nContent-Length: 0\r\n"), got.npos) << got;
    EXPECT_NE(got.find("\r\nConnection: close\r\n"), got.npos) << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
}

TEST(DownstreamCap, LetsConnectionsWaitForAPlace) {
    site here(capped(1, config::over_limit::wait));
    peer first(here.port());
    first.send(get("/ok"));
    EXPECT_EQ(read_response(first).body, "ok");
    peer second(here.port());
    second.send(get("/ok"));
    EXPECT_TRUE(second.stays_quiet(100ms));
    EXPECT_EQ(here.counts->open.load(), 1U);
    first.close();
    EXPECT_EQ(read_response(second).body, "ok");
    EXPECT_EQ(here.counts->refused.load(), 0U);
}

TEST(DownstreamCap, HoldsOverAllWorkers) {
    auto counts = std::make_shared<net::connection_count>();
    site one(capped(1, config::over_limit::wait), false, counts);
    site other(capped(1, config::over_limit::wait), false, counts);
    peer first(one.port());
    first.send(get("/ok"));
    EXPECT_EQ(read_response(first).body, "ok");
    peer second(other.port());
    second.send(get("/ok"));
    EXPECT_TRUE(second.stays_quiet(100ms));
    first.close();
    EXPECT_EQ(read_response(second).body, "ok");
    EXPECT_EQ(counts->open.load(), 1U);
}

TEST(DownstreamCap, IsRaisedByAReload) {
    site here(capped(1, config::over_limit::wait));
    peer first(here.port());
    here.await_connections(1);
    peer second(here.port());
    here.update([](listener_state& next) { next.settings.limit.connections = 2; });
    second.send(get("/ok"));
    EXPECT_EQ(read_response(second).body, "ok");
}

const std::string websocket =
    get("/tunnel", "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n");

TEST(DownstreamTunnel, CarriesBytesBothWaysAndPassesTheEndOn) {
    for (const bool tls : {false, true}) {
        site here(plain_settings(), tls);
        peer client(here.port(), tls ? over_tls() : connect_options());
        // Bytes behind the head belong to the tunnel, once there is one.
        client.send(websocket + "early");
        EXPECT_EQ(read_response_head(client).status, 101);
        EXPECT_EQ(client.read_exactly(5), "early");
        client.send("more");
        EXPECT_EQ(client.read_exactly(4), "more");
        client.half_close();
        EXPECT_EQ(client.read_to_end(), "");
        EXPECT_TRUE(here.answers->request(0).wants_websocket);
        const exchange::record record = here.answers->record(0);
        EXPECT_TRUE(record.upgraded);
        EXPECT_EQ(record.status, 101);
        EXPECT_EQ(record.request_bytes, 9U);
        EXPECT_EQ(record.response_bytes, 9U);
        EXPECT_EQ(record.why, reason::none);
        EXPECT_TRUE(record.response_complete);
    }
}

std::string farewell() { return get("/bye", "Connection: upgrade\r\nUpgrade: websocket\r\n"); }

TEST(DownstreamTunnel, StaysHalfOpenWhenTheOriginHasSaidEverything) {
    for (const bool tls : {false, true}) {
        site here(plain_settings(), tls);
        peer client(here.port(), tls ? over_tls() : connect_options());
        client.send(farewell());
        EXPECT_EQ(read_response_head(client).status, 101);
        EXPECT_EQ(client.read_to_end(), "bye");
        client.send("still here");
        EXPECT_EQ(here.answers->records(), 0U);
        client.half_close();
        const exchange::record record = here.answers->record(0);
        EXPECT_EQ(record.request_bytes, 10U);
        EXPECT_EQ(record.why, reason::none);
        EXPECT_TRUE(record.request_complete);
        here.await_connections(0);
    }
}

TEST(DownstreamTunnel, DoesNotStayHalfOpenForTheWholeIdleTime) {
    config::listener settings = plain_settings();
    settings.timeouts.keepalive = 60ms;
    site here(settings);
    peer client(here.port());
    client.send(farewell());
    EXPECT_EQ(read_response_head(client).status, 101);
    (void)here.answers->record(0);
    here.await_connections(0);
}

TEST(DownstreamTunnel, EndsWithItsClient) {
    site here;
    peer client(here.port());
    client.send(websocket);
    EXPECT_EQ(read_response_head(client).status, 101);
    client.reset();
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::client_gone);
    EXPECT_EQ(record.status, 101);
    here.await_connections(0);
}

TEST(DownstreamTunnel, IsNotThereWithout101) {
    site here;
    peer client(here.port());
    client.send(get("/ok", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + get("/missing"));
    EXPECT_EQ(read_response(client).status, 200);
    EXPECT_EQ(read_response(client).status, 404);
}

TEST(DownstreamTunnel, EndsWhenNothingMoves) {
    config::listener settings = plain_settings();
    settings.timeouts.tunnel_idle = 60ms;
    site here(settings);
    peer client(here.port());
    client.send(websocket);
    EXPECT_EQ(read_response_head(client).status, 101);
    (void)client.wait_closed();
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.why, reason::tunnel_timeout);
    EXPECT_FALSE(record.response_complete);
}

TEST(DownstreamTunnel, OutlivesReloadAndDrainButNotAbort) {
    site here;
    peer client(here.port());
    client.send(websocket);
    EXPECT_EQ(read_response_head(client).status, 101);
    here.update([](listener_state& next) { next.generation = 4; });
    here.drain();
    client.send("still");
    EXPECT_EQ(client.read_exactly(5), "still");
    here.abort();
    EXPECT_EQ(client.wait_closed(), closing::reset);
    EXPECT_EQ(here.answers->record(0).why, reason::draining);
}

}  // namespace
}  // namespace penstock::downstream::test
