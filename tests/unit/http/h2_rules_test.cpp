// What RFC 9113 forbids a client, and how each breach ends: the stream with RST_STREAM, the
// connection with GOAWAY, or the request with a status.
#include "support/text.hpp"
#include "unit/http/h2_link.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using test::repeat;
using link = test::h2_link;

const std::string ping = h2::frame(h2::ping, 0, 0, "12345678");

struct connection_fault {
    const char* name;
    std::string bytes;  // behind preface, SETTINGS and the acknowledgement
    h2_code why;
};
std::ostream& operator<<(std::ostream& out, const connection_fault& of) { return out << of.name; }

class ConnectionFault : public testing::TestWithParam<connection_fault> {};

TEST_P(ConnectionFault, EndsTheConnection) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        ASSERT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(GetParam().bytes, piece), GetParam().why);
        EXPECT_EQ(to.goaway(), GetParam().why);
        EXPECT_TRUE(to.session.over());
        // Nothing that comes now is looked at.
        while (to.session.next_changed() != nullptr) {
        }
        to.send(h2::head(99, h2::get()));
        EXPECT_TRUE(to.frames().empty());
        EXPECT_EQ(to.session.next_changed(), nullptr);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Frames, ConnectionFault,
    testing::Values(
        connection_fault{"S4_2_FrameAboveTheMaximum",
                         h2::frame(h2::ping, 0, 0, std::string(16385, 'x')),
                         h2_code::frame_size_error},
        connection_fault{"S6_1_DataOnStreamZero", h2::body(0, "x"), h2_code::protocol_error},
        connection_fault{"S6_1_PaddingAsLongAsTheFrame",
                         h2::head(1, h2::post(), false) +
                             h2::frame(h2::data, h2::padded, 1, std::string("\5abcd")),
                         h2_code::protocol_error},
        connection_fault{"S6_2_HeadersOnStreamZero", h2::head(0, h2::get()),
                         h2_code::protocol_error},
        connection_fault{"S6_3_PriorityOnStreamZero",
                         h2::frame(h2::priority, 0, 0, std::string(5, '\1')),
                         h2_code::protocol_error},
        connection_fault{"S6_3_PriorityOfAnotherLength", h2::frame(h2::priority, 0, 1, "1234"),
                         h2_code::frame_size_error},
        connection_fault{"S6_4_ResetOnStreamZero", h2::rst(0), h2_code::protocol_error},
        connection_fault{"S6_4_ResetOfAnIdleStream", h2::rst(1), h2_code::protocol_error},
        connection_fault{"S6_4_ResetOfAnotherLength",
                         h2::head(1, h2::get()) + h2::frame(h2::rst_stream, 0, 1, "abc"),
                         h2_code::frame_size_error},
        connection_fault{"S6_5_SettingsOnAStream", h2::frame(h2::settings, 0, 1),
                         h2_code::protocol_error},
        connection_fault{"S6_5_AcknowledgementWithBytes",
                         h2::frame(h2::settings, h2::ack, 0, "123456"), h2_code::frame_size_error},
        connection_fault{"S6_5_SettingsOfAnotherLength", h2::frame(h2::settings, 0, 0, "12345"),
                         h2_code::frame_size_error},
        connection_fault{"S6_5_2_PushNeitherOnNorOff", h2::setting(2, 2), h2_code::protocol_error},
        connection_fault{"S6_5_2_WindowTooLarge", h2::setting(4, 0x80000000U),
                         h2_code::flow_control_error},
        connection_fault{"S6_5_2_FrameSizeTooSmall", h2::setting(5, 16383),
                         h2_code::protocol_error},
        connection_fault{"S6_5_2_FrameSizeTooLarge", h2::setting(5, 1U << 24U),
                         h2_code::protocol_error},
        connection_fault{
            "S6_6_PushFromAClient",
            h2::head(1, h2::get()) + h2::frame(h2::push_promise, h2::end_headers, 1, h2::number(2)),
            h2_code::protocol_error},
        connection_fault{"S6_7_PingOnAStream", h2::frame(h2::ping, 0, 1, "12345678"),
                         h2_code::protocol_error},
        connection_fault{"S6_7_PingOfAnotherLength", h2::frame(h2::ping, 0, 0, "1234567"),
                         h2_code::frame_size_error},
        connection_fault{"S6_8_GoawayOnAStream",
                         h2::frame(h2::goaway, 0, 1, h2::number(0) + h2::number(0)),
                         h2_code::protocol_error},
        connection_fault{"S6_9_WindowByNothing", h2::window(0, 0), h2_code::protocol_error},
        connection_fault{"S6_9_WindowOfAStreamByNothing",
                         h2::head(1, h2::post(), false) + h2::window(1, 0),
                         h2_code::protocol_error},
        connection_fault{"S6_9_WindowOfAnotherLength", h2::frame(h2::window_update, 0, 0, "123"),
                         h2_code::frame_size_error},
        connection_fault{"S6_9_WindowOfAnIdleStream", h2::window(1, 1), h2_code::protocol_error},
        connection_fault{"S6_9_1_WindowOverflow", h2::window(0, 0x7fffffff),
                         h2_code::flow_control_error},
        connection_fault{"S6_9_2_WindowThatSettingsOverflow",
                         h2::head(1, h2::post(), false) + h2::window(1, 0x7fff0000U) +
                             h2::setting(4, 0x7fffffff),
                         h2_code::flow_control_error},
        connection_fault{"S6_2_PaddingAsLongAsTheFrame",
                         h2::frame(h2::headers, h2::end_headers | h2::padded, 1, "\5abcd"),
                         h2_code::protocol_error},
        connection_fault{"S6_10_ContinuationOfNothing",
                         h2::frame(h2::continuation, h2::end_headers, 1, ""),
                         h2_code::protocol_error},
        connection_fault{"S6_10_AnotherFrameWithinABlock",
                         h2::frame(h2::headers, 0, 1, h2::block(h2::get())) + ping,
                         h2_code::protocol_error},
        connection_fault{"S4_3_BlockThatCannotBeDecoded",
                         h2::frame(h2::headers, h2::end_headers, 1, "\xff\xff\xff\xff\xff\xff"),
                         h2_code::compression_error}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Streams, ConnectionFault,
    testing::Values(
        connection_fault{"S5_1_DataOnAnIdleStream", h2::body(1, "x"), h2_code::protocol_error},
        connection_fault{"S5_1_DataBehindTheEnd", h2::head(1, h2::get()) + h2::body(1, "x"),
                         h2_code::stream_closed},
        connection_fault{"S5_1_HeadersBehindTheEnd",
                         h2::head(1, h2::get()) + h2::head(1, h2::get()), h2_code::stream_closed},
        connection_fault{"S5_1_DataBehindTheEndOfTheBody",
                         h2::head(1, h2::post(), false) + h2::body(1, "x") + h2::body(1, "x"),
                         h2_code::stream_closed},
        connection_fault{"S5_1_DataBehindItsReset",
                         h2::head(1, h2::post(), false) + h2::rst(1) + h2::body(1, "x"),
                         h2_code::stream_closed},
        connection_fault{"S5_1_HeadersBehindItsReset",
                         h2::head(1, h2::post(), false) + h2::rst(1) + h2::head(1, h2::get()),
                         h2_code::stream_closed},
        connection_fault{"S5_1_1_EvenStream", h2::head(2, h2::get()), h2_code::protocol_error},
        connection_fault{"S5_1_1_StreamThatWasPassedOver",
                         h2::head(5, h2::get()) + h2::head(3, h2::get()), h2_code::protocol_error}),
    [](const auto& param) { return std::string(param.param.name); });

