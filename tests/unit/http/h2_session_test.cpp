// The session fed by hand: what its streams say, and the frames that it answers with.
#include "penstock/http/h2_server_session.hpp"

#include "unit/http/h2_link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using link = test::h2_link;

// A body of fixed pieces; an empty one is a pause.
class pieces final : public h2_outgoing {
 public:
    explicit pieces(std::vector<std::string> of) : left(std::move(of)) {}
    piece take(std::size_t max) override {
        if (left.empty())
            return {{}, true, false};
        now = left.front().substr(0, max);
        left.front().erase(0, max);
        if (!left.front().empty())
            return {now, false, false};
        left.erase(left.begin());
        return {now, left.empty(), false};
    }
    const fields* trailers() const noexcept override { return &after; }

    std::vector<std::string> left;
    std::string now;
    fields after;
};

response_head status(int code) {
    response_head head;
    head.status = code;
    return head;
}

TEST(H2Session, BeginsWithItsSettingsAndTheConnectionsWindow) {
    h2_limits limits;
    limits.streams = 0x01020304;
    link to(limits);
    const auto frames = to.frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].type, h2::settings);
    std::vector<std::pair<int, std::uint32_t>> settings;
    for (std::size_t at = 0; at < frames[0].payload.size(); at += 6)
        settings.emplace_back(frames[0].payload[at + 1], frames[0].number(at + 2));
    EXPECT_THAT(settings, testing::UnorderedElementsAre(testing::Pair(3, 0x01020304),
                                                        testing::Pair(4, 1024 * 1024),
                                                        testing::Pair(6, 64 * 1024),
                                                        testing::Pair(8, 1), testing::Pair(9, 1)));
    EXPECT_EQ(frames[1].type, h2::window_update);
    EXPECT_EQ(frames[1].number(), 1024 * 1024 - 65535U);
}

TEST(H2Session, ReadsARequestThroughEveryCut) {
    const std::string bytes =
        h2::hello() +
        h2::head(
            1,
            h2::post(
                "/a/../b?c",
                {{"x-one", "1"}, {"content-length", "5"}, {"cookie", "a=1"}, {"cookie", "b=2"}}),
            false) +
        h2::body(1, "hel", false) + h2::body(1, "lo", false) +
        h2::head(1, {{"x-sum", "7"}, {"authorization", "5"}});
    for (std::size_t piece = 1; piece < bytes.size(); piece += piece < 20 ? 1 : 17) {
        link to;
        ASSERT_EQ(to.send(bytes, piece), h2_code::no_error);
        h2_server_stream* const stream = to.session.next_changed();
        ASSERT_NE(stream, nullptr);
        EXPECT_EQ(to.session.next_changed(), nullptr);
        EXPECT_EQ(stream->id, 1U);
        EXPECT_FALSE(stream->refused);
        EXPECT_EQ(stream->head.method_text, "POST");
        EXPECT_EQ(stream->head.scheme, "http");
        EXPECT_EQ(stream->head.authority, "a.test");
        EXPECT_EQ(stream->head.path, "/b");
        EXPECT_EQ(stream->head.query, "?c");
        EXPECT_EQ(stream->head.fields.find("x-one"), "1");
        EXPECT_EQ(stream->head.fields.find("cookie"), "a=1; b=2");
        EXPECT_EQ(stream->head.fields.find("content-length"), std::nullopt);
        EXPECT_EQ(stream->length, 5U);
        EXPECT_TRUE(stream->ended);
        EXPECT_EQ(to.session.take_data(*stream, 100), "hello");
        EXPECT_EQ(to.session.take_data(*stream, 100), "");
        EXPECT_EQ(stream->trailers.find("x-sum"), "7");
        EXPECT_EQ(stream->trailers.size(), 1U);
    }
}

