#include "penstock/http/h1_head.hpp"
#include "unit/http/head_feed.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

using test::expect_fault;
using test::expect_whole;
using test::outcome;
using test::read_response;

using namespace std::string_literals;

const std::string ok_line = "HTTP/1.1 200 OK\r\n";

struct good_head {
    const char* name;
    std::string bytes;
    std::string_view understood;  // as test::text_of says it
};
std::ostream& operator<<(std::ostream& out, const good_head& of) { return out << of.name; }

class ResponseHeadParsed : public testing::TestWithParam<good_head> {};

TEST_P(ResponseHeadParsed, HoweverItIsCut) {
    const std::string& bytes = GetParam().bytes;
    expect_whole(read_response(bytes), bytes, GetParam().understood);
}

TEST_P(ResponseHeadParsed, NoPartOfItIsAHead) {
    const std::string& bytes = GetParam().bytes;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        h1_response_parser parser{head_limits()};
        response_head into;
        const auto fed = parser.feed(bytes.substr(0, size), into);
        ASSERT_TRUE(fed) << size << fed.error().message();
        ASSERT_FALSE(*fed) << size;
    }
}

TEST_P(ResponseHeadParsed, WhatFollowsIsLeftAlone) {
    const std::string& bytes = GetParam().bytes;
    for (const std::string& next : {"x"s, "\r\n"s, "\n\0\xff"s, bytes}) {
        const outcome got = read_response(bytes + next);
        EXPECT_EQ(got.length, bytes.size());
        EXPECT_EQ(got.understood, GetParam().understood);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Head, ResponseHeadParsed,
    testing::Values(
        good_head{"Plain", ok_line + "\r\n", "200 1.1 OK"},
        good_head{"Fields", ok_line + "Server: x\r\nSet-Cookie: a\r\nset-cookie:b \r\n\r\n",
                  "200 1.1 OK|Server=x|Set-Cookie=a|set-cookie=b"},
        good_head{"Http10", "HTTP/1.0 404 Not Found\r\n\r\n", "404 1.0 Not Found"},
        good_head{"OtherPhrase", "HTTP/1.1 200 All is well!\r\n\r\n", "200 1.1 All is well!"},
        good_head{"EmptyPhrase", "HTTP/1.1 200 \r\n\r\n", "200 1.1 "},
        good_head{"NoPhrase", "HTTP/1.1 200\r\n\r\n", "200 1.1 "},
        good_head{"SpacesAroundPhrase", "HTTP/1.1 200  \tOK \r\n\r\n", "200 1.1 OK"},
        good_head{"ObsTextInPhrase", "HTTP/1.1 200 \xc3\xa4\r\n\r\n", "200 1.1 \xc3\xa4"},
        good_head{"NumberInPhrase", "HTTP/1.1 200 200\r\n\r\n", "200 1.1 200"},
        good_head{"Interim", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
                  "103 1.1 Early Hints|Link=</a>"},
        good_head{"LowestStatus", "HTTP/1.1 100 \r\n\r\n", "100 1.1 "},
        good_head{"HighestStatus", "HTTP/1.1 999 \r\n\r\n", "999 1.1 "},
        good_head{"ObsText", ok_line + "A: \x80\xff\r\n\r\n", "200 1.1 OK|A=\x80\xff"},
        good_head{"HostStays", ok_line + "Host: a\r\n\r\n", "200 1.1 OK|Host=a"},
        // RFC 9110 §2.5.
        good_head{"Minor2", "HTTP/1.2 200 OK\r\n\r\n", "200 1.1 OK"},
        good_head{"Minor9", "HTTP/1.9 200 OK\r\n\r\n", "200 1.1 OK"},
        good_head{"EmptyLineFirst", "\r\n" + ok_line + "A: b\r\n\r\n", "200 1.1 OK|A=b"},
        good_head{"BareLf", "HTTP/1.1 200 OK\nA: b\nC: d \n\n", "200 1.1 OK|A=b|C=d"},
        good_head{"BareLfWithoutFields", "HTTP/1.0 200\n\n", "200 1.0 "},
        good_head{"BareLfEmptyLineFirst", "\nHTTP/1.1 200 OK\nA: b\n\n", "200 1.1 OK|A=b"}),
    [](const auto& each) { return std::string(each.param.name); });

struct bad_head {
    const char* name;
    std::string bytes;
    errc why;
};
std::ostream& operator<<(std::ostream& out, const bad_head& of) { return out << of.name; }

class ResponseHeadRefused : public testing::TestWithParam<bad_head> {};

TEST_P(ResponseHeadRefused, WithItsFaultyLine) {
    expect_fault(read_response(GetParam().bytes), GetParam().why);
}

TEST_P(ResponseHeadRefused, WhateverFollows) {
    expect_fault(read_response(GetParam().bytes + "\r\n\r\n" + ok_line), GetParam().why);
}

bad_head bad_status(const char* name, const std::string& line) {
    return {name, line, errc::bad_status_line};
}

// Without a line end: these are refused with their first bytes.
INSTANTIATE_TEST_SUITE_P(
    FirstBytes, ResponseHeadRefused,
    testing::Values(bad_status("TwoEmptyLines", "\r\n\r\n"), bad_status("TwoLineFeeds", "\n\n"),
                    bad_status("TwoEmptyLinesOfBothKinds", "\n\r\n"),
                    bad_head{"LineReturn", "\rH", errc::bad_line_end},
                    bad_head{"LineReturnTwice", "\r\r", errc::bad_line_end},
                    bad_status("Nul", "\0"s), bad_status("Space", " HTTP/1.1 200 OK"),
                    bad_status("Http09", "<html>"), bad_status("Http2", "HTTP/2"),
                    bad_status("Http2Frame", "\0\0\x12\x04"s), bad_status("LowerCase", "http"),
                    bad_status("MajorTooLong", "HTTP/11"), bad_status("Major0", "HTTP/0.9"),
                    bad_status("OtherName", "ICY 200 OK"), bad_status("Ssh", "SSH-2.0-x"),
                    bad_status("TlsAlert", "\x15\x03"), bad_status("Comma", "HTTP/1,")),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    StatusLine, ResponseHeadRefused,
    testing::Values(
        bad_status("NoStatus", "HTTP/1.1\r\n"), bad_status("SpaceOnly", "HTTP/1.1 \r\n"),
        bad_status("OneDigit", "HTTP/1.1 2\r\n"), bad_status("TwoDigits", "HTTP/1.1 20\r\n"),
        bad_status("TwoDigitsAndSpace", "HTTP/1.1 20 OK\r\n"),
        bad_status("FourDigits", "HTTP/1.1 2000 OK\r\n"),
        bad_status("TextBehindStatus", "HTTP/1.1 200OK\r\n"),
        bad_status("TabBehindStatus", "HTTP/1.1 200\tOK\r\n"),
        bad_status("TwoSpaces", "HTTP/1.1  200 OK\r\n"),
        bad_status("TabForSpace", "HTTP/1.1\t200 OK\r\n"),
        bad_status("Sign", "HTTP/1.1 +20 OK\r\n"), bad_status("Hex", "HTTP/1.1 0x2 OK\r\n"),
        bad_status("Status0", "HTTP/1.1 000 OK\r\n"), bad_status("Status99", "HTTP/1.1 099 OK\r\n"),
        bad_status("MinorLetter", "HTTP/1.x 200 OK\r\n"),
        bad_status("MinorTooLong", "HTTP/1.10 200 OK\r\n"),
        bad_status("NoMinor", "HTTP/1. 200 OK\r\n"),
        bad_status("ControlInPhrase", "HTTP/1.1 200 O\x01K\r\n"),
        bad_status("EscapeInPhrase", "HTTP/1.1 200 \x1b[2J\r\n"),
        bad_status("DeleteInPhrase", "HTTP/1.1 200 \x7f\r\n"),
        bad_head{"LfThenCrlf", "HTTP/1.1 200 OK\nA: b\r\n", errc::bad_line_end},
        bad_head{"LfThenEmptyCrlf", "HTTP/1.1 200 OK\n\r\n", errc::bad_line_end},
        bad_head{"LfAndCr", "HTTP/1.1 200 OK\nA: b\rc\n", errc::bad_line_end},
        bad_head{"EmptyLfThenCrlf", "\nHTTP/1.1 200 OK\r\n", errc::bad_line_end},
        bad_head{"EmptyCrlfThenLf", "\r\nHTTP/1.1 200 OK\n", errc::bad_line_end},
        bad_head{"CrInPhrase", "HTTP/1.1 200 O\rK\r\n", errc::bad_line_end},
        bad_head{"CrTwice", "HTTP/1.1 200 OK\r\r\n", errc::bad_line_end},
        bad_head{"NulInPhrase", "HTTP/1.1 200 O\0K\r\n"s, errc::bad_line_end},
        bad_head{"NulInStatus", "HTTP/1.1 2\0\x30 OK\r\n"s, errc::bad_line_end}),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_field(const char* name, const std::string& line, errc why = errc::bad_field) {
    return {name, ok_line + line, why};
}

INSTANTIATE_TEST_SUITE_P(
    Field, ResponseHeadRefused,
    testing::Values(bad_field("Folded", "A: b\r\n c\r\n"), bad_field("FoldedFirst", " c\r\n"),
                    bad_field("SpaceBeforeColon", "A : b\r\n"), bad_field("NoName", ": b\r\n"),
                    bad_field("NoColon", "A\r\n"), bad_field("NotAToken", "A@: b\r\n"),
                    bad_field("ControlInValue", "A: \x0b\r\n"),
                    bad_field("DeleteInValue", "A: \x7f\r\n"),
                    bad_field("Lf", "A: b\n", errc::bad_line_end),
                    bad_field("LfAtTheEnd", "A: b\r\n\n", errc::bad_line_end),
                    bad_field("CrInValue", "A: b\rSet-Cookie: c\r\n", errc::bad_line_end),
                    bad_field("CrAtTheEnd", "A: b\r\n\rx\r\n", errc::bad_line_end),
                    bad_field("NulInValue", "A: \0\r\n"s, errc::bad_line_end),
                    bad_field("NulInName", "A\0: b\r\n"s, errc::bad_line_end)),
    [](const auto& each) { return std::string(each.param.name); });

// ---- Limits

std::string filled(std::string_view front, std::size_t size) {
    return std::string(front) + std::string(size - front.size(), 'x') + "\r\n";
}

TEST(ResponseHeadLimits, HoldForTheStatusLine) {
    head_limits limits;
    limits.line = 40;
    const auto head = [](std::size_t size) { return filled("HTTP/1.1 200 ", size) + "\r\n"; };
    EXPECT_TRUE(read_response(head(39), limits).length);
    EXPECT_TRUE(read_response(head(40), limits).length);
    expect_fault(read_response(head(41), limits), errc::header_too_large);
}

TEST(ResponseHeadLimits, HoldForLinesWithBareLf) {
    head_limits limits;
    limits.line = limits.field = 40;
    const auto line = [](std::string_view front, std::size_t size) {
        return std::string(front) + std::string(size - front.size(), 'x') + "\n";
    };
    for (const std::size_t size : {39U, 40U, 41U}) {
        const outcome first = read_response(line("HTTP/1.1 200 ", size) + "\n", limits);
        const outcome field = read_response("HTTP/1.1 200 OK\n" + line("A: ", size) + "\n", limits);
        EXPECT_EQ(first.length.has_value(), size <= 40) << first;
        EXPECT_EQ(field.length.has_value(), size <= 40) << field;
    }
    limits.field = 200;
    limits.head = 100;
    for (const std::size_t size : {99U, 100U, 101U}) {
        const std::string start = "HTTP/1.1 200 OK\n";
        const outcome head =
            read_response(start + line("A: ", size - start.size() - 2) + "\n", limits);
        EXPECT_EQ(head.length.has_value(), size <= 100) << head;
    }
}

TEST(ResponseHeadLimits, HoldForAFieldLine) {
    head_limits limits;
    limits.field = 40;
    const auto head = [](std::size_t size) { return ok_line + filled("A: ", size) + "\r\n"; };
    EXPECT_TRUE(read_response(head(39), limits).length);
    EXPECT_TRUE(read_response(head(40), limits).length);
    expect_fault(read_response(head(41), limits), errc::field_too_large);
}

TEST(ResponseHeadLimits, HoldForTheHead) {
    head_limits limits;
    limits.head = 100;
    const auto head = [](std::size_t size) {
        return ok_line + filled("A: ", size - ok_line.size() - 4) + "\r\n";
    };
    EXPECT_TRUE(read_response(head(99), limits).length);
    EXPECT_TRUE(read_response(head(100), limits).length);
    expect_fault(read_response(head(101), limits), errc::header_too_large);
}

TEST(ResponseHeadLimits, HoldForTheNumberOfFields) {
    head_limits limits;
    limits.count = 3;
    const auto head = [](std::size_t count) {
        std::string text = ok_line;
        for (std::size_t i = 0; i < count; ++i)
            text += "A: b\r\n";
        return text + "\r\n";
    };
    EXPECT_TRUE(read_response(head(2), limits).length);
    EXPECT_TRUE(read_response(head(3), limits).length);
    expect_fault(read_response(head(4), limits), errc::too_many_fields);
}

TEST(ResponseHeadLimits, AreBrokenBeforeTheLineEnds) {
    head_limits limits;
    limits.line = limits.field = 40;
    expect_fault(read_response("HTTP/1.1 200 " + std::string(29, 'x'), limits),
                 errc::header_too_large);
    expect_fault(read_response(ok_line + std::string(42, 'x'), limits), errc::field_too_large);
}

// ---- Steps

TEST(ResponseParser, ReadsOneHeadAfterTheOther) {
    const std::string first = "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n";
    const std::string second = "HTTP/1.0 200 OK\r\nA: b\r\n\r\n";
    h1_response_parser parser{head_limits()};
    response_head into;
    auto fed = parser.feed(first + second, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, first.size());
    EXPECT_EQ(test::text_of(into), "103 1.1 Early|Link=a");
    into.clear();
    parser.reset();
    fed = parser.feed(second, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, second.size());
    EXPECT_EQ(test::text_of(into), "200 1.0 OK|A=b");
}

// Each head says by itself how its lines end.
TEST(ResponseParser, ReadsHeadsWithEitherLineEndOneAfterTheOther) {
    const std::string first = "HTTP/1.1 103 Early\nLink: a\n\n";
    const std::string second = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    h1_response_parser parser{head_limits()};
    response_head into;
    auto fed = parser.feed(first + second, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, first.size());
    into.clear();
    parser.reset();
    fed = parser.feed(second, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, second.size());
    EXPECT_EQ(test::text_of(into), "200 1.1 OK|A=b");
}

TEST(ResponseParser, KeepsWhatWasUnderstoodOfARefusedHead) {
    const outcome got = read_response("HTTP/1.0 404 Gone\r\nA: b\r\nC : d\r\n");
    EXPECT_EQ(got.failed, errc::bad_field);
    EXPECT_EQ(got.understood, "404 1.0 Gone|A=b");
}

}  // namespace
}  // namespace penstock::http
