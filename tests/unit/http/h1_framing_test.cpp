#include "penstock/http/h1_head.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::http {
namespace {

constexpr framing_kind none = framing_kind::none;
constexpr framing_kind length = framing_kind::length;
constexpr framing_kind chunked = framing_kind::chunked;
constexpr framing_kind until_close = framing_kind::until_close;

using lines = std::vector<std::pair<std::string_view, std::string_view>>;

fields fields_of(const lines& of) {
    fields made;
    for (const auto& [name, value] : of)
        made.add(name, value);
    return made;
}

request_head request(const lines& of, method verb = method::post, version v = version::http_1_1) {
    request_head head;
    head.verb = verb;
    head.version = v;
    head.fields = fields_of(of);
    return head;
}

response_head response(int status, const lines& of, version v = version::http_1_1) {
    response_head head;
    head.status = status;
    head.version = v;
    head.fields = fields_of(of);
    return head;
}

lines length_of(std::string_view text) { return {{"Content-Length", text}}; }
lines coding_of(std::string_view text) { return {{"Transfer-Encoding", text}}; }

void expect_framing(const result<framing>& got, framing_kind kind, std::uint64_t size) {
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->kind, kind);
    EXPECT_EQ(got->length, size);
}

void expect_error(const result<framing>& got, errc why) {
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), why) << got.error().message();
}

TEST(RequestFraming, WithoutFieldsThereIsNoBody) {
    expect_framing(request_framing(request({})), none, 0);
    expect_framing(request_framing(request({{"TE", "trailers"}, {"X", "chunked"}})), none, 0);
}

TEST(RequestFraming, LengthIsKeptForEveryMethodThatMayHaveContent) {
    for (const method verb : {method::get, method::head, method::post, method::put, method::delete_,
                              method::options, method::patch, method::other}) {
        expect_framing(request_framing(request(length_of("5"), verb)), length, 5);
        expect_framing(request_framing(request(coding_of("chunked"), verb)), chunked, 0);
    }
}

TEST(RequestFraming, ReadsLengthsUpToTheLargest) {
    expect_framing(request_framing(request(length_of("0"))), length, 0);
    expect_framing(request_framing(request(length_of("007"))), length, 7);
    expect_framing(request_framing(request(length_of("0000000000000000012"))), length, 12);
    expect_framing(request_framing(request(length_of("9223372036854775806"))), length,
                   9223372036854775806U);
    expect_framing(request_framing(request(length_of("9223372036854775807"))), length,
                   9223372036854775807U);
}

struct bad_value {
    const char* name;
    std::string_view value;
};
std::ostream& operator<<(std::ostream& out, const bad_value& of) { return out << of.name; }

class BadLength : public testing::TestWithParam<bad_value> {};

TEST_P(BadLength, IsAnErrorInRequests) {
    expect_error(request_framing(request(length_of(GetParam().value))), errc::bad_content_length);
}

TEST_P(BadLength, IsAnErrorInResponses) {
    const response_head head = response(200, length_of(GetParam().value));
    expect_error(response_framing(head, method::get), errc::bad_content_length);
    EXPECT_FALSE(announced_length(head));
}

