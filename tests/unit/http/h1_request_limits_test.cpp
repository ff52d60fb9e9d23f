// Limits on request heads, the bytes that each part may hold, and what is kept of a head that was
// refused.
#include "penstock/http/h1_head.hpp"
#include "unit/http/head_feed.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

using test::expect_fault;
using test::outcome;
using test::read_request;

const std::string get_line = "GET /p HTTP/1.1\r\n";
const std::string host_line = "Host: a\r\n";

std::string padded(std::string_view front, std::size_t size, std::string_view back) {
    return std::string(front) + std::string(size - front.size() - back.size(), 'x') +
           std::string(back);
}

// A request line, and a field line, of so many bytes without their CRLF.
std::string line_of(std::size_t size) { return padded("GET /", size, " HTTP/1.1"); }
std::string field_of(std::size_t size) { return padded("A: ", size, ""); }

head_limits small(std::size_t line, std::size_t field) {
    head_limits limits;
    limits.line = line;
    limits.field = field;
    return limits;
}

// ---- Limits

TEST(RequestHeadLimits, AreThoseOfTheEdgeByDefault) {
    const head_limits limits;
    EXPECT_EQ(limits.head, 65536U);
    EXPECT_EQ(limits.line, 8192U);
    EXPECT_EQ(limits.field, 16384U);
    EXPECT_EQ(limits.count, 100U);
}

TEST(RequestHeadLimits, HoldForTheRequestLine) {
    for (const std::size_t max : {20U, 8192U}) {
        const head_limits limits = small(max, 16384);
        const std::string rest = "\r\n" + host_line + "\r\n";
        EXPECT_TRUE(read_request(line_of(max - 1) + rest, limits).length);
        EXPECT_TRUE(read_request(line_of(max) + rest, limits).length);
        expect_fault(read_request(line_of(max + 1) + rest, limits), errc::uri_too_long);
    }
}

TEST(RequestHeadLimits, HoldForAFieldLine) {
    for (const std::size_t max : {20U, 16384U}) {
        const head_limits limits = small(8192, max);
        const auto head = [](std::size_t size) {
            return get_line + host_line + field_of(size) + "\r\n\r\n";
        };
        EXPECT_TRUE(read_request(head(max - 1), limits).length);
        EXPECT_TRUE(read_request(head(max), limits).length);
        expect_fault(read_request(head(max + 1), limits), errc::field_too_large);
    }
}

// A length kept in 16 bits would make these small again (CVE-2021-40346).
TEST(RequestHeadLimits, HoldForSizesThatWrap) {
    for (const std::size_t size : {65535U, 65536U, 65537U, 65600U, 131072U}) {
        h1_request_parser parser{head_limits()};
        request_head into;
        const auto fed = parser.feed(get_line + host_line + field_of(size) + "\r\n\r\n", into);
        ASSERT_FALSE(fed);
        EXPECT_EQ(fed.error(), errc::field_too_large);
    }
}

TEST(RequestHeadLimits, HoldForTheHeadWithItsLastCrlf) {
    for (const std::size_t max : {100U, 3000U}) {
        head_limits limits;
        limits.head = max;
        const auto head = [](std::size_t size) {
            const std::size_t rest = get_line.size() + host_line.size() + 4;
            return get_line + host_line + field_of(size - rest) + "\r\n\r\n";
        };
        EXPECT_TRUE(read_request(head(max - 1), limits).length);
        EXPECT_TRUE(read_request(head(max), limits).length);
        expect_fault(read_request(head(max + 1), limits), errc::header_too_large);
        // An empty line in front does not belong to it.
        EXPECT_TRUE(read_request("\r\n" + head(max), limits).length);
        expect_fault(read_request("\r\n" + head(max + 1), limits), errc::header_too_large);
    }
}