// An empty body is over as soon as one that is none, and all the same another thing.
TEST(H2Session, TellsAnEmptyBodyFromNone) {
    const h2::field_list head = h2::post();
    const struct {
        const char* name;
        std::string says;
        bool bodiless;
    } cases[] = {
        {"END_STREAM on HEADERS", h2::head(1, head), true},
        {"on DATA", h2::head(1, head, false) + h2::body(1, ""), false},
        {"on trailers", h2::head(1, head, false) + h2::head(1, {{"x-sum", "0"}}), false},
    };
    for (const auto& item : cases) {
        for (const std::size_t piece : {std::string_view::npos, std::size_t{1}}) {
            link to;
            to.greet();
            to.send(item.says, piece);
            const h2_server_stream* const stream = to.session.next_changed();
            ASSERT_NE(stream, nullptr) << item.name;
            EXPECT_TRUE(stream->ended) << item.name;
            EXPECT_EQ(stream->bodiless, item.bodiless) << item.name;
        }
    }
}

TEST(H2Session, SendsAResponseWithItsBodyAndTrailers) {
    link to;
    ASSERT_EQ(to.send(h2::hello() + h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    pieces body({"hello", "", "world"});
    body.after.add("x-sum", "7");
    response_head head = status(200);
    head.fields.add("Content-Type", "text/plain");
    ASSERT_TRUE(to.session.respond(*stream, head, std::nullopt, &body));
    h2::inflater inflater;
    auto frames = to.frames();
    ASSERT_EQ(frames.size(), 5U);  // two of the beginning, the acknowledgement
    EXPECT_THAT(inflater.decode(frames[3].payload),
                testing::ElementsAre(testing::Pair(":status", "200"),
                                     testing::Pair("content-type", "text/plain")));
    EXPECT_EQ(frames[4].payload, "hello");
    EXPECT_TRUE(h2_server_session::starved(*stream));
    EXPECT_TRUE(to.frames().empty());
    to.session.resume(*stream);
    frames = to.frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].payload, "world");
    EXPECT_FALSE(frames[0].has(h2::end_stream));
    EXPECT_EQ(h2::value(inflater.decode(frames[1].payload), "x-sum"), "7");
    EXPECT_TRUE(frames[1].has(h2::end_stream));
    EXPECT_EQ(to.session.next_changed(), stream);
    EXPECT_TRUE(stream->sent);
    EXPECT_TRUE(stream->closed);
    EXPECT_EQ(stream->data_sent, 10U);
    to.session.release(*stream);
    EXPECT_EQ(to.session.active(), 0U);
}

