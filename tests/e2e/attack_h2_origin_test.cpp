// ATTACKS E16 and RFC 9113 on the client's side: what Penstock makes of an HTTP/2 origin that does
// not keep to the rules. Every fault gives the client one answer with a reason, and ends what it
// says something about: the stream, or the connection.
#include "e2e/attack_baseline.hpp"
#include "support/h2_client.hpp"
#include "support/h2_frames.hpp"
#include "support/h2_server.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

namespace penstock::test {
namespace {

// One worker and one origin of HTTP/2 on the default configuration, but for `upstream`.
std::string site(const std::string& origin, const std::string& upstream = "") {
    return "workers: 1\n"
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"], protocol: h2" + upstream + "}}\n";
}

// For tests that wait for the end of an origin's patience.
const std::string impatient =
    ", timeouts: {connect: 2s, first_byte: 2s, idle: 2s},\n"
    "  http2: {ping_interval: 300ms, ping_timeout: 300ms}";

struct fault {
    std::string name;
    std::string section;
    // What the origin says to the request on stream `id`.
    std::function<std::string(std::uint32_t id)> says;
    int status;  // 0 = the body breaks off, or a 502 if the head was not on its way yet
    std::string reason;
    bool ends_connection;
};

std::string reply(std::uint32_t id, const h2::field_list& fields, bool end = true) {
    return h2::head(id, fields, end);
}

using id = std::uint32_t;
const h2::field_list good{{":status", "200"}};
const std::string protocol = "http_protocol_error";

std::vector<fault> faults_of_messages() {
    return {
        {"UpperCaseName", "RFC 9113 8.2.1",
         [](id s) {
             return reply(s, {{":status", "200"}, {"X-Up", "1"}});
         },
         502, protocol, false},
        {"ConnectionField", "RFC 9113 8.2.2",
         [](id s) {
             return reply(s, {{":status", "200"}, {"connection", "close"}});
         },
         502, protocol, false},
        {"TransferEncoding", "RFC 9113 8.2.2",
         [](id s) {
             return reply(s, {{":status", "200"}, {"transfer-encoding", "chunked"}});
         },
         502, protocol, false},
        {"LineBreakInAValue", "RFC 9113 8.2.1, ATTACKS G11",
         [](id s) {
             return reply(s, {{":status", "200"}, {"x", "a\r\nb: c"}});
         },
         502, protocol, false},
        {"NoStatus", "RFC 9113 8.3.2",
         [](id s) {
             return reply(s, {{"x", "1"}});
         },
         502, protocol, false},
        {"TwoStatuses", "RFC 9113 8.3",
         [](id s) {
             return reply(s, {{":status", "200"}, {":status", "200"}});
         },
         502, protocol, false},
        {"PseudoFieldBehindOthers", "RFC 9113 8.3",
         [](id s) {
             return reply(s, {{"x", "1"}, {":status", "200"}});
         },
         502, protocol, false},
        {"PseudoFieldOfRequests", "RFC 9113 8.3",
         [](id s) {
             return reply(s, {{":status", "200"}, {":path", "/"}});
         },
         502, protocol, false},
        {"StatusOfTwoDigits", "RFC 9113 8.3.2",
         [](id s) {
             return reply(s, {{":status", "20"}});
         },
         502, protocol, false},
    };
}

std::vector<fault> faults_of_their_order() {
    return {
        {"StatusBelow100", "RFC 9110 15",
         [](id s) {
             return reply(s, {{":status", "051"}}, false);
         },
         502, protocol, false},
        {"SwitchingProtocols", "RFC 9113 8.6",
         [](id s) {
             return reply(s, {{":status", "101"}}, false);
         },
         502, protocol, false},
        {"InterimThatEndsTheStream", "RFC 9113 8.1",
         [](id s) {
             return reply(s, {{":status", "103"}});
         },
         502, protocol, false},
        {"DataBeforeTheHead", "RFC 9113 8.1", [](id s) { return h2::body(s, "x"); }, 502, protocol,
         true},
        {"LengthThatIsNone", "RFC 9113 8.1.1",
         [](id s) {
             return reply(s, {{":status", "200"}, {"content-length", "x"}});
         },
         502, protocol, false},
        {"LessThanItsLength", "RFC 9113 8.1.1",
         [](id s) {
             return reply(s, {{":status", "200"}, {"content-length", "9"}}, false) +
                    h2::body(s, "less");
         },
         0, protocol, false},
        {"MoreThanItsLength", "RFC 9113 8.1.1",
         [](id s) {
             return reply(s, {{":status", "200"}, {"content-length", "2"}}, false) +
                    h2::body(s, "more");
         },
         0, protocol, false},
    };
}

std::vector<fault> faults_of_size_and_count() {
    return {
        {"TooLargeAHead", "ATTACKS B7",
         [](id s) {
             std::string all = h2::block({{":status", "200"}});
             std::string frames;
             for (int i = 0; i < 5; ++i)
                 all += h2::block({{"x", std::string(14'000, 'x')}});
             for (bool first = true; !all.empty(); first = false) {
                 const std::string part = all.substr(0, 16'000);
                 all.erase(0, part.size());
                 frames += h2::frame(first ? h2::headers : h2::continuation,
                                     (first ? 1U : 0U) | (all.empty() ? 4U : 0U), s, part);
             }
             return frames;
         },
         502, "http_response_header_section_size", false},
        {"TooManyFields", "ATTACKS B7",
         [](id s) {
             h2::field_list many{{":status", "200"}};
             for (int i = 0; i < 200; ++i)
                 many.emplace_back("x", "1");
             return reply(s, many);
         },
         502, "http_response_header_section_size", false},
        {"InterimFlood", "ATTACKS B6",
         [](id s) {
             std::string all;
             for (int i = 0; i < 101; ++i)
                 all += reply(s, {{":status", "103"}}, false);
             return all;
         },
         502, "interim_flood", false},
        {"Reset", "RFC 9113 5.4.2",
         [](id s) { return h2::frame(h2::rst_stream, 0, s, h2::number(2)); }, 502, "stream_reset",
         false},
    };
}

std::vector<fault> faults_of_streams_and_frames() {
    return {
        {"PushPromise", "RFC 9113 6.6",
         [](id s) {
             return h2::frame(h2::push_promise, h2::end_headers, s,
                              h2::number(2) + h2::block(h2::get()));
         },
         502, protocol, true},
        {"HeadOnAStreamOfItsOwn", "RFC 9113 5.1.1", [](id) { return reply(2, good); }, 502,
         protocol, true},
        {"HeadOnAnIdleStream", "RFC 9113 5.1", [](id s) { return reply(s + 20, good); }, 502,
         protocol, true},
        {"DataOnAnIdleStream", "RFC 9113 5.1", [](id s) { return h2::body(s + 20, "x"); }, 502,
         protocol, true},
        {"FrameThatIsTooLarge", "RFC 9113 4.2",
         [](id s) { return h2::body(s, std::string(16'385, 'x')); }, 502, protocol, true},
        {"BlockThatDoesNotDecode", "RFC 9113 4.3",
         [](id s) { return h2::frame(h2::headers, h2::end_headers, s, "\xff\xff\xff\xff\xff"); },
         502, protocol, true},
        {"BlockThatIsInterrupted", "RFC 9113 4.3",
         [](id s) {
             return h2::frame(h2::headers, 0, s, h2::block({{":status", "200"}})) +
                    h2::frame(h2::ping, 0, 0, std::string(8, 'p'));
         },
         502, protocol, true},
        {"ContinuationWithoutAHead", "RFC 9113 6.10",
         [](id s) { return h2::frame(h2::continuation, h2::end_headers, s, ""); }, 502, protocol,
         true},
        {"ContinuationFlood", "ATTACKS E3",
         [](id s) {
             std::string all = h2::frame(h2::headers, 0, s, h2::block({{":status", "200"}}));
             for (int i = 0; i < 9; ++i)
                 all += h2::frame(h2::continuation, 0, s, "");
             return all;
         },
         502, protocol, true},
    };
}

std::vector<fault> faults_of_control_frames() {
    return {
        {"SettingsOfAWrongSize", "RFC 9113 6.5",
         [](id) { return h2::frame(h2::settings, 0, 0, "12345"); }, 502, protocol, true},
        {"SettingsOnAStream", "RFC 9113 6.5", [](id s) { return h2::frame(h2::settings, 0, s); },
         502, protocol, true},
        {"PingOfAWrongSize", "RFC 9113 6.7", [](id) { return h2::frame(h2::ping, 0, 0, "short"); },
         502, protocol, true},
        {"WindowThatOverflows", "RFC 9113 6.9.1",
         [](id) { return h2::frame(h2::window_update, 0, 0, h2::number(0x7fffffff)); }, 502,
         protocol, true},
        {"WindowUpdateOfNothing", "RFC 9113 6.9",
         [](id) { return h2::frame(h2::window_update, 0, 0, h2::number(0)); }, 502, protocol, true},
        {"ResetOfAnIdleStream", "RFC 9113 6.4",
         [](id s) { return h2::frame(h2::rst_stream, 0, s + 20, h2::number(8)); }, 502, protocol,
         true},
        {"PaddingThatIsTooLong", "RFC 9113 6.1",
         [](id s) {
             return h2::frame(h2::data, h2::padded, s,
                              "\xff"
                              "x");
         },
         502, protocol, true},
        {"MoreOnAStreamThatItEnded", "RFC 9113 5.1",
         [](id s) {
             // The first answer is whole; what follows is a fault of the connection.
             return reply(s, good) + h2::body(s, "x");
         },
         200, "", true},
    };
}

std::vector<fault> faults() {
    std::vector<fault> all;
    for (const auto& some :
         {faults_of_messages(), faults_of_their_order(), faults_of_size_and_count(),
          faults_of_streams_and_frames(), faults_of_control_frames()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

class H2OriginFault : public testing::TestWithParam<fault> {};

TEST_P(H2OriginFault, IsAnsweredOnceAndEndsWhatItConcerns) {
    const fault& what = GetParam();
    std::atomic<int> connections{0};
    scripted_origin origin([&](peer& wire, int) {
        const int index = connections++;
        h2_server server(wire);
        std::uint32_t stream = server.request();
        if (index == 0 && stream != 0) {
            wire.send(what.says(stream));
            stream = server.request();
        }
        // Everything else is answered as it should be.
        for (; stream != 0; stream = server.request())
            server.answer(stream, {{":status", "204"}});
    });
    // No unanswered PING shall be what ends it.
    daemon proxy(site(origin.address(), ", http2: {ping_interval: 1h}"));
    const attack_baseline base(proxy);
    peer client(proxy.port("web"));
    client.send("POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx");
    const seen_response seen = see_response(client);
    if (what.status == 0) {
        EXPECT_TRUE(seen.head.status == 502 || !seen.whole) << what.section;
    } else {
        EXPECT_EQ(seen.head.status, what.status) << what.section;
    }
    if (what.status == 502) {
        EXPECT_EQ(seen.head.field("Proxy-Status"), "penstock; error=" + what.reason)
            << what.section;
    }
    if (!what.reason.empty())
        proxy.running().wait_for("\"penstock.reason\":\"" + what.reason + "\"");
    // The next request is answered, over the same connection or another one.
    peer next(proxy.port("web"));
    next.send("GET /y HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_EQ(see_response(next).head.status, 204) << what.section;
    EXPECT_EQ(origin.connections(), what.ends_connection ? 2 : 1) << what.section;
    client.close();
    next.close();
    base.expect_back();
}

INSTANTIATE_TEST_SUITE_P(E16, H2OriginFault, testing::ValuesIn(faults()),
                         [](const auto& of) { return of.param.name; });

// RFC 9113 §8.7: what the origin has not looked at is sent again, once.
TEST(H2OriginRetry, RefusedStreamIsSentAgainOnce) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            if (requests++ == 0)
                wire.send(h2::frame(h2::rst_stream, 0, stream, h2::number(7)));
            else
                server.answer(stream);
        }
    });
    daemon proxy(site(origin.address()));
    const attack_baseline base(proxy);
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", proxy.url("web")}).out,
              "200");
    EXPECT_EQ(requests.load(), 2);
    base.expect_back();
}

TEST(H2OriginRetry, OriginThatAlwaysRefusesIsAskedTwice) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            ++requests;
            wire.send(h2::frame(h2::rst_stream, 0, stream, h2::number(7)));
        }
    });
    daemon proxy(site(origin.address()));
    const attack_baseline base(proxy);
    const std::string got = curl({"-i", proxy.url("web")}).out;
    EXPECT_NE(got.find("error=stream_refused"), std::string::npos) << got;
    EXPECT_EQ(requests.load(), 2);
    base.expect_back();
}

// RFC 9113 §6.8: streams above the last one of a GOAWAY were not processed.
TEST(H2OriginRetry, StreamAboveTheGoawayIsSentAgainOverAnotherConnection) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int index) {
        h2_server server(wire);
        while (const std::uint32_t stream = server.request()) {
            ++requests;
            if (index == 0) {
                wire.send(h2::frame(h2::goaway, 0, 0, h2::number(0) + h2::number(0)));
                continue;
            }
            server.answer(stream);
        }
    });
    daemon proxy(site(origin.address()));
    const attack_baseline base(proxy);
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", proxy.url("web")}).out,
              "200");
    EXPECT_EQ(requests.load(), 2);
    EXPECT_EQ(origin.connections(), 2);
    base.expect_back();
}

// What the GOAWAY names as taken up is finished over the old connection.
TEST(H2OriginRetry, StreamBelowTheGoawayIsFinished) {
    gate go;
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        wire.send(h2::frame(h2::goaway, 0, 0, h2::number(stream) + h2::number(0)));
        server.answer(stream);
        EXPECT_EQ(server.request(), 0U);
    });
    daemon proxy(site(origin.address()));
    const attack_baseline base(proxy);
    EXPECT_EQ(curl({"-o", "/dev/null", "-w", "%{http_code}", proxy.url("web")}).out, "200");
    EXPECT_EQ(origin.connections(), 1);
    base.expect_back();
}

