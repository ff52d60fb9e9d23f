// What HTTP/2 may cost us (ATTACKS E): heads that grow as they are decoded, floods of frames that
// ask for nothing, streams that end early.
#include "support/text.hpp"
#include "unit/http/h2_link.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using test::repeat;
using link = test::h2_link;

const std::string ping = h2::frame(h2::ping, 0, 0, "12345678");
const std::string priority = h2::frame(h2::priority, 0, 1, std::string("\0\0\0\0\x1", 5));
const h2::field_list bad_field = h2::get("/", {{"x", " "}});

TEST(H2Head, MayBeAsLargeAsItsLimits) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    h2::field_list fields = h2::get('/' + std::string(8191, 'a'), h2::field_list(100, {"x", "y"}));
    for (int i = 0; i < 200; ++i)
        fields.emplace_back("cookie", "c");
    ASSERT_EQ(to.send(h2::head(1, fields)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_FALSE(stream->refused);
    EXPECT_EQ(stream->head.fields.size(), 101U);
}

// One block, decoded from a few bytes by references to one large field: first a status, beyond
// twice the limit the end (CVE-2016-6581, CVE-2026-49975).
std::string growth(std::size_t references) {
    // Literal with incremental indexing of a field of 3.9 KiB; then the newest entry again.
    return std::string("\x40\1x", 3) + std::string("\x7f\x81\x1e") + std::string(4096 - 128, 'a') +
           std::string(references, '\xbe');
}

std::string whole(h2_stream_id stream, const std::string& block) {
    return h2::frame(h2::headers, h2::end_headers | h2::end_stream, stream, block);
}

std::string bomb(std::size_t references, h2_stream_id stream = 1) {
    return whole(stream, h2::block(h2::get()) + growth(references));
}

TEST(H2Head, ThatGrowsInDecodingIsRefused) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(bomb(20)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(stream->refused, errc::header_too_large);
    EXPECT_LT(stream->head.fields.bytes(), 64 * 1024U);
}

// However it is cut: the library counts pieces of frames' headers for frames.
// Who asked with HEAD must not be answered with a body.
TEST(H2Head, ThatIsTooLargeStillSaysItsMethod) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    const h2::field_list fields{{":path", '/' + std::string(9000, 'a')},
                                {":method", "HEAD"},
                                {":scheme", "http"},
                                {":authority", "a.test"}};
    ASSERT_EQ(to.send(h2::head(1, fields)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(stream->refused, errc::uri_too_long);
    EXPECT_EQ(stream->head.verb, method::head);
}

TEST(H2Head, MayComeByteByByte) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    const std::string block = h2::block(h2::get());
    std::string frames = h2::frame(h2::headers, h2::end_stream, 1, block.substr(0, 1));
    for (int i = 0; i < 7; ++i)
        frames += h2::frame(h2::continuation, 0, 1);
    frames += h2::frame(h2::continuation, h2::end_headers, 1, block.substr(1));
    ASSERT_EQ(to.send(frames, 1), h2_code::no_error);
    ASSERT_NE(to.session.next_changed(), nullptr);
}

// E9: told once, and then no more.
TEST(H2Head, ThatGrowsAgainEndsTheConnection) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    // Sent before it could know.
    ASSERT_EQ(to.send(bomb(20) + bomb(20, 3)), h2_code::no_error);
    response_head head;
    head.status = 431;
    for (int i = 0; i < 2; ++i) {
        h2_server_stream* const refused = to.session.next_changed();
        ASSERT_TRUE(refused->refused);
        ASSERT_TRUE(to.session.respond(*refused, head, std::nullopt, nullptr));
    }
    // Long after it, that is another client's matter of one connection.
    to.now += 10s;
    ASSERT_EQ(to.send(bomb(20, 5)), h2_code::no_error);
    h2_server_stream* stream = to.session.next_changed();
    while (stream->id != 5)
        stream = to.session.next_changed();
    ASSERT_TRUE(to.session.respond(*stream, head, std::nullopt, nullptr));
    EXPECT_EQ(to.send(bomb(20, 7)), h2_code::enhance_your_calm);
    EXPECT_EQ(to.session.breach(), h2_breach::header_bomb);
}

TEST(H2Head, ThatGrowsWithoutEndEndsTheConnection) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    EXPECT_EQ(to.send(bomb(4000)), h2_code::enhance_your_calm);
    EXPECT_EQ(to.goaway(), h2_code::enhance_your_calm);
}

// E9: nor is what nobody reads decoded without an end.
TEST(H2Head, ThatIsRefusedHasItsLimitToo) {
    const std::string wrong = h2::block(bad_field);
    const std::string growing = growth(4000);
    h2_limits one_stream;
    one_stream.streams = 1;
    const std::string open = h2::head(1, h2::post(), false);
    const std::string trailers = whole(1, growing);
    const std::string malformed = whole(3, wrong + growing);
    for (const std::string& bytes : {open + bomb(4000, 3), open + trailers, malformed}) {
        link to(one_stream);
        ASSERT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(bytes), h2_code::enhance_your_calm);
        EXPECT_EQ(to.session.breach(), h2_breach::header_bomb);
    }
}

