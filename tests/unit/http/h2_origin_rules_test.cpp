// What RFC 9113 forbids an origin, and how each breach ends: the connection with GOAWAY, or the
// stream with RST_STREAM. What becomes of the client's request is in e2e/attack_h2_origin_test.cpp.
#include "support/text.hpp"
#include "unit/http/h2_link.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using test::repeat;
using link = test::h2_origin_link;
using namespace std::string_literals;

const h2::field_list good{{":status", "200"}};

struct fault {
    const char* name;
    std::string bytes;  // behind SETTINGS and their acknowledgement; stream 1 is open
    h2_code why = h2_code::protocol_error;
};
std::ostream& operator<<(std::ostream& out, const fault& of) { return out << of.name; }

class OriginConnectionFault : public testing::TestWithParam<fault> {};

TEST_P(OriginConnectionFault, EndsTheConnection) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        h2_client_stream* const stream = to.open();
        EXPECT_EQ(to.send(GetParam().bytes, piece), GetParam().why);
        EXPECT_TRUE(to.session.ended());
        EXPECT_EQ(to.session.slots(), 0U);
        // What comes now is not looked at, nor is it the end of an answer.
        to.send(h2::head(1, good));
        EXPECT_FALSE(stream->ended);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Frames, OriginConnectionFault,
    testing::Values(fault{"S4_2_FrameAboveTheMaximum", h2::body(1, std::string(16385, 'x')),
                          h2_code::frame_size_error},
                    fault{"S4_3_BlockThatIsInterrupted",
                          h2::frame(h2::headers, 0, 1, h2::block(good)) + h2::window(0, 1)},
                    fault{"S5_1_HeadOnAnIdleStream", h2::head(3, good)},
                    fault{"S5_1_DataOnAnIdleStream", h2::body(3, "x")},
                    fault{"S5_1_ResetOfAnIdleStream", h2::rst(3)},
                    fault{"S5_1_WindowOfAnIdleStream", h2::window(3, 1)},
                    fault{"S5_1_1_StreamOfItsOwn", h2::head(2, good)},
                    fault{"S6_1_DataOnStreamZero", h2::body(0, "x")},
                    fault{"S6_1_PaddingAsLongAsTheFrame",
                          h2::head(1, good, false) + h2::frame(h2::data, h2::padded, 1, "\5abcd")},
                    fault{"S6_2_HeadersOnStreamZero", h2::head(0, good)},
                    fault{"S6_2_PaddingAsLongAsTheFrame",
                          h2::frame(h2::headers, h2::end_headers | h2::padded, 1, "\5abcd")},
                    fault{"S6_3_PriorityOnStreamZero",
                          h2::frame(h2::priority, 0, 0, std::string(5, '\1'))},
                    fault{"S6_3_PriorityOfAnotherLength", h2::frame(h2::priority, 0, 1, "1234"),
                          h2_code::frame_size_error},
                    fault{"Rfc7540_S5_3_1_OfAnIdleStreamOnItself", h2::priority_on(3, 3)},
                    fault{"Rfc7540_S5_3_1_OfAStreamOnItself", h2::priority_on(1, 1)},
                    fault{"Rfc7540_S5_3_1_OfAnAnswerOnItself",
                          h2::frame(h2::headers, h2::end_headers | h2::has_priority, 1,
                                    h2::number(1) + '\x10' + h2::block(good))},
                    fault{"S6_4_ResetOnStreamZero", h2::rst(0)},
                    fault{"S6_4_ResetOfAnotherLength", h2::frame(h2::rst_stream, 0, 1, "abc"),
                          h2_code::frame_size_error},
                    fault{"S6_6_PushPromise", h2::frame(h2::push_promise, h2::end_headers, 1,
                                                        h2::number(2) + h2::block(h2::get()))},
                    fault{"S6_10_ContinuationOfNothing",
                          h2::frame(h2::continuation, h2::end_headers, 1, h2::block(good))}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Control, OriginConnectionFault,
    testing::Values(
        fault{"S6_5_SettingsOnAStream", h2::frame(h2::settings, 0, 1)},
        fault{"S6_5_SettingsOfAnotherLength", h2::frame(h2::settings, 0, 0, "12345"),
              h2_code::frame_size_error},
        fault{"S6_5_AcknowledgementWithBytes", h2::frame(h2::settings, h2::ack, 0, "123456"),
              h2_code::frame_size_error},
        fault{"S6_5_2_ServersMayNotOfferPush", h2::setting(2, 1)},
        fault{"S6_5_2_WindowTooLarge", h2::setting(4, 0x80000000U), h2_code::flow_control_error},
        fault{"S6_5_2_FrameSizeTooSmall", h2::setting(5, 16383)},
        fault{"S6_5_2_FrameSizeTooLarge", h2::setting(5, 1U << 24U)},
        fault{"Rfc8441_S3_ConnectProtocolNeitherOnNorOff", h2::setting(8, 2)},
        fault{"Rfc8441_S3_ConnectProtocolTakenBack", h2::setting(8, 1) + h2::setting(8, 0)},
        fault{"S6_7_PingOnAStream", h2::frame(h2::ping, 0, 1, "12345678")},
        fault{"S6_7_PingOfAnotherLength", h2::frame(h2::ping, 0, 0, "1234567"),
              h2_code::frame_size_error},
        fault{"S6_8_GoawayOnAStream", h2::frame(h2::goaway, 0, 1, h2::number(0) + h2::number(0))},
        fault{"S6_9_WindowByNothing", h2::window(0, 0)},
        fault{"S6_9_WindowOfAnotherLength", h2::frame(h2::window_update, 0, 0, "123"),
              h2_code::frame_size_error},
        fault{"S6_9_1_WindowOverflow", h2::window(0, 0x7fffffff), h2_code::flow_control_error},
        fault{"S6_9_2_WindowThatSettingsOverflow",
              h2::window(1, 0x7fff0000U) + h2::setting(4, 0x7fffffff),
              h2_code::flow_control_error}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Floods, OriginConnectionFault,
    testing::Values(fault{"E3_Continuation",
                          h2::frame(h2::headers, 0, 1, h2::block(good)) +
                              repeat(h2::frame(h2::continuation, 0, 1), 9),
                          h2_code::enhance_your_calm},
                    fault{"E4_Ping", repeat(h2::frame(h2::ping, 0, 0, "12345678"), 1100),
                          h2_code::enhance_your_calm},
                    fault{"E4_Settings", repeat(h2::frame(h2::settings, 0, 0), 1100),
                          h2_code::enhance_your_calm},
                    fault{"E4_EmptyData",
                          h2::head(1, {{":status", "103"}}, false) +
                              repeat(h2::body(1, "", false), 1100),
                          h2_code::enhance_your_calm}),
    [](const auto& param) { return std::string(param.param.name); });

// RFC 9113 §3.4.
TEST(OriginPreface, IsSettings) {
    h2_client_session session{h2_limits{}};
    session.receive(h2::frame(h2::ping, 0, 0, "12345678"), time_point{1s});
    std::string out;
    session.send(out, std::string::npos);
    EXPECT_EQ(session.ended_by(), h2_code::protocol_error);
}

class OriginStreamFault : public testing::TestWithParam<fault> {};

// The stream ends, and another one on the same connection is answered.
TEST_P(OriginStreamFault, EndsTheStreamAlone) {
    for (const std::size_t piece : {std::size_t{1}, std::string::npos}) {
        link to;
        h2_client_stream* const first = to.open();
        h2_client_stream* const second = to.open();
        ASSERT_EQ(to.send(GetParam().bytes, piece), h2_code::no_error);
        EXPECT_EQ(to.reset_of(1), GetParam().why);
        EXPECT_FALSE(first->ended);
        ASSERT_EQ(to.send(h2::head(3, good)), h2_code::no_error);
        EXPECT_TRUE(second->head_complete);
        EXPECT_TRUE(second->ended);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Windows, OriginStreamFault,
    testing::Values(
        fault{"S6_9_1_WindowOverflow", h2::window(1, 0x7fffffff), h2_code::flow_control_error},
        fault{"S6_9_1_MoreThanTheWindow",
              h2::head(1, good, false) + repeat(h2::body(1, std::string(16000, 'x'), false), 66),
              h2_code::flow_control_error},
        fault{"S8_1_1_LengthBelowTheData",
              h2::head(1, {{":status", "200"}, {"content-length", "3"}}, false) +
                  h2::body(1, "1234")},
        fault{"S8_1_1_LengthAboveTheData",
              h2::head(1, {{":status", "200"}, {"content-length", "5"}}, false) +
                  h2::body(1, "1234")},
        fault{"S8_1_TrailersThatEndNothing",
              h2::head(1, good, false) + h2::head(1, {{"x", "y"}}, false)},
        fault{"S8_3_PseudoInTrailers",
              h2::head(1, good, false) + h2::head(1, {{":status", "200"}})}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace penstock::http