INSTANTIATE_TEST_SUITE_P(
    ContentLength, BadLength,
    testing::Values(bad_value{"Empty", ""}, bad_value{"Plus", "+5"}, bad_value{"Minus", "-5"},
                    bad_value{"SpaceInside", "5 5"}, bad_value{"SpaceFirst", " 5"},
                    bad_value{"SpaceLast", "5 "}, bad_value{"Hex", "0x5"},
                    bad_value{"HexDigit", "a"}, bad_value{"Underscore", "1_0"},
                    bad_value{"Exponent", "1e1"}, bad_value{"Point", "5.0"},
                    bad_value{"List", "5, 5"}, bad_value{"OtherList", "5,6"},
                    bad_value{"ListWithEmptyMember", "5,"}, bad_value{"Quoted", "\"5\""},
                    bad_value{"Nul", std::string_view("5\0", 2)}, bad_value{"FormFeed", "\f5"},
                    bad_value{"VerticalTab", "5\v"},
                    bad_value{"Nbsp",
                              "\xa0"
                              "5"},
                    bad_value{"OneAboveTheLargest", "9223372036854775808"},
                    bad_value{"NineteenNines", "9999999999999999999"},
                    bad_value{"TwentyDigits", "00000000000000000005"},
                    bad_value{"Wraps64Bits", "18446744073709551621"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(RequestFraming, TwoLengthsAreAnErrorSameOrNot) {
    expect_error(request_framing(request({{"Content-Length", "5"}, {"Content-Length", "5"}})),
                 errc::bad_content_length);
    expect_error(request_framing(request({{"Content-Length", "5"}, {"content-length", "6"}})),
                 errc::bad_content_length);
}

TEST(RequestFraming, LengthAndCodingConflictInAnyOrder) {
    expect_error(
        request_framing(request({{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}})),
        errc::length_conflict);
    expect_error(
        request_framing(request({{"TRANSFER-ENCODING", "CHUNKED"}, {"CONTENT-LENGTH", "0"}})),
        errc::length_conflict);
    expect_error(request_framing(request({{"Transfer-Encoding", "x"}, {"Content-Length", "x"}})),
                 errc::length_conflict);
}

TEST(RequestFraming, ChunkedIsReadInAnyCase) {
    expect_framing(request_framing(request(coding_of("chunked"))), chunked, 0);
    expect_framing(request_framing(request(coding_of("CHunKed"))), chunked, 0);
}

class BadCoding : public testing::TestWithParam<bad_value> {};

TEST_P(BadCoding, IsAnErrorInRequests) {
    expect_error(request_framing(request(coding_of(GetParam().value))),
                 errc::bad_transfer_encoding);
}

TEST_P(BadCoding, IsAnErrorInResponses) {
    expect_error(response_framing(response(200, coding_of(GetParam().value)), method::get),
                 errc::bad_transfer_encoding);
}

INSTANTIATE_TEST_SUITE_P(
    TransferEncoding, BadCoding,
    testing::Values(bad_value{"Empty", ""}, bad_value{"EmptyFirst", ",chunked"},
                    bad_value{"EmptyLast", "chunked,"}, bad_value{"EmptyBetween", "gzip,,chunked"},
                    bad_value{"Twice", "chunked, chunked"},
                    bad_value{"TwiceBehindOther", "gzip, chunked, chunked"},
                    bad_value{"NotLast", "chunked, gzip"}, bad_value{"Prefixed", "xchunked"},
                    bad_value{"Suffixed", "chunkedx"}, bad_value{"Quoted", "\"chunked\""},
                    bad_value{"SingleQuoted", "'chunked'"}, bad_value{"VerticalTab", "\vchunked"},
                    bad_value{"VerticalTabLast", "chunked\v"},
                    bad_value{"Nbsp",
                              "\xa0"
                              "chunked"},
                    bad_value{"Nul", std::string_view("chunked\0", 8)},
                    bad_value{"Identity", "identity"}, bad_value{"Gzip", "gzip"},
                    bad_value{"Parameter", "chunked;q=1"},
                    bad_value{"ParameterInList", "gzip, chunked;q=1"},
                    bad_value{"Semicolon", "chunked;"}, bad_value{"SpaceBetween", "gzip chunked"},
                    bad_value{"Space", "chun ked"}, bad_value{"SpaceLast", "chunked "},
                    bad_value{"OpenQuote", "gzip;a=\"x, chunked"},
                    bad_value{"NoParameterName", "gzip;=x, chunked"},
                    bad_value{"NoParameterValue", "gzip;a=, chunked"},
                    bad_value{"ParameterWithoutValue", "gzip;a, chunked"},
                    bad_value{"ChunkedInQuotes", "gzip;a=\", chunked\""}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(RequestFraming, KnowsAWellFormedListThatEndsInChunked) {
    for (const std::string_view list :
         {"gzip, chunked", "gzip,chunked", "deflate , gzip\t,  Chunked", "identity, chunked",
          "gzip;level=9, chunked", "x ; a = b ; c=\"d, \\\" e\" , chunked"}) {
        SCOPED_TRACE(list);
        expect_error(request_framing(request(coding_of(list))), errc::transfer_coding_unknown);
        expect_error(response_framing(response(200, coding_of(list)), method::get),
                     errc::transfer_coding_unknown);
    }
}

// RFC 9110 §5.3: a list on several lines is the same list.
TEST(RequestFraming, ReadsCodingsOnSeveralLinesAsOneList) {
    const auto expect = [](const std::vector<std::string_view>& values, errc why) {
        lines of;
        for (const std::string_view value : values) {
            of.emplace_back("Transfer-Encoding", value);
            of.emplace_back("X", "chunked");
        }
        SCOPED_TRACE(values.front());
        expect_error(request_framing(request(of)), why);
        expect_error(response_framing(response(200, of), method::get), why);
        expect_error(request_framing(request(of, method::post, version::http_1_0)),
                     errc::bad_transfer_encoding);
    };
    for (const std::vector<std::string_view>& values :
         std::vector<std::vector<std::string_view>>{{"gzip", "chunked"},
                                                    {"gzip, deflate", "chunked"},
                                                    {"gzip", "deflate, chunked"},
                                                    {"gzip", "deflate ; a = b", "Chunked"}})
        expect(values, errc::transfer_coding_unknown);
    for (const std::vector<std::string_view>& values :
         std::vector<std::vector<std::string_view>>{{"chunked", "chunked"},
                                                    {"chunked", ""},
                                                    {"", "chunked"},
                                                    {"gzip", "", "chunked"},
                                                    {"gzip,", "chunked"},
                                                    {"gzip", ", chunked"},
                                                    {"chunked", "gzip"},
                                                    {"gzip", "gzip"},
                                                    {"gzip", "chunked;a=b"},
                                                    {"gzip, chunked", "chunked"},
                                                    {"gzip", "chunked, chunked"},
                                                    {"gzip", "chunked", "chunked"},
                                                    // Each line has to be a list by itself.
                                                    {"gzip;a=\"x", "y\", chunked"}})
        expect(values, errc::bad_transfer_encoding);
}

TEST(RequestFraming, CodingNeedsHttp11) {
    expect_error(request_framing(request(coding_of("chunked"), method::post, version::http_1_0)),
                 errc::bad_transfer_encoding);
    expect_error(request_framing(request(coding_of("chunked"), method::post, version::http_2)),
                 errc::bad_transfer_encoding);
    expect_framing(request_framing(request(length_of("3"), method::post, version::http_1_0)),
                   length, 3);
}

TEST(RequestFraming, TraceAndConnectHaveNoBody) {
    for (const method verb : {method::trace, method::connect}) {
        expect_error(request_framing(request(length_of("1"), verb)), errc::body_not_allowed);
        expect_error(request_framing(request(coding_of("chunked"), verb)), errc::body_not_allowed);
        expect_framing(request_framing(request(length_of("0"), verb)), length, 0);
        expect_framing(request_framing(request({}, verb)), none, 0);
    }
}

TEST(ResponseFraming, FollowsTheFieldsOrTheClose) {
    expect_framing(response_framing(response(200, length_of("5")), method::get), length, 5);
    expect_framing(response_framing(response(200, length_of("0")), method::post), length, 0);
    expect_framing(response_framing(response(404, coding_of("chunked")), method::get), chunked, 0);
    expect_framing(response_framing(response(200, {}), method::get), until_close, 0);
    expect_framing(response_framing(response(200, {}, version::http_1_0), method::get), until_close,
                   0);
}

TEST(ResponseFraming, SomeNeverHaveABody) {
    for (const lines& of : {lines{}, length_of("5"), coding_of("chunked")}) {
        expect_framing(response_framing(response(200, of), method::head), none, 0);
        for (const int status : {100, 103, 199, 204, 304})
            expect_framing(response_framing(response(status, of), method::get), none, 0);
    }
    // Nor do they hide that there are two readings, unless more heads are to come anyway.
    for (const int status : {204, 304}) {
        expect_error(response_framing(response(status, length_of("x")), method::get),
                     errc::bad_content_length);
    }
    expect_error(response_framing(response(200, coding_of("x")), method::head),
                 errc::bad_transfer_encoding);
    expect_framing(response_framing(response(103, length_of("x")), method::get), none, 0);
    expect_framing(response_framing(response(205, length_of("0")), method::get), length, 0);
}

TEST(ResponseFraming, RefusesWhatItRefusesInRequests) {
    expect_error(
        response_framing(response(200, {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}),
                         method::get),
        errc::length_conflict);
    expect_error(response_framing(response(200, {{"Content-Length", "5"}, {"Content-Length", "5"}}),
                                  method::get),
                 errc::bad_content_length);
    expect_error(
        response_framing(response(200, coding_of("chunked"), version::http_1_0), method::get),
        errc::bad_transfer_encoding);
}

TEST(AnnouncedLength, IsThatOfExactlyOneValidField) {
    EXPECT_EQ(announced_length(response(200, length_of("12"))), 12U);
    EXPECT_EQ(announced_length(response(304, length_of("0"))), 0U);
    EXPECT_FALSE(announced_length(response(200, {})));
    EXPECT_FALSE(announced_length(response(200, coding_of("chunked"))));
    EXPECT_FALSE(
        announced_length(response(200, {{"Content-Length", "5"}, {"Content-Length", "5"}})));
    EXPECT_FALSE(announced_length(
        response(200, {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}})));
}

TEST(KeepsAlive, FollowsVersionAndConnection) {
    const auto with = [](version v, const lines& of) { return keeps_alive(v, fields_of(of)); };
    EXPECT_TRUE(with(version::http_1_1, {}));
    EXPECT_FALSE(with(version::http_1_1, {{"Connection", "close"}}));
    EXPECT_FALSE(with(version::http_1_1, {{"Connection", "x, CLOSE"}}));
    EXPECT_FALSE(with(version::http_1_1, {{"Connection", "keep-alive"}, {"Connection", "close"}}));
    EXPECT_TRUE(with(version::http_1_1, {{"Connection", "closed"}}));
    EXPECT_TRUE(with(version::http_1_1, {{"Proxy-Connection", "close"}}));
    EXPECT_FALSE(with(version::http_1_0, {}));
    EXPECT_TRUE(with(version::http_1_0, {{"Connection", "Keep-Alive"}}));
    EXPECT_FALSE(with(version::http_1_0, {{"Connection", "keep-alive, close"}}));
    EXPECT_TRUE(with(version::http_2, {{"Connection", "close"}}));
}

}  // namespace
}  // namespace penstock::http