// A POST that may have been looked at is not sent twice.
TEST(H2OriginRetry, LostConnectionIsNoReasonToSendAPostAgain) {
    std::atomic<int> requests{0};
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        if (server.request() != 0)
            ++requests;
    });
    daemon proxy(site(origin.address()));
    const attack_baseline base(proxy);
    const std::string got = curl({"-i", "-X", "POST", proxy.url("web")}).out;
    EXPECT_NE(got.find("error=connection_terminated"), std::string::npos) << got;
    EXPECT_EQ(requests.load(), 1);
    base.expect_back();
}

// An origin that is there but silent is asked by PING, and given up if it does not answer that.
TEST(H2OriginPing, ConnectionOfAnOriginThatDoesNotAnswerIsGivenUp) {
    scripted_origin origin([&](peer& wire, int) {
        h2_server server(wire);
        (void)server.request();
        wire.wait_closed();
    });
    const daemon proxy(site(origin.address(), impatient));
    const std::string got = curl({"-i", proxy.url("web")}).out;
    EXPECT_NE(got.find("error=connection_read_timeout"), std::string::npos) << got;
    EXPECT_NE(origin.received(0).find(std::string("\0\0\x08\x06\0\0\0\0\0", 9)), std::string::npos);
}

// An origin that accepts and says nothing of HTTP/2 has the connect timeout.
TEST(H2OriginPing, OriginWithoutSettingsHasTheConnectTimeout) {
    scripted_origin origin([&](peer& wire, int) { wire.wait_closed(); });
    const daemon proxy(site(origin.address(), impatient));
    const std::string got = curl({"-i", proxy.url("web")}).out;
    EXPECT_NE(got.find("error=connection_timeout"), std::string::npos) << got;
}

