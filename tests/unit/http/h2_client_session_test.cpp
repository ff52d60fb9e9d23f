#include "penstock/http/h2_client_session.hpp"

#include "penstock/http/error.hpp"
#include "support/h2_frames.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {
namespace {

namespace h2 = test::h2;

class text_body final : public h2_outgoing {
 public:
    piece take(std::size_t max) override {
        const std::string_view next = std::string_view(text).substr(taken, max);
        taken += next.size();
        return {next, whole && taken == text.size(), false};
    }
    const fields* trailers() const noexcept override { return &last; }

    std::string text;
    std::size_t taken = 0;
    bool whole = true;
    fields last;
};

// The origin's side of a session, without a socket.
class link {
 public:
    explicit link(const h2_limits& limits = {}) : session(limits) {}

    void send(std::string_view bytes) { session.receive(bytes, now); }
    void greet(std::string_view settings = {}) {
        send(h2::frame(h2::settings, 0, 0, settings) + h2::frame(h2::settings, h2::ack, 0));
    }
    std::vector<h2::read_frame> frames() {
        session.send(out, std::string::npos);
        if (out.starts_with(h2::preface))
            out.erase(0, h2::preface.size());
        std::vector<h2::read_frame> found;
        h2::read_frame next;
        while (h2::next_frame(out, next))
            found.push_back(next);
        EXPECT_EQ(out, "");
        return found;
    }
    std::vector<h2::read_frame> frames(h2::type of) {
        std::vector<h2::read_frame> found;
        for (const h2::read_frame& each : frames()) {
            if (each.type == of)
                found.push_back(each);
        }
        return found;
    }
    h2_client_stream* open(h2_outgoing* body = nullptr, const h2_request_encoding& how = {}) {
        request_head head;
        head.verb = body != nullptr ? method::post : method::get;
        head.method_text = body != nullptr ? "POST" : "GET";
        head.scheme = "http";
        head.authority = "a.test";
        head.path = "/p";
        head.query = "?q";
        head.fields.add("X-One", "1");
        const result<h2_client_stream*> made = session.open(head, how, body);
        if (!made)
            return nullptr;
        (*made)->owner = this;
        return *made;
    }

    h2_client_session session;
    std::string out;
    time_point now{1s};
};

TEST(H2ClientSession, BeginsWithPrefaceAndSettings) {
    h2_limits limits;
    limits.stream_window = 70'000;
    limits.connection_window = 700'000;
    link to(limits);
    to.session.send(to.out, std::string::npos);
    EXPECT_TRUE(to.out.starts_with(h2::preface));
    const auto frames = to.frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].type, h2::settings);
    EXPECT_EQ(frames[0].payload[1], 2);  // ENABLE_PUSH
    EXPECT_EQ(frames[0].number(2), 0U);
    EXPECT_EQ(frames[0].payload[7], 4);  // INITIAL_WINDOW_SIZE
    EXPECT_EQ(frames[0].number(8), 70'000U);
    EXPECT_EQ(frames[1].number(), 700'000U - 65'535U);
}

TEST(H2ClientSession, SendsARequestWithItsBodyAndTrailers) {
    link to;
    to.greet();
    text_body body;
    body.text = "hello";
    body.last.add("X-Last", "1");
    ASSERT_NE(to.open(&body, {5, true, {}}), nullptr);
    h2::inflater inflater;
    std::string data;
    std::vector<h2::field_list> heads;
    for (const h2::read_frame& each : to.frames()) {
        if (each.type == h2::headers)
            heads.push_back(inflater.decode(each.payload));
        if (each.type == h2::data)
            data += each.payload;
    }
    ASSERT_EQ(heads.size(), 2U);
    EXPECT_EQ(heads[0], (h2::field_list{{":method", "POST"},
                                        {":scheme", "http"},
                                        {":authority", "a.test"},
                                        {":path", "/p?q"},
                                        {"x-one", "1"},
                                        {"content-length", "5"},
                                        {"te", "trailers"}}));
    EXPECT_EQ(data, "hello");
    EXPECT_EQ(heads[1], (h2::field_list{{"x-last", "1"}}));
}

