// HTTP/2 towards clients, with the handler of the downstream tests behind it.
#include "integration/downstream_site.hpp"
#include "penstock/http/h2.hpp"
#include "support/h2_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace penstock::downstream::test {
namespace {

namespace h2 = penstock::test::h2;
using exchange::reason;
using http::h2_code;
using penstock::test::h2_client;
using penstock::test::h2_response;

config::listener h2_settings() {
    config::listener settings = plain_settings();
    settings.h2 = true;
    return settings;
}

constexpr auto code(h2_code of) { return static_cast<std::uint32_t>(of); }

TEST(DownstreamH2, IsSpokenByPriorKnowledgeAndByAlpn) {
    for (const bool tls : {false, true}) {
        site here(h2_settings(), tls);
        h2_client client(here.port(), tls);
        client.send(h2::head(1, h2::get("/ok", {{"user-agent", "test"}})));
        const h2_response& got = client.response(1);
        EXPECT_EQ(got.status(), 200);
        EXPECT_EQ(got.body, "ok");
        const exchange::record record = here.answers->record(0);
        EXPECT_TRUE(record.http2);
        EXPECT_EQ(record.tls, tls);
        EXPECT_EQ(record.method, "GET");
        EXPECT_EQ(record.host, "a.test");
        EXPECT_EQ(record.path, "/ok");
        EXPECT_EQ(record.user_agent, "test");
        EXPECT_EQ(record.status, 200);
        EXPECT_EQ(record.why, reason::none);
        EXPECT_TRUE(record.request_complete);
        EXPECT_TRUE(record.response_complete);
        EXPECT_EQ(record.response_bytes, 2U);
        EXPECT_EQ(here.answers->request(0).head.scheme, tls ? "https" : "http");
        EXPECT_EQ(here.answers->request(0).length, 0U);
    }
}

// The preface byte by byte, and HTTP/1 that begins like it.
TEST(DownstreamH2, IsToldFromHttp1ThroughEveryCut) {
    site here(h2_settings());
    peer one(here.port());
    one.send_in_pieces(h2::hello() + h2::head(1, h2::get("/ok")));
    EXPECT_NE(one.read_until("ok"), "");
    peer old(here.port());
    old.send_in_pieces("PRI /ok HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(read_response(old).status, 200);
    peer bad(here.port());
    bad.send("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n");
    EXPECT_EQ(read_response(bad).status, 505);
}

TEST(DownstreamH2, IsNotSpokenWhereItIsOff) {
    site here;
    peer client(here.port());
    client.send(h2::hello());
    EXPECT_EQ(read_response(client).status, 505);
}

TEST(DownstreamH2, AnswersManyStreamsOfOneConnection) {
    site here(h2_settings());
    h2_client client(here.port());
    std::string all;
    for (std::uint32_t id = 1; id < 200; id += 2)
        all += h2::head(id, h2::get("/ok"));
    client.send(all);
    for (std::uint32_t id = 1; id < 200; id += 2)
        ASSERT_EQ(client.response(id).body, "ok");
    EXPECT_EQ(here.answers->requests(), 100U);
}

TEST(DownstreamH2, PassesBodiesAndTrailers) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/echo", {{"content-length", "5"}}), false) +
                h2::body(1, "he", false) + h2::body(1, "llo", false) +
                h2::head(1, {{"x-sum", "7"}}));
    EXPECT_EQ(client.response(1).body, "hello");
    EXPECT_EQ(client.response(1).field("content-length"), "5");
    const path_handler::seen asked = here.answers->request(0);
    EXPECT_EQ(asked.length, 5U);
    EXPECT_EQ(asked.body, "hello");
    EXPECT_EQ(asked.trailers.find("x-sum"), "7");
    EXPECT_TRUE(asked.accepts_trailers);
    EXPECT_EQ(here.answers->record(0).request_bytes, 5U);
}

TEST(DownstreamH2, RunsBothDirectionsAtOnce) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/duplex"), false));
    for (const std::string_view word : {"one", "two", "three"}) {
        const std::size_t before = client.responses[1].body.size();
        client.send(h2::body(1, word, false));
        EXPECT_EQ(client.body(1, before + word.size()).body.substr(before), word);
    }
    client.send(h2::body(1, ""));
    EXPECT_TRUE(client.response(1).ended);
}