// RFC 7540 §5.3.1: PRIORITY, whatever has become of its stream, and HEADERS.
INSTANTIATE_TEST_SUITE_P(
    Dependencies, ConnectionFault,
    testing::Values(
        connection_fault{"S5_3_1_OfAnIdleStreamOnItself", h2::priority_on(1, 1),
                         h2_code::protocol_error},
        connection_fault{"S5_3_1_OfAnOpenStreamOnItself",
                         h2::head(1, h2::post(), false) + h2::priority_on(1, 1),
                         h2_code::protocol_error},
        connection_fault{"S5_3_1_OfAnEndedStreamOnItself",
                         h2::head(1, h2::get()) + h2::priority_on(1, 1), h2_code::protocol_error},
        connection_fault{"S5_3_1_OfAStreamOnItselfAlone",
                         h2::head(1, h2::get()) + h2::priority_on(1, 0x80000001U),
                         h2_code::protocol_error},
        connection_fault{"S5_3_1_OfARequestOnItself", h2::head_on(1, 1), h2_code::protocol_error},
        connection_fault{"S5_3_1_OfARequestOnItselfAlone", h2::head_on(1, 0x80000001U),
                         h2_code::protocol_error},
        connection_fault{"S5_3_1_OfAPaddedRequestOnItself", h2::head_on(1, 1, 3),
                         h2_code::protocol_error},
        connection_fault{
            "S5_3_1_OfTrailersOnThemselves",
            h2::head(1, h2::post(), false) +
                h2::frame(h2::headers, h2::end_headers | h2::end_stream | h2::has_priority, 1,
                          h2::number(1) + '\x10' + h2::block({{"x", "y"}})),
            h2_code::protocol_error}),
    [](const auto& param) { return std::string(param.param.name); });