TEST(H2ClientSession, ExtendedConnectNamesItsProtocolAndNoKey) {
    link to;
    EXPECT_FALSE(to.session.extended_connect());
    to.greet(std::string_view("\0\x08\0\0\0\1", 6));
    EXPECT_TRUE(to.session.extended_connect());
    request_head head;
    head.method_text = "GET";
    head.scheme = "http";
    head.authority = "a.test";
    head.path = "/";
    head.fields.add("Sec-WebSocket-Key", "k");
    head.fields.add("Sec-WebSocket-Version", "13");
    h2_request_encoding how;
    how.protocol = "websocket";
    ASSERT_TRUE(to.session.open(head, how, nullptr));
    h2::inflater inflater;
    const auto sent = inflater.decode(to.frames(h2::headers).at(0).payload);
    EXPECT_EQ(h2::value(sent, ":method"), "CONNECT");
    EXPECT_EQ(h2::value(sent, ":protocol"), "websocket");
    EXPECT_EQ(h2::value(sent, "sec-websocket-key"), "");
    EXPECT_EQ(h2::value(sent, "sec-websocket-version"), "13");
}

TEST(H2ClientSession, NamesTheSchemeOfItsConnection) {
    for (const bool tls : {false, true}) {
        link to;
        to.greet();
        h2_request_encoding how;
        how.tls = tls;
        (void)to.open(nullptr, how);
        h2::inflater inflater;
        const auto sent = inflater.decode(to.frames(h2::headers).at(0).payload);
        EXPECT_EQ(h2::value(sent, ":scheme"), tls ? "https" : "http");
    }
}

TEST(H2ClientSession, WritesNoHeadThatCouldBeReadInTwoWays) {
    struct {
        const char* name;
        void (*spoil)(request_head&);
    } const cases[] = {
        {"method", [](request_head& of) { of.method_text = "GE T"; }},
        {"scheme", [](request_head& of) { of.scheme = "ftp"; }},
        {"no authority", [](request_head& of) { of.authority.clear(); }},
        {"authority", [](request_head& of) { of.authority = "a b"; }},
        {"path", [](request_head& of) { of.path = "x"; }},
        {"path with a space", [](request_head& of) { of.path = "/a b"; }},
        {"query", [](request_head& of) { of.query = "x"; }},
        {"line break", [](request_head& of) { of.fields.add("x", "a\r\nb"); }},
        {"connection", [](request_head& of) { of.fields.add("Connection", "close"); }},
        {"coding", [](request_head& of) { of.fields.add("Transfer-Encoding", "chunked"); }},
        {"te", [](request_head& of) { of.fields.add("TE", "gzip"); }},
    };
    for (const auto& item : cases) {
        link to;
        to.greet();
        request_head head;
        head.method_text = "GET";
        head.scheme = "http";
        head.authority = "a.test";
        head.path = "/";
        item.spoil(head);
        EXPECT_FALSE(to.session.open(head, {}, nullptr)) << item.name;
        EXPECT_TRUE(to.frames(h2::headers).empty()) << item.name;
    }
}

TEST(H2ClientSession, KeepsToTheOriginsLimitOfStreamsAndToItsOwn) {
    h2_limits limits;
    limits.streams = 3;
    link own(limits);
    own.greet();
    EXPECT_EQ(own.session.slots(), 3U);
    link to(limits);
    to.greet(std::string_view("\0\x03\0\0\0\2", 6));
    EXPECT_EQ(to.session.slots(), 2U);
    h2_client_stream* const first = to.open();
    EXPECT_EQ(to.session.slots(), 1U);
    ASSERT_NE(to.open(), nullptr);
    EXPECT_EQ(to.session.slots(), 0U);
    (void)to.frames();
    to.send(h2::head(1, {{":status", "204"}}));
    EXPECT_EQ(to.session.slots(), 1U);
    EXPECT_EQ(to.session.next_changed(), first);
    EXPECT_TRUE(first->head_complete && first->ended && first->closed);
    to.session.release(*first);
    EXPECT_EQ(to.session.active(), 1U);
}