TEST(RequestHeadLimits, HoldForTheDefaultHead) {
    const auto head = [](std::size_t size) {
        std::string text = get_line + host_line;
        for (int i = 0; i < 6; ++i)
            text += field_of(9998) + "\r\n";
        return text + field_of(size - text.size() - 4) + "\r\n\r\n";
    };
    EXPECT_TRUE(read_request(head(65535)).length);
    EXPECT_TRUE(read_request(head(65536)).length);
    expect_fault(read_request(head(65537)), errc::header_too_large);
}

TEST(RequestHeadLimits, HoldForTheNumberOfFields) {
    for (const std::size_t max : {1U, 3U, 100U}) {
        head_limits limits;
        limits.count = max;
        const auto head = [](std::size_t count) {
            std::string text = get_line + host_line;
            for (std::size_t i = 1; i < count; ++i)
                text += "A:\r\n";
            return text + "\r\n";
        };
        if (max > 1) {
            EXPECT_TRUE(read_request(head(max - 1), limits).length);
        }
        EXPECT_TRUE(read_request(head(max), limits).length);
        expect_fault(read_request(head(max + 1), limits), errc::too_many_fields);
    }
}

TEST(RequestHeadLimits, AreBrokenBeforeTheLineEnds) {
    const head_limits limits = small(20, 30);
    expect_fault(read_request(std::string(22, 'G'), limits), errc::uri_too_long);
    expect_fault(read_request(get_line + std::string(32, 'A'), limits), errc::field_too_large);
    head_limits short_head;
    short_head.head = get_line.size() + 10;
    expect_fault(read_request(get_line + std::string(11, 'A'), short_head), errc::header_too_large);
}

TEST(RequestHeadLimits, NeedTheirByteTooMany) {
    const head_limits limits = small(20, 30);
    EXPECT_EQ(read_request(std::string(21, 'G'), limits).failed, error());
    EXPECT_EQ(read_request(get_line + std::string(31, 'A'), limits).failed, error());
}

// The faults of one line are judged before the limits of the next.
TEST(RequestHeadLimits, ComeInTheOrderOfTheBytes) {
    const head_limits limits = small(20, 30);
    expect_fault(read_request(get_line + "A : b\r\n" + std::string(60, 'A'), limits),
                 errc::bad_field);
    expect_fault(read_request(get_line + std::string(60, 'A') + "\r\nA : b\r\n", limits),
                 errc::field_too_large);
}

// What is too long in two ways is refused for the same one however it arrives; read_request
// compares.
TEST(RequestHeadLimits, GiveOneErrorHoweverTheHeadIsCut) {
    for (std::size_t head = 30; head < 60; ++head) {
        for (std::size_t size = 10; size < 45; ++size) {
            head_limits limits = small(20, 25);
            limits.head = head;
            const outcome got = read_request(get_line + field_of(size) + "\r\n\r\n", limits);
            const std::size_t whole = get_line.size() + size + 4;
            EXPECT_EQ(!got.failed || got.failed == errc::bad_host, size <= 25 && whole <= head)
                << head << " " << size << " " << got;
        }
    }
}

TEST(RequestHeadLimits, OfNothingRefuseEverything) {
    head_limits limits;
    limits.count = 0;
    expect_fault(read_request(get_line + host_line + "\r\n", limits), errc::too_many_fields);
    limits.head = 0;
    expect_fault(read_request("G", limits), errc::header_too_large);
}

// ---- Bytes

bool is_tchar(unsigned char c) {
    return std::isalnum(c) != 0 ||
           (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                          std::string_view::npos);
}

bool breaks_lines(unsigned char c) { return c == '\r' || c == '\n' || c == '\0'; }

template <class Make, class Allowed>
void expect_bytes(Make make, Allowed allowed) {
    for (int value = 0; value < 256; ++value) {
        const auto c = static_cast<unsigned char>(value);
        SCOPED_TRACE(value);
        const outcome got = read_request(make(std::string(1, static_cast<char>(c))));
        EXPECT_EQ(got.length.has_value(), allowed(c)) << got;
        if (breaks_lines(c)) {
            EXPECT_EQ(got.failed, errc::bad_line_end);
        }
    }
}