// Also those of trailers that are dropped, which are no fault.
TEST(H2Head, DroppedTrailersAreCounted) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    // Literal with incremental indexing of a field named content-… of 4 KB; then the newest entry.
    const std::string name = "content-" + std::string(4042, 'a');
    const std::string first = std::string("\x40\x7f\xd3\x1e", 4) + name + std::string("\0", 1);
    const std::string head = h2::head(1, h2::post(), false);
    ASSERT_EQ(to.send(head + whole(1, first)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_TRUE(stream->ended);
    EXPECT_EQ(stream->trailers.size(), 0U);
    const std::string again = h2::head(3, h2::post(), false);
    EXPECT_EQ(to.send(again + whole(3, std::string(16'000, '\xbe'))), h2_code::enhance_your_calm);
    EXPECT_EQ(to.session.breach(), h2_breach::header_bomb);
}

// What is under way as a stream is reset is no fault, but there is an end to it.
TEST(H2Head, ThatNobodyWaitsForHasItsLimit) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false)), h2_code::no_error);
    to.session.release(*to.session.next_changed());
    ASSERT_EQ(to.reset_of(1), h2_code::internal_error);
    const std::string block(std::size_t{16} * 1024 - 9, '\x82');  // with its header, 16 KiB
    const std::string more = h2::frame(h2::headers, h2::end_headers, 1, block);
    for (int windows = 0; windows < 2; ++windows) {
        ASSERT_EQ(to.send(repeat(more, 16)), h2_code::no_error);
        to.now += 10s;
    }
    EXPECT_EQ(to.send(repeat(more, 17)), h2_code::enhance_your_calm);
    EXPECT_EQ(to.session.breach(), h2_breach::header_bomb);
}

// Nor while the reset waits behind what the client does not take.
TEST(H2Head, BehindAResetThatHasNotLeftHasItsLimit) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false)), h2_code::no_error);
    to.session.release(*to.session.next_changed());
    const std::string block(std::size_t{16} * 1024 - 9, '\x82');  // with its header, 16 KiB
    const std::string more = h2::frame(h2::headers, h2::end_headers, 1, block);
    to.session.receive(repeat(more, 16), to.now);
    EXPECT_FALSE(to.session.ended());
    to.session.receive(more, to.now);
    EXPECT_TRUE(to.session.ended());
    EXPECT_EQ(to.session.breach(), h2_breach::header_bomb);
}

TEST(H2Head, BehindTheLastGoawayHasItsLimit) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    to.session.refuse_new();
    (void)to.frames();
    const std::string block(std::size_t{16} * 1024 - 9, '\x82');  // with its header, 16 KiB
    for (h2_stream_id id = 1; id < 33; id += 2)
        ASSERT_EQ(to.send(h2::frame(h2::headers, h2::end_headers, id, block)), h2_code::no_error);
    EXPECT_EQ(to.send(h2::frame(h2::headers, h2::end_headers, 33, block)),
              h2_code::enhance_your_calm);
}

// C6, RFC 8441 §3: what is not offered is not taken.
TEST(H2Connect, NamesAProtocolOnlyIfThatWasOffered) {
    const h2::field_list websocket{{":method", "CONNECT"},
                                   {":protocol", "websocket"},
                                   {":scheme", "http"},
                                   {":authority", "a"},
                                   {":path", "/"}};
    const std::string setting("\0\x8\0\0\0\x1", 6);
    for (const bool offered : {true, false}) {
        h2_limits limits;
        limits.extended_connect = offered;
        link to(limits);
        ASSERT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.out.find(setting) != std::string::npos, offered);
        ASSERT_EQ(to.send(h2::head(1, websocket, false)), h2_code::no_error);
        if (offered)
            EXPECT_EQ(to.session.next_changed()->protocol, "websocket");
        else
            EXPECT_EQ(to.reset_of(1), h2_code::protocol_error);
    }
}

struct flood {
    const char* name;
    std::string before;
    std::string one;
    int allowed;
    h2_breach breach = h2_breach::control_flood;
};
std::ostream& operator<<(std::ostream& out, const flood& of) { return out << of.name; }

class H2Flood : public testing::TestWithParam<flood> {};

TEST_P(H2Flood, EndsTheConnectionAtItsLimit) {
    link to;
    ASSERT_EQ(to.send(h2::hello() + GetParam().before), h2_code::no_error);
    (void)to.frames();
    ASSERT_EQ(to.send(repeat(GetParam().one, GetParam().allowed)), h2_code::no_error);
    EXPECT_EQ(to.send(GetParam().one), h2_code::enhance_your_calm);
    EXPECT_EQ(to.session.breach(), GetParam().breach);
}