TEST(DownstreamH2, PassesInterimHeads) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/interim", {{"expect", "100-continue"}}), false));
    while (client.responses[1].heads.size() < 2)
        ASSERT_TRUE(client.read());
    client.send(h2::body(1, "hello"));
    EXPECT_EQ(client.response(1).body, "hello");
    EXPECT_THAT(client.response(1).interim(), testing::ElementsAre(103, 100));
}

TEST(DownstreamH2, AnswersWithoutABody) {
    site here(h2_settings());
    h2_client client(here.port());
    h2::field_list head = h2::get("/ok");
    head[0].second = "HEAD";
    client.send(h2::head(1, h2::get("/no204")) + h2::head(3, h2::get("/no304")) +
                h2::head(5, head));
    EXPECT_EQ(client.response(1).status(), 204);
    EXPECT_EQ(client.response(1).field("content-length"), "");
    EXPECT_EQ(client.response(3).status(), 304);
    EXPECT_EQ(client.response(5).status(), 200);
    EXPECT_EQ(client.response(5).field("content-length"), "2");
    EXPECT_EQ(client.response(5).body, "");
}

TEST(DownstreamH2, PassesABodyOfUnknownLengthAsItComes) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/pieces")));
    EXPECT_EQ(client.response(1).body, "onetwo");
    EXPECT_EQ(client.response(1).field("content-length"), "");
}

// A response that is not whole must not look so.
TEST(DownstreamH2, ResetsTheStreamOfAResponseThatBreaksOff) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/short")) + h2::head(3, h2::get("/broken")) +
                h2::head(5, h2::get("/hang")));
    EXPECT_EQ(client.response(1).reset, code(h2_code::internal_error));
    EXPECT_FALSE(client.response(1).ended);
    EXPECT_EQ(client.response(3).reset, code(h2_code::internal_error));
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_FALSE(here.answers->record(i).response_complete);
        EXPECT_NE(here.answers->record(i).why, reason::none);
    }
}

// As over HTTP/1: nothing has left yet.
TEST(DownstreamH2, AnswersForABodyThatFailsBeforeItsHeadLeaves) {
    for (const std::string path : {"/fails", "/fails10", "/fails100000"}) {
        SCOPED_TRACE(path);
        site here(h2_settings());
        h2_client client(here.port());
        client.send(h2::head(1, h2::get(path)));
        EXPECT_EQ(client.response(1).status(), 502);
        EXPECT_TRUE(client.response(1).ended);
        EXPECT_EQ(client.response(1).body, "refused: http_response_incomplete");
        const exchange::record record = here.answers->record(0);
        EXPECT_EQ(record.status, 502);
        EXPECT_EQ(record.why, reason::http_response_incomplete);
        EXPECT_TRUE(record.response_complete);
    }
}

// Asks for more than any socket takes, reads nothing of it, and lets the worker write what it can.
void block(site& here, h2_client& client, std::uint32_t stream) {
    const std::size_t before = here.answers->requests();
    client.send(h2::window(0, 0x3fffffff));
    for (const std::uint32_t id : {stream, stream + 2})
        client.send(h2::head(id, h2::get("/big")) + h2::window(id, 0x3fffffff));
    here.eventually([&] { return here.answers->requests() == before + 2; });
    for (int turn = 0; turn < 200; ++turn)
        here.thread.run([] {});
}

exchange::record record_of(site& here, std::string_view path) {
    for (std::size_t i = 0;; ++i) {
        exchange::record found = here.answers->record(i);
        if (found.path == path)
            return found;
    }
}

// Whether the client leaves because of the reset, or before it could see that.
TEST(DownstreamH2, ChargesTheOriginForABodyThatFailedBeforeTheClientLeft) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/breaks")));
    EXPECT_EQ(client.body(1, 3).body, "one");
    block(here, client, 3);
    here.thread.run([&] { here.answers->release(); });
    here.thread.run([] {});
    here.thread.run([] {});
    client.wire.close();
    const exchange::record record = record_of(here, "/breaks");
    EXPECT_EQ(record.status, 200);
    EXPECT_EQ(record.why, reason::http_response_incomplete);
    EXPECT_FALSE(record.response_complete);
    EXPECT_EQ(record_of(here, "/big").why, reason::client_gone);
}

TEST(DownstreamH2, AnswersForAHeadThatCannotBeSent) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/unwritable")));
    EXPECT_EQ(client.response(1).field("x-bad"), "");
    EXPECT_EQ(here.answers->record(0).why, reason::proxy_internal_error);
}