// Who waits for a connection that is being made counts against a cap too.
TEST(H2OriginQueue, HasNoMoreThanTheConnectionWillServe) {
    scripted_origin origin([](peer& wire, int) { wire.wait_closed(); });
    const daemon proxy(
        "workers: 1\nlisteners: {web: {bind: \"127.0.0.1:0\"}}\n"
        "routes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
        origin.address() +
        "\"], protocol: h2, pool: {queue: 0}, http2: {streams: 2},\n"
        "  timeouts: {connect: 2s}}}\n");
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::get()) + h2::head(3, h2::get()) + h2::head(5, h2::get()));
    EXPECT_EQ(client.response(5).field("proxy-status"), "penstock; error=queue_full");
    EXPECT_FALSE(client.responses[1].over() || client.responses[3].over());
    for (const std::uint32_t stream : {1U, 3U})
        EXPECT_EQ(client.response(stream).field("proxy-status"),
                  "penstock; error=connection_timeout");
}

// Nor do they wait for longer, once it is there and has a stream for one of them only.
TEST(H2OriginQueue, HasItsTimeoutBehindAConnectionThatWasMade) {
    gate go;
    scripted_origin origin([&](peer& wire, int) {
        wire.send(h2::setting(3, 1));
        h2_server server(wire);
        const std::uint32_t stream = server.request();
        wire.wait_for(go);
        server.answer(stream, {{":status", "204"}});
        (void)server.request();
    });
    const daemon proxy(site(origin.address(), ", pool: {connections: 1, queue_timeout: 300ms}"));
    h2_client client(proxy.port("web"));
    std::string all;
    for (std::uint32_t stream = 1; stream < 9; stream += 2)
        all += h2::head(stream, h2::get());
    client.send(all);
    for (std::uint32_t stream = 3; stream < 9; stream += 2)
        EXPECT_EQ(client.response(stream).field("proxy-status"),
                  "penstock; error=connection_limit_reached")
            << stream;
    go.open();
    EXPECT_EQ(client.response(1).status(), 204);
}

TEST(H2OriginPing, OriginThatSpeaksHttp1IsAnErrorOfTheProtocol) {
    scripted_origin origin(scripted_origin::answer(
        [](const http_request&) { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; }));
    const daemon proxy(site(origin.address(), impatient));
    const std::string got = curl({"-i", proxy.url("web")}).out;
    EXPECT_NE(got.find(" 502 "), std::string::npos) << got;
}

}  // namespace
}  // namespace penstock::test