// Nothing of it has reached the session, so its stream was never opened.
TEST(H2Dependency, OfARequestOnItselfOpensNoStream) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        ASSERT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(h2::head_on(1, 1), piece), h2_code::protocol_error);
        EXPECT_EQ(to.session.opened(), 0U);
        EXPECT_EQ(to.session.breach(), h2_breach::rules);
    }
}

TEST(H2Dependency, OnAnyOtherStreamIsNoFault) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        ASSERT_EQ(to.greet(), h2_code::no_error);
        // A priority stands in front of the padding's end, and a weight may look like a stream.
        EXPECT_EQ(to.send(h2::priority_on(3, 0) + h2::priority_on(3, 1) + h2::head_on(1, 0) +
                              h2::head_on(3, 1, 7) + h2::head_on(5, 0x80000003U, 0) +
                              h2::head_on(7, 0x07000000U) + h2::priority_on(5, 3) +
                              h2::priority_on(99, 0x80000005U),
                          piece),
                  h2_code::no_error);
        EXPECT_EQ(to.session.opened(), 4U);
    }
}

TEST(H2Preface, MustBeTheProtocols) {
    link to;
    EXPECT_NE(to.send("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"), h2_code::no_error);
}

TEST(H2Preface, MustBeFollowedBySettings) {
    link to;
    EXPECT_EQ(to.send(std::string(h2::preface) + ping), h2_code::protocol_error);
}

// RFC 9113 §5.1: what was under way when we reset a stream is no fault.
TEST(H2Streams, ThatWeHaveResetMayStillBeWrittenTo) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    to.session.reset(*stream, h2_code::cancel);
    (void)to.frames();
    to.session.release(*stream);
    EXPECT_EQ(to.send(h2::body(1, "x", false) + h2::body(1, "x") + h2::window(1, 1) + h2::rst(1)),
              h2_code::no_error);
    EXPECT_EQ(to.send(ping), h2_code::no_error);
    EXPECT_EQ(to.frames().size(), 1U);
}

// Whatever else waits to be sent, and however they come in pieces.
TEST(H2Settings, AreNoFaultWhileOtherFramesWait) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    const std::string frame = h2::setting(4, 70'000);
    to.session.receive(std::string_view(frame).substr(0, 9), to.now);
    response_head head;
    head.status = 204;
    ASSERT_TRUE(to.session.respond(*stream, head, std::nullopt, nullptr));
    to.session.receive(std::string_view(frame).substr(9), to.now);
    EXPECT_FALSE(to.session.ended());
    EXPECT_EQ(to.one(h2::headers, 1).stream, 1U);
    EXPECT_EQ(to.session.ended_by(), h2_code::no_error);
}