// RFC 9113 §8.1: the answer is whole, the rest of the request is not wanted, and that is no error.
TEST(DownstreamH2, EndsARequestThatWasAnsweredEarly) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/early"), false) + h2::body(1, "part", false));
    EXPECT_EQ(client.response(1).body, "early");
    while (!client.responses[1].reset)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.responses[1].reset, code(h2_code::no_error));
    client.send(h2::body(1, "more") + h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(3).body, "ok");
    EXPECT_FALSE(here.answers->record(0).request_complete);
}

TEST(DownstreamH2, ReadsNoMoreThanTheHandlerTakes) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/hang"), false));
    for (int i = 0; i < 16; ++i)
        client.send(h2::body(1, std::string(16384, 'x'), false));
    here.eventually([&] { return here.answers->requests() == 1; });
    // The window is used up to its last byte; one more is a breach.
    client.send(h2::body(1, "x", false));
    EXPECT_EQ(client.response(1).reset, code(h2_code::flow_control_error));
    EXPECT_EQ(here.answers->record(0).why, reason::http_request_error);
}

TEST(DownstreamH2, SendsNoMoreThanTheClientsWindow) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/big")) + h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.body(1, 65535).body.size(), 65535U);
    client.open_window(0, 1 << 24);
    EXPECT_EQ(client.response(3).body, "ok");
    EXPECT_EQ(client.responses[1].body.size(), 65535U);
    client.open_window(1, 1 << 24);
    EXPECT_EQ(client.response(1).body.size(), std::size_t{8} << 20);
    EXPECT_TRUE(client.response(1).ended);
}

TEST(DownstreamH2, CancelsWhatTheClientResets) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/hang")));
    here.eventually([&] { return here.answers->requests() == 1; });
    client.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8)) + h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(3).body, "ok");
    const exchange::record record = here.answers->record(0);
    EXPECT_EQ(record.status, 499);
    EXPECT_EQ(record.why, reason::client_gone);
}

// Also while its response has nothing to send: the stream's slot is free at once.
TEST(DownstreamH2, CancelsAResponseThatWaitsForItsOrigin) {
    for (const bool gone : {false, true}) {
        SCOPED_TRACE(gone);
        site here(h2_settings());
        {
            h2_client client(here.port());
            client.send(h2::head(1, h2::post("/duplex"), false) + h2::body(1, "one", false));
            EXPECT_EQ(client.body(1, 3).body, "one");
            if (!gone) {
                client.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8)));
                EXPECT_EQ(here.answers->record(0).why, reason::client_gone);
            }
        }
        EXPECT_EQ(here.answers->record(0).why, reason::client_gone);
        here.await_connections(0);
    }
}

TEST(DownstreamH2, GivesUpABodyThatDoesNotComeAfter100) {
    config::listener settings = h2_settings();
    settings.timeouts.body_idle = 60ms;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/interim", {{"expect", "100-continue"}}), false));
    EXPECT_EQ(client.response(1).status(), 408);
    EXPECT_EQ(here.answers->record(0).why, reason::body_timeout);
}

TEST(DownstreamH2, CancelsEverythingWhenTheClientGoes) {
    site here(h2_settings());
    {
        h2_client client(here.port());
        client.send(h2::head(1, h2::get("/hang")) + h2::head(3, h2::post("/echo"), false) +
                    h2::head(5, h2::get("/big")));
        here.eventually([&] { return here.answers->requests() == 3; });
    }
    here.await_connections(0);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(here.answers->record(i).why, reason::client_gone);
    EXPECT_EQ(here.thread.buffered(), 0U);
    EXPECT_EQ(here.over->counters().active.load(), 0U);
    EXPECT_EQ(here.over->counters().idle.load(), 0U);
}

struct refused_request {
    const char* name;
    h2::field_list fields;
    int status;
    reason why;
};

TEST(DownstreamH2, RefusesWithAStatus) {
    h2::field_list other = h2::get("/ok", {{"host", "b.test"}});
    const std::vector<refused_request> all{
        {"host", other, 400, reason::http_request_error},
        {"path", h2::get("/%00"), 400, reason::http_request_error},
        {"uri", h2::get('/' + std::string(9000, 'a')), 414, reason::uri_too_long},
        {"fields", h2::get("/ok", h2::field_list(101, {"x", "y"})), 431,
         reason::request_header_too_large},
        {"length", h2::post("/echo", {{"content-length", "101"}}), 413, reason::body_too_large},
        {"expect", h2::get("/ok", {{"expect", "y 100-continue"}}), 417, reason::expectation_failed},
    };
    for (const refused_request& item : all) {
        SCOPED_TRACE(item.name);
        site here(h2_settings());
        here.answers->body_max = 100;
        h2_client client(here.port());
        client.send(h2::head(1, item.fields, false) + h2::head(3, h2::get("/ok")));
        EXPECT_EQ(client.response(1).status(), item.status);
        EXPECT_EQ(client.response(3).body, "ok");
        EXPECT_EQ(here.answers->record(0).why, item.why);
        EXPECT_EQ(here.answers->record(0).status, item.status);
        EXPECT_EQ(here.answers->requests(), 1U);
    }
}