TEST(H2ClientSession, InterimHeadsComeBeforeTheFinalOne) {
    link to;
    to.greet();
    h2_client_stream* const stream = to.open();
    (void)to.frames();
    for (std::size_t i = 0; i < h2_client_stream::interims_max + 1; ++i)
        to.send(h2::head(1, {{":status", "103"}, {"link", "x"}}, false));
    to.send(h2::head(1, {{":status", "200"}, {"content-length", "2"}}, false) + h2::body(1, "ok"));
    EXPECT_EQ(to.session.next_changed(), stream);
    EXPECT_EQ(stream->interims.size(), h2_client_stream::interims_max);
    EXPECT_EQ(stream->interims[0].status, 103);
    EXPECT_EQ(stream->head.status, 200);
    EXPECT_EQ(stream->length, 2U);
    EXPECT_EQ(to.session.take_data(*stream, 9), "ok");
}

TEST(H2ClientSession, HeadHasItsCaps) {
    for (const std::size_t count : {9U, 10U, 11U}) {
        h2_limits limits;
        limits.head.count = 10;
        link to(limits);
        to.greet();
        h2_client_stream* const stream = to.open();
        (void)to.frames();
        h2::field_list answer{{":status", "200"}};
        for (std::size_t i = 0; i < count; ++i)
            answer.emplace_back("x", "1");
        to.send(h2::head(1, answer));
        if (count > 10)
            EXPECT_EQ(stream->refused, errc::too_many_fields);
        else
            EXPECT_TRUE(stream->head_complete) << count;
    }
    for (const std::size_t size : {1023U, 1024U, 1025U}) {
        h2_limits limits;
        limits.head.head = 1024;
        link to(limits);
        to.greet();
        h2_client_stream* const stream = to.open();
        (void)to.frames();
        // ":status" with "200" and its 32, "x" and its 32.
        to.send(h2::head(1, {{":status", "200"}, {"x", std::string(size - 42 - 33, 'x')}}));
        EXPECT_EQ(stream->head_complete, size <= 1024) << size;
        EXPECT_FALSE(to.session.ended());
    }
    h2_limits limits;
    limits.head.head = 1024;
    link bomb(limits);
    bomb.greet();
    (void)bomb.open();
    (void)bomb.frames();
    bomb.send(h2::head(1, {{":status", "200"}, {"x", std::string(2048, 'x')}}));
    EXPECT_EQ(bomb.session.breach(), h2_breach::header_bomb);
}

// Found by the fuzzer: the library takes any three digits.
TEST(H2ClientSession, StatusBelow100IsNone) {
    for (const char* const status : {"000", "051", "099"}) {
        link to;
        to.greet();
        h2_client_stream* const stream = to.open();
        (void)to.frames();
        to.send(h2::head(1, {{":status", status}}, false));
        EXPECT_FALSE(stream->head_complete) << status;
        EXPECT_TRUE(stream->interims.empty()) << status;
        EXPECT_EQ(stream->refused, errc::bad_status_line) << status;
        EXPECT_EQ(to.frames(h2::rst_stream).at(0).number(), 1U);
    }
}