TEST(H2Settings, ThatOverflowAWindowEndTheConnectionInPiecesToo) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::post(), false) + h2::window(1, 0x7fff0000U)),
              h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    response_head head;
    head.status = 103;
    ASSERT_TRUE(to.session.send_interim(*stream, head));
    const std::string frame = h2::setting(4, 0x7fffffff);
    to.session.receive(std::string_view(frame).substr(0, 9), to.now);
    (void)to.frames();
    // E13: what stands behind it opens nothing.
    to.session.receive(frame.substr(9) + h2::head(3, h2::get()), to.now);
    EXPECT_EQ(to.goaway(), h2_code::flow_control_error);
    EXPECT_EQ(to.session.breach(), h2_breach::window_overflow);
    while (const h2_server_stream* const changed = to.session.next_changed())
        EXPECT_EQ(changed->id, 1U);
}

// E5.
TEST(H2Answers, ThatNobodyReadsAreLimited) {
    h2_limits limits;
    limits.floods.control = 10'000;
    link to(limits);
    ASSERT_EQ(to.greet(), h2_code::no_error);
    for (int i = 0; i < 1000; ++i)
        to.session.receive(ping, to.now);
    EXPECT_FALSE(to.session.ended());
    to.session.receive(ping, to.now);
    EXPECT_EQ(to.session.breach(), h2_breach::unread_replies);
}

struct stream_fault {
    const char* name;
    std::string bytes;  // of stream 1
    h2_code why = h2_code::protocol_error;
};
std::ostream& operator<<(std::ostream& out, const stream_fault& of) { return out << of.name; }

class StreamFault : public testing::TestWithParam<stream_fault> {};

// The stream ends and another one on the same connection is served.
TEST_P(StreamFault, EndsTheStreamAlone) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        ASSERT_EQ(to.greet(), h2_code::no_error);
        ASSERT_EQ(to.send(GetParam().bytes, piece), h2_code::no_error);
        EXPECT_EQ(to.reset_of(1), GetParam().why);
        while (h2_server_stream* const stream = to.session.next_changed()) {
            EXPECT_TRUE(stream->closed);
            EXPECT_FALSE(stream->ended);
            to.session.release(*stream);
        }
        EXPECT_EQ(to.session.active(), 0U);
        ASSERT_EQ(to.send(h2::head(3, h2::get())), h2_code::no_error);
        h2_server_stream* const other = to.session.next_changed();
        ASSERT_NE(other, nullptr);
        EXPECT_FALSE(other->refused);
    }
}

h2::field_list without(h2::field_list of, std::string_view name) {
    std::erase_if(of, [&](const auto& field) { return field.first == name; });
    return of;
}

h2::field_list with(std::string_view name, std::string_view value) {
    h2::field_list of = h2::get();
    for (auto& [key, text] : of) {
        if (key == name) {
            text = value;
            return of;
        }
    }
    of.emplace_back(name, value);
    return of;
}

stream_fault field(const char* name, std::string_view key, std::string_view value) {
    return {name, h2::head(1, with(key, value))};
}