TEST(DownstreamH2, StopsABodyAboveItsLimit) {
    site here(h2_settings());
    here.answers->body_max = 100;
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/echo"), false) + h2::body(1, std::string(101, 'x'), false));
    EXPECT_EQ(client.response(1).status(), 413);
}

TEST(DownstreamH2, GivesUpABodyThatDoesNotCome) {
    config::listener settings = h2_settings();
    settings.timeouts.body_idle = 60ms;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::post("/echo"), false) + h2::body(1, "x", false));
    EXPECT_EQ(client.response(1).status(), 408);
    EXPECT_EQ(here.answers->record(0).why, reason::body_timeout);
}

TEST(DownstreamH2, GivesUpAClientThatTakesNothing) {
    config::listener settings = h2_settings();
    settings.timeouts.write_idle = 60ms;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/big")));
    EXPECT_EQ(client.response(1).reset, code(h2_code::cancel));
    EXPECT_EQ(here.answers->record(0).why, reason::write_timeout);
    client.open_window(0, 100'000);
    client.send(h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(3).body, "ok");
}

// E6: one stall after the other, and nothing that moves between them or that waits for us.
enum class beside { nothing, movement, upload };

TEST(DownstreamH2, EndsAClientThatTakesNothingOfAnything) {
    config::listener settings = h2_settings();
    // Twice that is what the client has for moving something, on a machine that is busy too.
    settings.timeouts.write_idle = 300ms;
    for (const beside what : {beside::nothing, beside::movement, beside::upload}) {
        site here(settings);
        h2_client client(here.port());
        client.send(h2::head(1, h2::get("/big")));
        if (what == beside::upload)
            client.send(h2::head(5, h2::post("/echo"), false));
        EXPECT_EQ(client.response(1).reset, code(h2_code::cancel));
        if (what == beside::movement)
            client.open_window(0, 1);
        client.send(h2::head(7, h2::get("/big")));
        if (what == beside::nothing) {
            EXPECT_EQ(client.goaway(), code(h2_code::enhance_your_calm));
            continue;
        }
        EXPECT_EQ(client.response(7).reset, code(h2_code::cancel));
        client.open_window(0, 100'000);
        client.send(h2::head(9, h2::get("/ok")));
        EXPECT_EQ(client.response(9).body, "ok");
    }
}

// A stream that waits for its window is its client's doing.
TEST(DownstreamH2, ChargesTheClientForAWindowThatStaysShut) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/big")));
    EXPECT_EQ(client.body(1, 65535).body.size(), 65535U);
    penstock::test::hold_for(50ms);
    client.open_window(0, 1 << 24);
    client.open_window(1, 1 << 24);
    EXPECT_TRUE(client.response(1).ended);
    const exchange::record record = here.answers->record(0);
    EXPECT_GE(record.ledger.spent(exchange::phase::client_blocked), 40ms);
}

TEST(DownstreamH2, TakesUpANewStateBetweenRequests) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/ok")));
    EXPECT_EQ(client.response(1).body, "ok");
    here.update([](listener_state& next) { ++next.generation; });
    client.send(h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(3).body, "ok");
    EXPECT_EQ(here.answers->record(1).generation, here.answers->record(0).generation + 1);
}

// One connection cannot keep the worker to itself.
TEST(DownstreamH2, ServesOthersBetweenTheStreamsOfOne) {
    site here(h2_settings());
    h2_client client(here.port());
    std::string all;
    for (std::uint32_t id = 1; id < 40; id += 2)
        all += h2::head(id, h2::get("/big"));
    client.send(all);
    EXPECT_EQ(client.body(1, 1000).over(), false);
    peer other(here.port());
    other.send(get("/ok"));
    EXPECT_EQ(read_response(other).body, "ok");
}