// What one stream's reader leaves lying does not hold up the others.
TEST(H2ClientSession, ConnectionsWindowOpensAsBytesArrive) {
    h2_limits limits;
    limits.stream_window = 70'000;
    limits.connection_window = 70'000;
    link to(limits);
    to.greet();
    h2_client_stream* const slow = to.open();
    h2_client_stream* const quick = to.open();
    (void)to.frames();
    std::string bytes = h2::head(1, {{":status", "200"}}, false);
    for (int i = 0; i < 4; ++i)
        bytes += h2::body(1, std::string(16'000, 's'), false);
    to.send(bytes);
    std::uint32_t opened = 0;
    for (const h2::read_frame& each : to.frames(h2::window_update)) {
        EXPECT_EQ(each.stream, 0U);
        opened += each.number();
    }
    EXPECT_GT(opened, 0U);
    to.send(h2::head(3, {{":status", "200"}}, false) + h2::body(3, std::string(16'000, 'q')));
    EXPECT_EQ(h2_session::data_waiting(*quick), 16'000U);
    // Its own stays shut until somebody takes.
    EXPECT_FALSE(to.session.take_data(*slow, 40'000).empty());
    while (!to.session.take_data(*slow, 40'000).empty()) {
    }
    const auto updates = to.frames(h2::window_update);
    ASSERT_FALSE(updates.empty());
    EXPECT_EQ(updates.back().stream, 1U);
}

TEST(H2ClientSession, GoawayLeavesWhatTheOriginHasTakenUp) {
    link to;
    to.greet();
    h2_client_stream* const first = to.open();
    h2_client_stream* const second = to.open();
    (void)to.frames();
    EXPECT_FALSE(to.session.going_away());
    to.send(h2::frame(h2::goaway, 0, 0, h2::number(1) + h2::number(0)));
    EXPECT_TRUE(to.session.going_away());
    EXPECT_EQ(to.session.slots(), 0U);
    EXPECT_FALSE(first->closed);
    EXPECT_TRUE(second->unprocessed());
    to.send(h2::head(1, {{":status", "200"}}));
    EXPECT_TRUE(first->head_complete);
}

// A client that leaves before its request does: the origin hears of neither.
TEST(H2ClientSession, RequestThatIsCancelledBeforeItLeavesNeverWas) {
    for (const bool sent_first : {true, false}) {
        SCOPED_TRACE(sent_first);
        link to;
        to.greet();
        (void)to.frames();
        const std::size_t slots = to.session.slots();
        h2_client_stream* const bystander = to.open();
        h2_client_stream* const stream = to.open();
        to.session.reset(*stream, h2_code::cancel);
        if (sent_first) {
            EXPECT_EQ(to.frames().size(), 1U);
        }
        to.session.release(*stream);
        if (!sent_first) {
            EXPECT_EQ(to.frames().size(), 1U);
        }
        EXPECT_TRUE(to.frames().empty());
        EXPECT_EQ(to.session.active(), 1U);
        EXPECT_EQ(to.session.slots(), slots - 1);
        // The one beside it is served, and so is the next.
        to.send(h2::head(1, {{":status", "204"}}));
        EXPECT_TRUE(bystander->head_complete);
        to.session.release(*bystander);
        EXPECT_EQ(to.session.slots(), slots);
        ASSERT_NE(to.open(), nullptr);
        EXPECT_EQ(to.frames(h2::headers).size(), 1U);
        EXPECT_FALSE(to.session.ended());
    }
}

// What was received within its limits leaves, with what is added to it.
TEST(H2ClientSession, SendsAHeadAboveTheLibrarysOwnLimit) {
    link to;
    to.greet();
    (void)to.frames();
    request_head head;
    head.method_text = "GET";
    head.scheme = "http";
    head.authority = "a.test";
    head.path = "/";
    for (int i = 0; i < 110; ++i)
        head.fields.add("x-" + std::to_string(i), std::string(600, 'v'));
    const result<h2_client_stream*> made = to.session.open(head, {}, nullptr);
    ASSERT_TRUE(made);
    (*made)->owner = &to;
    const std::vector<h2::read_frame> sent = to.frames();
    ASSERT_GE(sent.size(), 4U);
    EXPECT_EQ(sent.front().type, h2::headers);
    EXPECT_TRUE(sent.back().has(h2::end_headers));
    EXPECT_FALSE((*made)->closed);
}

TEST(H2ClientSession, ReleasedStreamIsCancelled) {
    link to;
    to.greet();
    h2_client_stream* const stream = to.open();
    (void)to.frames();
    to.session.release(*stream);
    const auto resets = to.frames(h2::rst_stream);
    ASSERT_EQ(resets.size(), 1U);
    EXPECT_EQ(resets[0].number(), 8U);
    // What was under way is passed over.
    to.send(h2::head(1, {{":status", "200"}}, false) + h2::body(1, "late"));
    EXPECT_FALSE(to.session.ended());
}

}  // namespace
}  // namespace penstock::http