INSTANTIATE_TEST_SUITE_P(
    D1, StreamFault,
    testing::Values(field("CrLfInValue", "x", "a\r\nb: c"), field("LfInValue", "x", "a\nb"),
                    field("NulInValue", "x", std::string_view("a\0b", 3)),
                    field("SpaceBeforeValue", "x", " a"), field("SpaceBehindValue", "x", "a "),
                    field("TabBehindValue", "x", "a\t"), field("UpperCaseInName", "X-a", "1"),
                    field("SpaceInName", "x a", "1"), field("ColonInName", "x:a", "1"),
                    field("CrLfInName", "x\r\na", "1"), field("ControlInName", "x\x01", "1"),
                    field("EmptyName", "", "1"), field("SpaceInPath", ":path", "/a HTTP/1.1"),
                    field("CrLfInPath", ":path", "/a\r\nb"),
                    field("SpaceInMethod", ":method", "GET /a"),
                    field("CrLfInMethod", ":method", "GET\r\nX"),
                    field("ControlInAuthority", ":authority", "a\x01"),
                    field("SpaceInAuthority", ":authority", "a b"),
                    field("CrLfInScheme", ":scheme", "http\r\n")),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(D2, StreamFault,
                         testing::Values(field("TransferEncoding", "transfer-encoding", "chunked"),
                                         field("Connection", "connection", "close"),
                                         field("KeepAlive", "keep-alive", "1"),
                                         field("ProxyConnection", "proxy-connection", "close"),
                                         field("Upgrade", "upgrade", "websocket"),
                                         field("TeOtherThanTrailers", "te", "gzip")),
                         [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    D3, StreamFault,
    testing::Values(
        stream_fault{"LengthWithoutData", h2::head(1, h2::post("/", {{"content-length", "5"}}))},
        stream_fault{
            "LengthAboveTheData",
            h2::head(1, h2::post("/", {{"content-length", "5"}}), false) + h2::body(1, "1234")},
        stream_fault{
            "LengthBelowTheData",
            h2::head(1, h2::post("/", {{"content-length", "3"}}), false) + h2::body(1, "1234")},
        stream_fault{"LengthAboveTheDataWithTrailers",
                     h2::head(1, h2::post("/", {{"content-length", "5"}}), false) +
                         h2::body(1, "1234", false) + h2::head(1, {{"x", "y"}})},
        stream_fault{
            "TwoLengths",
            h2::head(1, h2::post("/", {{"content-length", "5"}, {"content-length", "5"}}), false)},
        stream_fault{"LengthThatIsNoNumber",
                     h2::head(1, h2::post("/", {{"content-length", "+5"}}), false)}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    D4, StreamFault,
    testing::Values(
        field("EmptyPath", ":path", ""), field("PathWithoutSlash", ":path", "a"),
        field("EmptyMethod", ":method", ""), field("AsteriskOfAGet", ":path", "*"),
        stream_fault{"NoHost", h2::head(1, without(h2::get(), ":authority"))},
        stream_fault{"NoPath", h2::head(1, without(h2::get(), ":path"))},
        stream_fault{"NoMethod", h2::head(1, without(h2::get(), ":method"))},
        stream_fault{"NoScheme", h2::head(1, without(h2::get(), ":scheme"))},
        stream_fault{"TwoPaths", h2::head(1, h2::get("/", {{":path", "/"}}))},
        stream_fault{"UnknownPseudo", h2::head(1, h2::get("/", {{":other", "1"}}))},
        stream_fault{"TwoMethods", h2::head(1, h2::get("/", {{":method", "GET"}}))},
        stream_fault{"TwoAuthorities", h2::head(1, h2::get("/", {{":authority", "a"}}))},
        stream_fault{"ConnectWithAPath",
                     h2::head(1, {{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}})},
        stream_fault{"ConnectToNobody", h2::head(1, {{":method", "CONNECT"}, {"host", "a:1"}})},
        stream_fault{"OtherProtocol", h2::head(1, {{":method", "CONNECT"},
                                                   {":protocol", "connect-udp"},
                                                   {":scheme", "http"},
                                                   {":authority", "a"},
                                                   {":path", "/"}})},
        stream_fault{"FieldOfTheConnectionInTrailers",
                     h2::head(1, h2::post(), false) + h2::head(1, {{"connection", "x"}})},
        stream_fault{"UpperCaseInTrailers",
                     h2::head(1, h2::post(), false) + h2::head(1, {{"X", "y"}})},
        stream_fault{"StatusInARequest", h2::head(1, h2::get("/", {{":status", "200"}}))},
        stream_fault{"PseudoBehindFields", h2::head(1, {{":method", "GET"},
                                                        {":scheme", "http"},
                                                        {"x", "y"},
                                                        {":path", "/"},
                                                        {":authority", "a"}})},
        stream_fault{"PseudoInTrailers",
                     h2::head(1, h2::post(), false) + h2::head(1, {{":path", "/"}})},
        stream_fault{"ProtocolThatWasNotOffered",
                     h2::head(1, h2::get("/", {{":protocol", "websocket"}}))},
        stream_fault{"TrailersThatEndNothing",
                     h2::head(1, h2::post(), false) + h2::head(1, {{"x", "y"}}, false)},
        stream_fault{"TooManyTrailers",
                     h2::head(1, h2::post(), false) + h2::head(1, h2::field_list(33, {"x", "y"}))}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Windows, StreamFault,
    testing::Values(stream_fault{"S6_9_1_WindowOverflow",
                                 h2::head(1, h2::post(), false) + h2::window(1, 0x7fffffff),
                                 h2_code::flow_control_error},
                    stream_fault{"S6_9_1_MoreThanTheWindow",
                                 h2::head(1, h2::post(), false) +
                                     repeat(h2::body(1, std::string(16000, 'x'), false), 66),
                                 h2_code::flow_control_error}),
    [](const auto& param) { return std::string(param.param.name); });

struct refused_head {
    const char* name;
    h2::field_list fields;
    errc why;
};
std::ostream& operator<<(std::ostream& out, const refused_head& of) { return out << of.name; }

class H2HeadRefused : public testing::TestWithParam<refused_head> {};

TEST_P(H2HeadRefused, IsAnsweredWithAStatus) {
    link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, GetParam().fields)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(stream->refused, GetParam().why);
}

h2::field_list many(std::size_t count, const char* name, const std::string& value) {
    return h2::get("/", h2::field_list(count, {name, value}));
}

INSTANTIATE_TEST_SUITE_P(
    D5D6E10, H2HeadRefused,
    testing::Values(
        refused_head{"OtherScheme", with(":scheme", "ftp"), errc::bad_target},
        refused_head{"HostAndAuthorityDiffer", with("host", "b.test"), errc::bad_host},
        refused_head{"UserInAuthority", with(":authority", "me@a.test"), errc::bad_host},
        refused_head{"ListInAuthority", with(":authority", "a.test,b.test"), errc::bad_host},
        refused_head{"SlashInAuthority", with(":authority", "a/b"), errc::bad_host},
        refused_head{"QueryInAuthority", with(":authority", "a?b"), errc::bad_host},
        refused_head{"FragmentInAuthority", with(":authority", "a#b"), errc::bad_host},
        refused_head{"EscapeInAuthority", with(":authority", "a%2fb"), errc::bad_host},
        refused_head{"TwoHosts", h2::get("/", {{"host", "a.test"}, {"host", "a.test"}}),
                     errc::bad_host},
        refused_head{"SlashInHost", with("host", "a/b"), errc::bad_host},
        refused_head{"SchemeInUpperCase", with(":scheme", "HTTP"), errc::bad_target},
        refused_head{"BytesAboveAsciiInPath", with(":path", "/\xc3\xa4"), errc::bad_path},
        refused_head{"FragmentInPath", with(":path", "/a#b"), errc::bad_path},
        refused_head{"PathAboveTheRoot", with(":path", "/../a"), errc::bad_path},
        refused_head{"NulInPath", with(":path", "/%00"), errc::bad_path},
        refused_head{"MethodTooLong", with(":method", std::string(33, 'A')), errc::bad_method},
        refused_head{"PathTooLong", with(":path", '/' + std::string(8192, 'a')),
                     errc::uri_too_long},
        refused_head{"FieldTooLarge", with("x", std::string(16300, 'a') + std::string(84, 'b')),
                     errc::field_too_large},
        refused_head{"TooManyFields", many(101, "x", "y"), errc::too_many_fields},
        refused_head{"TooManyCrumbs", many(201, "cookie", "y"), errc::too_many_fields}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace penstock::http