TEST(RequestHeadBytes, OfAMethodAreTchars) {
    expect_bytes([](const std::string& c) { return "G" + c + "T / HTTP/1.0\r\n\r\n"; }, is_tchar);
}

TEST(RequestHeadBytes, OfANameAreTchars) {
    expect_bytes([](const std::string& c) { return "GET / HTTP/1.0\r\nA" + c + "B: c\r\n\r\n"; },
                 [](unsigned char c) { return is_tchar(c) || c == ':'; });
}

TEST(RequestHeadBytes, OfAValueAreVisibleOrSpace) {
    const auto allowed = [](unsigned char c) {
        return c == '\t' || (c >= 0x20 && c <= 0x7e) || c >= 0x80;
    };
    for (const std::string front : {"", "b"}) {
        for (const std::string back : {"", "d"}) {
            expect_bytes(
                [&](const std::string& c) {
                    return "GET / HTTP/1.0\r\nA: " + front + c + back + "\r\n\r\n";
                },
                allowed);
        }
    }
}

TEST(RequestHeadBytes, OfATargetAreVisibleAscii) {
    expect_bytes([](const std::string& c) { return "GET /?a" + c + " HTTP/1.0\r\n\r\n"; },
                 [](unsigned char c) { return c >= 0x21 && c <= 0x7e && c != '#'; });
}

TEST(RequestHeadBytes, OfAVersionAreFixed) {
    for (std::size_t at = 0; at < 8; ++at) {
        for (int value = 0; value < 256; ++value) {
            std::string version = "HTTP/1.1";
            version[at] = static_cast<char>(value);
            const outcome got = read_request("GET / " + version + "\r\n" + host_line + "\r\n");
            // A later minor version is read as 1.1 (RFC 9110 §2.5).
            const bool digit = version[7] >= '0' && version[7] <= '9';
            const bool good = version.starts_with("HTTP/1.") && digit;
            EXPECT_EQ(got.length.has_value(), good) << version;
        }
    }
}

// ---- Steps

TEST(RequestParser, HasStartedWithTheFirstByteOfTheRequestLine) {
    h1_request_parser parser{head_limits()};
    request_head into;
    for (const std::string_view blank : {"", "\r", "\r\n"}) {
        const auto fed = parser.feed(blank, into);
        ASSERT_TRUE(fed);
        EXPECT_FALSE(*fed);
        EXPECT_FALSE(parser.started());
    }
    EXPECT_TRUE(parser.feed("\r\nG", into));
    EXPECT_TRUE(parser.started());
    parser.reset();
    EXPECT_FALSE(parser.started());
    EXPECT_FALSE(parser.feed("\x16", into));
    EXPECT_TRUE(parser.started());
}

TEST(RequestParser, ReadsOneHeadAfterTheOther) {
    const std::string first = "\r\nPOST http://b.example/a?b HTTP/1.1\r\nHost: c\r\nA: 1\r\n\r\n";
    const std::string second = "GET / HTTP/1.0\r\n\r\n";
    const std::string both = first + second;
    h1_request_parser parser{head_limits()};
    request_head into;
    auto fed = parser.feed(both, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, first.size());
    EXPECT_EQ(test::text_of(into), "POST 1.1 http b.example /a ?b|A=1");
    into.clear();
    parser.reset();
    fed = parser.feed(both.substr(first.size()), into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, second.size());
    EXPECT_EQ(test::text_of(into), "GET 1.0 - - / -");
}

TEST(RequestParser, RefusesASecondEmptyLineWhereverTheFirstWasTaken) {
    for (const std::string_view second : {"\r", "\r\n", "\r\nGET / HTTP/1.1\r\n"}) {
        h1_request_parser parser{head_limits()};
        request_head into;
        parser.expect_no_empty_line();
        const auto fed = parser.feed(second, into);
        ASSERT_FALSE(fed);
        EXPECT_EQ(fed.error(), errc::bad_line_end);
        parser.reset();
        into.clear();
        EXPECT_TRUE(parser.feed(second, into));
    }
}