// A rate, not a number over the connection's life.
TEST_P(H2Flood, IsNoneWhenItTakesItsTime) {
    if (GetParam().breach != h2_breach::control_flood)
        GTEST_SKIP() << "a number over the connection's life, or of one block";
    link to;
    ASSERT_EQ(to.send(h2::hello() + GetParam().before), h2_code::no_error);
    for (int i = 0; i < 3; ++i) {
        (void)to.frames();
        ASSERT_EQ(to.send(repeat(GetParam().one, GetParam().allowed - 10)), h2_code::no_error);
        to.now += 10s;
    }
}

INSTANTIATE_TEST_SUITE_P(
    E3E4, H2Flood,
    testing::Values(flood{"Ping", "", ping, 999},
                    flood{"Settings", "", h2::frame(h2::settings, 0, 0), 999},
                    flood{"Unknown", "", h2::frame(static_cast<h2::type>(0x42), 0, 0, "x"), 999},
                    flood{"EmptyData", h2::head(1, h2::post(), false), h2::body(1, "", false), 999},
                    flood{"WindowUpdate", "", h2::window(0, 1), 1000,
                          h2_breach::window_update_flood},
                    // So many for each stream, and for the connection.
                    flood{"Priority", "", priority, 100, h2_breach::priority_flood},
                    flood{"PriorityWithAStream", h2::head(1, h2::get()), priority, 200,
                          h2_breach::priority_flood},
                    flood{"Continuation", h2::frame(h2::headers, 0, 1, h2::block(h2::get())),
                          h2::frame(h2::continuation, 0, 1), 8, h2_breach::continuation_flood}),
    [](const auto& param) { return std::string(param.param.name); });

// E1, E2: resets of either side count alike.
TEST(H2Resets, OfTheClientAreLimited) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    std::uint32_t id = 1;
    for (int i = 0; i < 200; ++i, id += 2) {
        ASSERT_EQ(to.send(h2::head(id, h2::get()) + h2::rst(id)), h2_code::no_error);
        to.session.release(*to.session.next_changed());
    }
    EXPECT_EQ(to.send(h2::head(id, h2::get()) + h2::rst(id)), h2_code::enhance_your_calm);
}

// One account for all that goes wrong with requests.
TEST(H2Resets, CountWithHeadsThatAreRefused) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    std::uint32_t id = 1;
    for (int i = 0; i < 100; ++i, id += 4) {
        ASSERT_EQ(to.send(h2::head(id, h2::get()) + h2::rst(id)), h2_code::no_error);
        to.session.release(*to.session.next_changed());
        ASSERT_EQ(to.send(h2::head(id + 2, h2::get("/../x"))), h2_code::no_error);
        h2_server_stream* const refused = to.session.next_changed();
        ASSERT_TRUE(refused->refused);
        response_head head;
        head.status = 400;
        ASSERT_TRUE(to.session.respond(*refused, head, std::nullopt, nullptr));
        (void)to.frames();
        to.session.release(*refused);
    }
    EXPECT_EQ(to.send(h2::head(id, h2::get("/../x"))), h2_code::enhance_your_calm);
    EXPECT_EQ(to.session.breach(), h2_breach::faulty_heads);
}

TEST(H2Resets, OfOursAreLimited) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    std::uint32_t id = 1;
    for (int i = 0; i < 200; ++i, id += 2) {
        ASSERT_EQ(to.send(h2::head(id, bad_field)), h2_code::no_error);
        EXPECT_EQ(to.reset_of(id), h2_code::protocol_error);
    }
    EXPECT_EQ(to.send(h2::head(id, bad_field)), h2_code::enhance_your_calm);
    EXPECT_EQ(to.goaway(), h2_code::enhance_your_calm);
}

// An origin that breaks off its responses says nothing about the client.
TEST(H2Resets, ForOurOwnFaultAreNoneOfTheClients) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    for (std::uint32_t id = 1; id < 601; id += 2) {
        ASSERT_EQ(to.send(h2::head(id, h2::get())), h2_code::no_error);
        h2_server_stream* const stream = to.session.next_changed();
        to.session.reset(*stream, h2_code::internal_error);
        EXPECT_EQ(to.reset_of(id), h2_code::internal_error);
        to.session.release(*stream);
    }
    EXPECT_FALSE(to.session.ended());
}

TEST(H2Resets, OfHalfTheStreamsWithinASecondAreTooMany) {
    h2_limits limits;
    limits.floods.glitches = 100'000;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    h2_code fault = h2_code::no_error;
    std::uint32_t streams = 0;
    for (; fault == h2_code::no_error && streams < 1000; ++streams) {
        fault = to.send(h2::head(streams * 2 + 1, h2::get()) + h2::rst(streams * 2 + 1));
        if (h2_server_stream* const stream = to.session.next_changed())
            to.session.release(*stream);
    }
    EXPECT_EQ(fault, h2_code::enhance_your_calm);
    EXPECT_EQ(streams, 500U);
}

}  // namespace
}  // namespace penstock::http