TEST(H2Session, KeepsToTheWindowsOfTheClient) {
    link to;
    ASSERT_EQ(to.send(h2::hello() + h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    pieces body({std::string(100'000, 'x')});
    ASSERT_TRUE(to.session.respond(*stream, status(200), 100'000, &body));
    const auto sum = [](const std::vector<h2::read_frame>& frames) {
        std::size_t bytes = 0;
        for (const h2::read_frame& next : frames)
            bytes += next.type == h2::data ? next.payload.size() : 0;
        return bytes;
    };
    EXPECT_EQ(sum(to.frames()), 65535U);
    EXPECT_FALSE(h2_server_session::starved(*stream));
    ASSERT_EQ(to.send(h2::frame(h2::window_update, 0, 1, h2::number(100'000))), h2_code::no_error);
    EXPECT_EQ(sum(to.frames()), 0U);
    ASSERT_EQ(to.send(h2::frame(h2::window_update, 0, 0, h2::number(100'000))), h2_code::no_error);
    EXPECT_EQ(sum(to.frames()), 100'000 - 65535U);
    EXPECT_TRUE(stream->sent);
}

TEST(H2Session, StopsSendingAtItsMark) {
    link to;
    ASSERT_EQ(to.send(h2::hello() + h2::frame(h2::window_update, 0, 0, h2::number(1 << 24)) +
                      h2::frame(h2::settings, 0, 0, std::string("\0\4", 2) + h2::number(1 << 24)) +
                      h2::head(1, h2::get())),
              h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    pieces body({std::string(1'000'000, 'x')});
    ASSERT_TRUE(to.session.respond(*stream, status(200), 1'000'000, &body));
    std::size_t all = 0;
    while (to.session.wants_to_send()) {
        std::string out;
        to.session.send(out, 50'000);
        ASSERT_LE(out.size(), 50'000 + 16'384 + 9U);
        ASSERT_FALSE(out.empty());
        all += out.size();
    }
    EXPECT_GT(all, 1'000'000U);
    EXPECT_TRUE(stream->sent);
}

// The client may send more only once the bytes have gone on towards the origin.
TEST(H2Session, OpensItsWindowsAsBytesAreTaken) {
    h2_limits limits;
    limits.stream_window = limits.connection_window = 70'000;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false)), h2_code::no_error);
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(to.send(h2::body(1, std::string(16'000, 'x'), false)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    EXPECT_EQ(h2_server_session::data_waiting(*stream), 64'000U);
    std::size_t ahead = 0;
    for (const h2::read_frame& next : to.frames()) {
        if (next.type == h2::window_update) {
            EXPECT_EQ(next.stream, 0U);
            ahead += next.number();
        }
    }
    EXPECT_LE(ahead, 70'000 - 65'535 + 35'000U);
    std::size_t taken = 0;
    for (std::string_view next; !(next = to.session.take_data(*stream, 10'000)).empty();)
        taken += next.size();
    EXPECT_EQ(taken, 64'000U);
    std::size_t connection = 0;
    std::size_t of_stream = 0;
    for (const h2::read_frame& next : to.frames()) {
        if (next.type == h2::window_update)
            (next.stream == 0 ? connection : of_stream) += next.number();
    }
    EXPECT_LE(ahead + connection, 70'000 - 65'535 + 64'000U);
    EXPECT_GT(of_stream, 30'000U);
    // All was read: with what comes now the library owes the connection half of its window.
    ASSERT_EQ(to.send(h2::body(1, std::string(16'000, 'x'), false)), h2_code::no_error);
    while (!to.session.take_data(*stream, 16'000).empty()) {
    }
    for (const h2::read_frame& next : to.frames())
        connection += next.type == h2::window_update && next.stream == 0 ? next.number() : 0;
    EXPECT_GT(connection, 30'000U);
}

// A stream that is not read takes its own window and not the others'. More than half of the
// connection's may not wait, so what a client can make us hold stays within one window and a half.
TEST(H2Session, StreamThatIsNotReadHoldsUpNoOther) {
    h2_limits limits;
    limits.stream_window = 70'000;
    limits.connection_window = 140'000;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false) + h2::head(3, h2::post(), false)),
              h2_code::no_error);
    h2_server_stream* const slow = to.session.next_changed();
    h2_server_stream* const fast = to.session.next_changed();
    ASSERT_NE(fast, nullptr);
    (void)to.frames();
    std::size_t window = 140'000;  // of the connection, as the client sees it
    const auto send = [&](std::uint32_t id) {
        window -= 10'000;
        ASSERT_EQ(to.send(h2::body(id, std::string(10'000, 'x'), false)), h2_code::no_error);
        for (const h2::read_frame& next : to.frames()) {
            if (next.type == h2::window_update && next.stream == 0)
                window += next.number();
        }
    };
    for (int i = 0; i < 7; ++i)
        send(1);
    EXPECT_EQ(h2_session::data_waiting(*slow), 70'000U);
    for (int i = 0; i < 50; ++i) {
        send(3);
        EXPECT_GE(window, 60'000U) << i;
        while (!to.session.take_data(*fast, 10'000).empty()) {
        }
    }
    // One more that nobody reads has to fit into the window that is left.
    ASSERT_EQ(to.send(h2::head(5, h2::post(), false)), h2_code::no_error);
    for (int i = 0; i < 6; ++i)
        send(5);
    const std::size_t waits = h2_session::data_waiting(*slow) + 60'000;
    EXPECT_LE(waits + window, 140'000 + 70'000U);
    EXPECT_GE(waits + window, 140'000U);
}

TEST(H2Session, GivesBackTheWindowOfWhatNobodyTook) {
    h2_limits limits;
    limits.connection_window = 70'000;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    for (std::uint32_t id = 1; id < 41; id += 2) {
        ASSERT_EQ(to.send(h2::head(id, h2::post(), false) +
                          h2::body(id, std::string(16'000, 'x'), false)),
                  h2_code::no_error);
        h2_server_stream* const stream = to.session.next_changed();
        ASSERT_NE(stream, nullptr);
        to.session.reset(*stream, h2_code::cancel);
        (void)to.frames();
        EXPECT_EQ(to.session.next_changed(), stream);
        EXPECT_TRUE(stream->closed);
        to.session.release(*stream);
        (void)to.frames();
    }
}

TEST(H2Session, RefusesStreamsAboveItsLimitOneByOne) {
    h2_limits limits;
    limits.streams = 2;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::get()) + h2::head(3, h2::get()) + h2::head(5, h2::get())),
              h2_code::no_error);
    EXPECT_EQ(to.reset_of(5), h2_code::refused_stream);
    // The slot of a stream is free once its owner has let go of it, not before.
    ASSERT_EQ(to.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8)) + h2::head(7, h2::get())),
              h2_code::no_error);
    EXPECT_EQ(to.reset_of(7), h2_code::refused_stream);
    h2_server_stream* stream = to.session.next_changed();
    while (stream != nullptr && stream->id != 1)
        stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_TRUE(stream->closed_by_peer);
    to.session.release(*stream);
    ASSERT_EQ(to.send(h2::head(9, h2::get())), h2_code::no_error);
    EXPECT_TRUE(to.frames().empty());
    EXPECT_EQ(to.session.active(), 2U);
}

TEST(H2Session, EndsTheConnectionOfWhoIsRefusedTooOften) {
    h2_limits limits;
    limits.streams = 0;
    limits.floods.refusals = 5;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    std::uint32_t id = 1;
    for (; id < 11; id += 2)
        ASSERT_EQ(to.send(h2::head(id, h2::get())), h2_code::no_error);
    EXPECT_EQ(to.send(h2::head(id, h2::get())), h2_code::enhance_your_calm);
    EXPECT_EQ(to.goaway(), h2_code::enhance_your_calm);
    EXPECT_TRUE(to.session.over());
}

TEST(H2Session, EndsInTwoSteps) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    (void)to.frames();
    to.session.announce_end();
    EXPECT_EQ(to.one(h2::goaway, 0).number(), 0x7fffffffU);
    ASSERT_EQ(to.send(h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    to.session.refuse_new();
    EXPECT_EQ(to.one(h2::goaway, 0).number(), 1U);
    ASSERT_EQ(to.send(h2::head(3, h2::get())), h2_code::no_error);
    EXPECT_EQ(to.session.next_changed(), nullptr);
    EXPECT_FALSE(to.session.over());
    ASSERT_TRUE(to.session.respond(*stream, status(204), std::nullopt, nullptr));
    (void)to.frames();
    to.session.release(*stream);
    EXPECT_TRUE(to.session.over());
}

TEST(H2Session, NeverWritesWhatAnotherReaderCouldTakeForMore) {
    link to;
    ASSERT_EQ(to.send(h2::hello() + h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    const std::vector<std::pair<std::string, std::string>> bad{
        {"x", "a\r\nb: c"},
        {"x", std::string("a\0", 2)},
        {"x y", "1"},
        {"x", " a"},
        {"Connection", "close"},
        {"transfer-encoding", "chunked"},
        {"content-length", "5"},
    };
    for (const auto& [name, value] : bad) {
        response_head head = status(200);
        head.fields.add(name, value);
        EXPECT_FALSE(to.session.respond(*stream, head, std::nullopt, nullptr)) << name;
        EXPECT_FALSE(stream->answered);
    }
    EXPECT_FALSE(to.session.respond(*stream, status(42), std::nullopt, nullptr));
}

}  // namespace
}  // namespace penstock::http