TEST(RequestParser, CanBeResetInTheMiddle) {
    h1_request_parser parser{head_limits()};
    request_head into;
    ASSERT_TRUE(parser.feed(get_line + "A: b\r\nC:", into));
    into.clear();
    parser.reset();
    const std::string whole = get_line + host_line + "\r\n";
    const auto fed = parser.feed(whole, into);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, whole.size());
    EXPECT_EQ(test::text_of(into), "GET 1.1 - a /p -");
}

struct kept_case {
    const char* name;
    std::string bytes;
    std::string understood;
};

TEST(RequestParser, KeepsWhatWasUnderstoodOfARefusedHead) {
    const kept_case cases[] = {
        {"method", "G@T /p HTTP/1.1\r\n", " 1.1 - - - -"},
        {"target", "PUT /\x7f HTTP/1.1\r\n", "PUT 1.1 - - - -"},
        {"path", "PUT /../ HTTP/1.0\r\n", "PUT 1.0 - - - -"},
        {"version", "PUT /p HTTP/2.0\r\n", "PUT 1.1 - - - -"},
        {"field", "PUT /p?q HTTP/1.0\r\nA: 1\r\nB : 2\r\n", "PUT 1.0 - - /p ?q|A=1"},
        {"line end", "PUT http://h/p HTTP/1.1\r\nA: 1\r\nB: 2\n", "PUT 1.1 http h /p -|A=1"},
        {"host", "GET /p HTTP/1.1\r\nAccept: x\r\n\r\n", "GET 1.1 - - /p -|Accept=x"},
        {"two hosts", "GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
         "GET 1.1 - - /p -|Host=a|Host=b"},
        {"bad host", "GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n", "GET 1.1 http a / -|Host=@"},
    };
    for (const kept_case& item : cases) {
        const outcome got = read_request(item.bytes);
        EXPECT_TRUE(got.failed) << item.name;
        EXPECT_EQ(got.understood, item.understood) << item.name;
    }
}

// Who asked with HEAD must not be answered with a body, however little of its line could be read.
TEST(RequestParser, KnowsTheMethodOfALineThatItRefusesOrNeverSeesWhole) {
    const kept_case cases[] = {
        {"begun", "HEAD /p", "HEAD 1.1 - - - -"},
        {"nothing behind it", "HEAD ", "HEAD 1.1 - - - -"},
        {"behind an empty line", "\r\nHEAD /p", "HEAD 1.1 - - - -"},
        {"too long", "HEAD /" + std::string(9000, 'p'), "HEAD 1.1 - - - -"},
        {"bare line feed", "HEAD /p HTTP/1.1\nHost: a\n\n", "HEAD 1.1 - - - -"},
        {"bare carriage return", "HEAD /p\rq HTTP/1.1\r\n", "HEAD 1.1 - - - -"},
        {"of the longest", std::string(32, 'M') + " /p", std::string(32, 'M') + " 1.1 - - - -"},
        {"not whole", "HEAD", " 1.1 - - - -"},
        {"too long itself", std::string(33, 'M') + " /p", " 1.1 - - - -"},
        {"not a token", "HE@D /p", " 1.1 - - - -"},
        {"on the next line", "x\nHEAD /p", " 1.1 - - - -"},
    };
    for (const kept_case& item : cases)
        EXPECT_EQ(read_request(item.bytes).understood, item.understood) << item.name;
}

// The log of a client that never ends its head still says what it asked for.
TEST(RequestParser, UnderstandsTheTargetBeforeTheFieldsAreThere) {
    const outcome got = read_request("GET /a/../p?q HTTP/1.1\r\nA: b\r\nC:");
    EXPECT_FALSE(got.failed);
    EXPECT_EQ(got.understood, "GET 1.1 - - /p ?q|A=b");
}

}  // namespace
}  // namespace penstock::http