TEST(DownstreamH2, RetiresAConnectionThatAsksForNothing) {
    config::listener settings = h2_settings();
    settings.timeouts.head = settings.timeouts.keepalive = 60ms;
    for (const bool asks : {false, true}) {
        site here(settings);
        h2_client client(here.port());
        if (asks) {
            client.send(h2::head(1, h2::get("/ok")));
            EXPECT_EQ(client.response(1).body, "ok");
        }
        while (client.read()) {
        }
        ASSERT_EQ(client.goaways.size(), 1U);
        EXPECT_EQ(client.goaways[0].number(4), code(h2_code::no_error));
        here.await_connections(0);
    }
}

TEST(DownstreamH2, EndsAHeadThatIsNeverWhole) {
    config::listener settings = h2_settings();
    settings.timeouts.head = 60ms;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/hang")));
    // Its acknowledgement may not come within the head.
    while (client.settings.empty())
        ASSERT_TRUE(client.read());
    here.eventually([&] { return here.answers->requests() == 1; });
    client.send(h2::frame(h2::headers, 0, 3, h2::block(h2::get("/ok"))));
    EXPECT_EQ(client.goaway(), code(h2_code::enhance_your_calm));
    here.await_connections(0);
}

TEST(DownstreamH2, DrainsInTwoSteps) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/hold")));
    here.eventually([&] { return here.answers->requests() == 1; });
    here.drain();
    while (client.goaways.empty())
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.goaways[0].number(), 0x7fffffffU);
    client.send(h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(3).body, "ok");
    while (client.goaways.size() < 2)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(client.goaways[1].number(), 3U);
    here.thread.run([&] { here.answers->release(); });
    EXPECT_EQ(client.response(1).body, "held");
    while (client.read()) {
    }
    here.await_connections(0);
}

TEST(DownstreamH2, EndsAfterItsLastRequest) {
    config::listener settings = h2_settings();
    settings.limit.requests = 2;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/ok")) + h2::head(3, h2::get("/ok")));
    EXPECT_EQ(client.response(1).body, "ok");
    EXPECT_EQ(client.response(3).body, "ok");
    while (client.read()) {
    }
    ASSERT_EQ(client.goaways.size(), 1U);
    EXPECT_EQ(client.goaways[0].number(), 3U);
}

// Also of what comes with the last one in one go: whatever is above the GOAWAY was never begun.
TEST(DownstreamH2, BeginsNothingAboveItsLastGoaway) {
    config::listener settings = h2_settings();
    settings.limit.requests = 10;
    site here(settings);
    h2_client client(here.port());
    std::string all = h2::window(0, 1 << 24);
    for (std::uint32_t id = 1; id < 120; id += 2)
        all += h2::head(id, h2::post("/echo"), false) + h2::body(id, std::string(2000, 'x'));
    // All of it is there when the worker looks.
    here.thread.run([&] { client.send(all); });
    while (client.read()) {
    }
    ASSERT_EQ(client.goaways.size(), 1U);
    const std::uint32_t last = client.goaways[0].number();
    EXPECT_EQ(client.goaways[0].number(4), code(h2_code::no_error));
    EXPECT_LT(last, 119U);
    for (std::uint32_t id = 1; id < 120; id += 2) {
        EXPECT_EQ(client.responses[id].status(), id <= last ? 200 : 0) << id;
        EXPECT_EQ(client.responses[id].ended, id <= last) << id;
    }
    EXPECT_EQ(here.answers->requests(), (last + 1) / 2);
    EXPECT_GE(here.answers->requests(), 10U);
    here.await_connections(0);
}

TEST(DownstreamH2, EndsTheConnectionOfABreach) {
    site here(h2_settings());
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/hang")));
    here.eventually([&] { return here.answers->requests() == 1; });
    client.send(h2::frame(h2::ping, 0, 1, "12345678"));
    EXPECT_EQ(client.goaway(), code(h2_code::protocol_error));
    EXPECT_EQ(here.answers->record(0).why, reason::client_protocol_error);
    here.await_connections(0);
}

TEST(DownstreamH2, EndsTheConnectionOfABreachBehindItsLastRequest) {
    config::listener settings = h2_settings();
    settings.limit.requests = 1;
    site here(settings);
    h2_client client(here.port());
    client.send(h2::head(1, h2::get("/hang")) + h2::frame(h2::ping, 0, 1, "12345678"));
    EXPECT_EQ(client.goaway(), code(h2_code::protocol_error));
    EXPECT_EQ(client.goaways.back().number(), 1U);
    EXPECT_EQ(here.answers->record(0).why, reason::client_protocol_error);
    here.await_connections(0);
}

}  // namespace
}  // namespace penstock::downstream::test
