#include "penstock/http/h1_body.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {
namespace {

using namespace std::string_literals;

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
constexpr framing chunked{framing_kind::chunked, 0};

// What a decoder made of some bytes.
struct outcome {
    std::string data;
    std::size_t used = 0;
    bool finished = false;
    error failed;
    std::string trailers;
    bool operator==(const outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const outcome& of) {
    return out << '"' << of.data << "\" used " << of.used << (of.finished ? " finished " : " ")
               << of.failed.message() << " trailers " << of.trailers;
}

std::string text_of(const fields& of) {
    std::string text;
    for (const fields::field field : of)
        text += std::string(field.name) + "=" + std::string(field.value) + ";";
    return text;
}

// Gives a decoder one part after the other; what it leaves of a part is put before the next.
outcome feed_parts(h1_body_decoder& decoder, const std::vector<std::string_view>& parts,
                   std::size_t max) {
    outcome made;
    std::string pending;
    for (const std::string_view part : parts) {
        pending += part;
        while (!decoder.finished() && !made.failed) {
            const result<h1_body_decoder::piece> piece = decoder.feed(pending, max);
            if (!piece) {
                made.failed = piece.error();
                break;
            }
            made.data += piece->data;
            made.used += piece->used;
            pending.erase(0, piece->used);
            if (piece->data.empty())
                break;
        }
    }
    made.finished = decoder.finished();
    made.trailers = text_of(decoder.trailers());
    // How much of a faulty message was taken before the fault depends on how it was cut.
    if (made.failed)
        made.used = 0;
    return made;
}

// The same with `read`.
outcome read_parts(h1_body_decoder& decoder, const std::vector<std::string_view>& parts,
                   std::size_t max) {
    outcome made;
    std::string pending;
    for (const std::string_view part : parts) {
        pending += part;
        while (!decoder.finished() && !made.failed) {
            const h1_body_decoder::joined run = decoder.read(pending, max);
            EXPECT_LE(run.data.size(), max);
            made.failed = run.fault;
            made.data += run.data;
            made.used += run.used;
            const bool nothing = run.data.empty();
            pending.erase(0, run.used);
            if (nothing)
                break;
        }
    }
    made.finished = decoder.finished();
    made.trailers = text_of(decoder.trailers());
    if (made.failed)
        made.used = 0;
    return made;
}

outcome decode(std::string_view input, framing how = chunked, const body_limits& limits = {}) {
    h1_body_decoder decoder(how, limits);
    return feed_parts(decoder, {input}, all);
}

// The outcome in one piece, after it was found to be the same in every other cut.
outcome decode_every_way(std::string_view input, framing how = chunked,
                         const body_limits& limits = {}) {
    const outcome whole = decode(input, how, limits);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < input.size(); ++i)
        bytes.push_back(input.substr(i, 1));
    for (const std::size_t max : {all, std::size_t{1}, std::size_t{3}}) {
        h1_body_decoder one_by_one(how, limits);
        EXPECT_EQ(feed_parts(one_by_one, bytes, max), whole) << "byte by byte, max " << max;
        h1_body_decoder at_once(how, limits);
        EXPECT_EQ(feed_parts(at_once, {input}, max), whole) << "at once, max " << max;
        h1_body_decoder joined(how, limits);
        EXPECT_EQ(read_parts(joined, {input}, max), whole) << "joined, max " << max;
        for (std::size_t cut = 0; cut <= input.size(); ++cut) {
            h1_body_decoder joined_twice(how, limits);
            EXPECT_EQ(read_parts(joined_twice, {input.substr(0, cut), input.substr(cut)}, max),
                      whole)
                << "joined, cut at " << cut << ", max " << max;
            h1_body_decoder twice(how, limits);
            EXPECT_EQ(feed_parts(twice, {input.substr(0, cut), input.substr(cut)}, max), whole)
                << "cut at " << cut << ", max " << max;
        }
    }
    return whole;
}

TEST(BodyDecoder, WithoutBodyIsFinishedAtOnce) {
    h1_body_decoder plain;
    EXPECT_TRUE(plain.finished());
    EXPECT_EQ(plain.remaining_run(), 0U);
    EXPECT_FALSE(plain.end_of_input());
    EXPECT_EQ(decode("next", framing{}), (outcome{"", 0, true, {}, ""}));
    EXPECT_EQ(decode("next", framing{framing_kind::length, 0}), (outcome{"", 0, true, {}, ""}));
    const auto piece = plain.feed("next", all);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->used, 0U);
}

TEST(BodyDecoder, LengthLeavesTheNextMessage) {
    const outcome got = decode_every_way("helloGET /", framing{framing_kind::length, 5});
    EXPECT_EQ(got, (outcome{"hello", 5, true, {}, ""}));
}

TEST(BodyDecoder, LengthCountsDown) {
    h1_body_decoder decoder(framing{framing_kind::length, 5});
    EXPECT_EQ(decoder.remaining_run(), 5U);
    EXPECT_EQ(decoder.feed("hello", 2)->data, "he");
    EXPECT_EQ(decoder.remaining_run(), 3U);
    EXPECT_EQ(decoder.end_of_input(), errc::truncated);
    EXPECT_EQ(decoder.feed("llo!", all)->used, 3U);
    EXPECT_TRUE(decoder.finished());
    EXPECT_EQ(decoder.remaining_run(), 0U);
    EXPECT_FALSE(decoder.end_of_input());
}

TEST(BodyDecoder, UntilCloseEndsWithTheInput) {
    h1_body_decoder decoder(framing{framing_kind::until_close, 0});
    EXPECT_EQ(decoder.feed("hello", all)->data, "hello");
    EXPECT_EQ(decoder.feed("hello", 2)->used, 2U);
    EXPECT_FALSE(decoder.finished());
    EXPECT_EQ(decoder.remaining_run(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(decoder.end_of_input());
    EXPECT_TRUE(decoder.finished());
}

TEST(BodyDecoder, DataIsAViewIntoItsInput) {
    const std::string input = "5\r\nhello\r\n0\r\n\r\n";
    h1_body_decoder decoder(chunked);
    const auto piece = decoder.feed(input, all);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->data.data(), input.data() + 3);
    EXPECT_EQ(piece->data.size(), 5U);
    EXPECT_EQ(piece->used, 8U);
}

// Of origins alone; the caller says so.
TEST(BodyDecoder, TakesBlanksBehindSizesWhereItIsTold) {
    const std::string cases[] = {
        "5 \r\nhello\r\n0\r\n\r\n",         "5  \t\r\nhello\r\n0 \r\n\r\n",
        "5;a \r\nhello\r\n0\r\n\r\n",       "5;a=b \r\nhello\r\n0;c=\"d\" \r\n\r\n",
        "5 ; a = b \r\nhello\r\n0\r\n\r\n",
    };
    for (const std::string& input : cases) {
        SCOPED_TRACE(input);
        const body_limits padded{.padded_sizes = true};
        EXPECT_EQ(decode_every_way(input, chunked, padded),
                  (outcome{"hello", input.size(), true, {}, ""}));
        EXPECT_EQ(decode_every_way(input).failed, errc::bad_chunk);
    }
}

TEST(BodyDecoder, TakesNoOtherBlanks) {
    for (const std::string input : {" 5\r\nhello\r\n", "1 0\r\nhello\r\n", "5 \nhello\r\n", " \r\n",
                                    "5; \r\nhello\r\n", "5;a= \r\nhello\r\n"}) {
        const body_limits padded{.padded_sizes = true};
        EXPECT_EQ(decode_every_way(input, chunked, padded).failed, errc::bad_chunk) << input;
    }
}

TEST(BodyDecoder, CountsBlanksAsExtensions) {
    const body_limits padded{.padded_sizes = true};
    for (const std::size_t count : {255U, 256U, 257U}) {
        const std::string input = "5" + std::string(count, ' ') + "\r\nhello\r\n0\r\n\r\n";
        const outcome got = decode(input, chunked, padded);
        EXPECT_EQ(got.finished, count <= 256) << count;
        if (count > 256) {
            EXPECT_EQ(got.failed, errc::chunk_extension_too_large);
        }
    }
}

// What both sides do once they have a run: look whether the message ends with it.
TEST(BodyDecoder, TakesFramingOnlyIfNoDataIsWanted) {
    for (const framing how :
         {framing{framing_kind::length, 3}, framing{framing_kind::until_close, 0}})
        EXPECT_EQ(h1_body_decoder(how).feed("abc", 0)->used, 0U);
    h1_body_decoder decoder(chunked);
    auto piece = decoder.feed("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", 0);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->used, 3U);
    EXPECT_TRUE(piece->data.empty());
    EXPECT_EQ(decoder.remaining_run(), 3U);
    EXPECT_EQ(decoder.feed("abc\r\n2\r\nde", all)->used, 3U);
    EXPECT_EQ(decoder.remaining_run(), 0U);
    EXPECT_EQ(decoder.feed("\r\n2\r\nde\r\n", 0)->used, 5U);
    EXPECT_EQ(decoder.feed("de\r\n0\r\n\r\nGET", all)->used, 2U);
    EXPECT_FALSE(decoder.finished());
    EXPECT_EQ(decoder.feed("\r\n0\r\n\r\nGET", 0)->used, 7U);
    EXPECT_TRUE(decoder.finished());
}

TEST(BodyDecoder, DataBeforeAFaultIsGivenFirst) {
    h1_body_decoder decoder(chunked);
    const std::string input = "3\r\nabcX";
    const auto piece = decoder.feed(input, all);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->data, "abc");
    EXPECT_FALSE(decoder.feed("X", all));
}

TEST(BodyDecoder, SmallChunksComeAsOneRun) {
    h1_body_decoder decoder(chunked);
    std::string input = "2\r\nab\r\n3;x=y\r\ncde\r\n400\r\n" + std::string(1024, 'f') +
                        "\r\n401\r\n" + std::string(1025, 'g') + "\r\n1\r\nh\r\n0\r\n\r\nGET";
    const h1_body_decoder::joined small = decoder.read(input, all);
    EXPECT_EQ(small.data, "abcde" + std::string(1024, 'f'));
    EXPECT_EQ(decoder.remaining_run(), 1025U);
    const h1_body_decoder::joined large =
        decoder.read(std::span<char>(input).subspan(small.used), all);
    EXPECT_EQ(large.data, std::string(1025, 'g') + "h");
    EXPECT_TRUE(decoder.finished());
    EXPECT_EQ(input.substr(small.used + large.used), "GET");
}

// What was joined is good whatever follows, and no more than was asked for.
TEST(BodyDecoder, JoinedDataBeforeAFaultIsGivenFirst) {
    h1_body_decoder decoder(chunked);
    std::string input = "1\r\na\r\n1\r\nb\r\nX";
    const h1_body_decoder::joined run = decoder.read(input, all);
    EXPECT_EQ(run.data, "ab");
    EXPECT_EQ(run.fault, errc::bad_chunk);
    h1_body_decoder bounded(chunked);
    input = "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n";
    const h1_body_decoder::joined part = bounded.read(input, 3);
    EXPECT_EQ(part.data, "abc");
    EXPECT_EQ(bounded.read(std::span<char>(input).subspan(part.used), 3).data, "d");
    EXPECT_TRUE(bounded.finished());
}

TEST(BodyDecoder, RepeatsAFault) {
    h1_body_decoder decoder(chunked);
    ASSERT_FALSE(decoder.feed("x", all));
    const auto again = decoder.feed("0\r\n\r\n", all);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), errc::bad_chunk);
    EXPECT_FALSE(decoder.finished());
    EXPECT_EQ(decoder.end_of_input(), errc::bad_chunk);
}

struct good_body {
    const char* name;
    std::string input;
    std::string data;
    std::string trailers = "";
};
std::ostream& operator<<(std::ostream& out, const good_body& of) { return out << of.name; }

class ChunkedGood : public testing::TestWithParam<good_body> {};

TEST_P(ChunkedGood, IsReadInEveryCutAndLeavesTheNextMessage) {
    const outcome wanted{GetParam().data, GetParam().input.size(), true, {}, GetParam().trailers};
    EXPECT_EQ(decode_every_way(GetParam().input), wanted);
    EXPECT_EQ(decode_every_way(GetParam().input + "5\r\nGET "), wanted);
}

TEST_P(ChunkedGood, IsTruncatedAtEveryByte) {
    const std::string& input = GetParam().input;
    for (std::size_t size = 0; size < input.size(); ++size) {
        h1_body_decoder decoder(chunked);
        const outcome got = feed_parts(decoder, {std::string_view(input).substr(0, size)}, all);
        EXPECT_FALSE(got.finished) << size;
        EXPECT_FALSE(got.failed) << size;
        EXPECT_EQ(decoder.end_of_input(), errc::truncated) << size;
    }
}

const std::string end = "0\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Chunked, ChunkedGood,
    testing::Values(good_body{"Empty", end, ""}, good_body{"One", "5\r\nhello\r\n" + end, "hello"},
                    good_body{"Two", "1\r\na\r\n2\r\nbc\r\n" + end, "abc"},
                    good_body{"UpperHex", "A\r\n0123456789\r\n" + end, "0123456789"},
                    good_body{"LowerHex", "a\r\n0123456789\r\n" + end, "0123456789"},
                    good_body{"SixteenDigits", "0000000000000001\r\na\r\n" + end, "a"},
                    good_body{"ManyZeros", "1\r\na\r\n0000000000000000\r\n\r\n", "a"},
                    good_body{"DataLikeFraming", "5\r\n0\r\n\r\n\r\n" + end, "0\r\n\r\n"},
                    good_body{"DataOfAnyByte", "4\r\n\0\xff\r\n\r\n"s + end, "\0\xff\r\n"s},
                    good_body{"Extension", "1;a\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionValue", "1;a=b\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionQuoted", "1;a=\"b ; c\"\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionQuotedEmpty", "1;a=\"\"\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionEscape", "1;a=\"\\\"\\\\\"\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionObsText", "1;a=\"\xc3\xa9\t\"\r\nx\r\n" + end, "x"},
                    good_body{"Extensions", "1;a;b=c;d=\"e\";f\r\nx\r\n" + end, "x"},
                    good_body{"ExtensionSpace", "1 ; a = b ;\tc\t=\t\"d\" ; e ; f\r\nx\r\n" + end,
                              "x"},
                    good_body{"ExtensionOfLast", "1\r\nx\r\n0;a=b\r\n\r\n", "x"},
                    good_body{"Trailer", "0\r\nX-Sum: 1\r\n\r\n", "", "X-Sum=1;"},
                    good_body{"Trailers", "1\r\na\r\n0\r\nX:1\r\nY: \t2 3\t \r\nZ:\r\n\r\n", "a",
                              "X=1;Y=2 3;Z=;"},
                    good_body{"TrailerTwice", "0\r\nX: 1\r\nx: 2\r\n\r\n", "", "X=1;x=2;"},
                    good_body{"TrailerObsText", "0\r\nX: \xe9\r\n\r\n", "", "X=\xe9;"},
                    good_body{"GrpcTrailers", "0\r\ngrpc-status: 0\r\ngrpc-message: ok\r\n\r\n", "",
                              "grpc-status=0;grpc-message=ok;"}),
    [](const auto& each) { return std::string(each.param.name); });

struct bad_body {
    const char* name;
    std::string input;
    errc why = errc::bad_chunk;
    std::string data = "";
};
std::ostream& operator<<(std::ostream& out, const bad_body& of) { return out << of.name; }

class ChunkedBad : public testing::TestWithParam<bad_body> {};

TEST_P(ChunkedBad, IsRefusedInEveryCut) {
    const outcome got = decode_every_way(GetParam().input);
    EXPECT_EQ(got.failed, GetParam().why) << got.failed.message();
    EXPECT_EQ(got.data, GetParam().data);
    EXPECT_FALSE(got.finished);
}

INSTANTIATE_TEST_SUITE_P(
    ChunkSize, ChunkedBad,
    testing::Values(
        bad_body{"Empty", "\r\n"}, bad_body{"LineFeed", "\n"}, bad_body{"NotHex", "g\r\n"},
        bad_body{"Prefix", "0x5\r\nhello"}, bad_body{"Plus", "+5\r\n"}, bad_body{"Minus", "-5\r\n"},
        bad_body{"Underscore", "1_0\r\n"}, bad_body{"LeadingSpace", " 5\r\n"},
        bad_body{"LeadingTab", "\t5\r\n"}, bad_body{"LeadingLine", "\r\n5\r\n"},
        bad_body{"TrailingSpace", "5 \r\nhello"}, bad_body{"TrailingTab", "5\t\r\nhello"},
        bad_body{"SpaceInside", "1 0\r\n"}, bad_body{"Point", "5.\r\n"},
        bad_body{"Comma", "5,\r\n"}, bad_body{"Nul", "5\0\r\n"s},
        bad_body{"VerticalTab", "5\v\r\n"}, bad_body{"FormFeed", "5\f\r\n"},
        bad_body{"HighByte", "5\xb2\r\n"}, bad_body{"SuffixH", "5h\r\n"},
        bad_body{"SeventeenDigits", "00000000000000005\r\n"},
        bad_body{"SeventeenZeros", "00000000000000000\r\n"},
        bad_body{"AboveTheLargest", "4000000000000001\r\n"},
        bad_body{"SixteenFs", "ffffffffffffffff\r\n"},
        bad_body{"Wraps64Bits", "10000000000000005\r\n"}, bad_body{"BareLineFeed", "5\nhello"},
        bad_body{"BareReturn", "5\rhello"}, bad_body{"TwoReturns", "5\r\r\nhello"},
        bad_body{"MinusZero", "-0\r\n\r\n"}, bad_body{"LastWithLineFeed", "0\n\r\n"}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ChunkData, ChunkedBad,
    testing::Values(bad_body{"NoLineEnd", "1\r\naX", errc::bad_chunk, "a"},
                    bad_body{"TooLong", "1\r\nab\r\n", errc::bad_chunk, "a"},
                    bad_body{"TooShort", "3\r\na\r\n0\r\n\r\n", errc::bad_chunk, "a\r\n"},
                    bad_body{"BareLineFeed", "1\r\na\n0\r\n\r\n", errc::bad_chunk, "a"},
                    bad_body{"BareReturn", "1\r\na\r0\r\n\r\n", errc::bad_chunk, "a"},
                    bad_body{"TwoReturns", "1\r\na\r\r\n", errc::bad_chunk, "a"},
                    bad_body{"EmptyLineBetween", "1\r\na\r\n\r\n0\r\n\r\n", errc::bad_chunk, "a"},
                    bad_body{"LaterSize", "1\r\na\r\nz\r\n", errc::bad_chunk, "a"}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ChunkExtension, ChunkedBad,
    testing::Values(
        bad_body{"NoName", "5;\r\nhello"}, bad_body{"NoNameThenValue", "5;=b\r\nhello"},
        bad_body{"NoNameBetween", "5;;a\r\nhello"}, bad_body{"NoNameLast", "5;a;\r\nhello"},
        bad_body{"NoValue", "5;a=\r\nhello"}, bad_body{"NoValueBetween", "5;a=;b\r\nhello"},
        bad_body{"TwoValues", "5;a=b=c\r\nhello"}, bad_body{"TwoWords", "5;a b\r\nhello"},
        bad_body{"TwoValueWords", "5;a=b c\r\nhello"}, bad_body{"NameNotToken", "5;a@\r\nhello"},
        bad_body{"NameQuoted", "5;\"a\"\r\nhello"}, bad_body{"ValueNotToken", "5;a=(\r\nhello"},
        bad_body{"TextAfterQuote", "5;a=\"b\"c\r\nhello"},
        bad_body{"QuoteOpen", "5;a=\"b\r\nhello"}, bad_body{"QuoteOverLines", "5;a=\"\r\n\"\r\nx"},
        bad_body{"ReturnInQuotes", "5;a=\"b\rc\"\r\nhello"},
        bad_body{"LineFeedInQuotes", "5;a=\"b\nc\"\r\nhello"},
        bad_body{"NulInQuotes", "5;a=\"\0\"\r\n"s}, bad_body{"DeleteInQuotes", "5;a=\"\x7f\"\r\n"},
        bad_body{"EscapedReturn", "5;a=\"\\\r\n\"\r\n"},
        bad_body{"EscapedLineFeed", "5;a=\"\\\n\"\r\n"}, bad_body{"BareLineFeed", "5;a\nhello"},
        bad_body{"BareReturn", "5;a\rhello"}, bad_body{"SpaceAtEnd", "5;a \r\nhello"},
        bad_body{"SpaceAfterValue", "5;a=b \r\nhello"},
        bad_body{"SpaceAfterQuote", "5;a=\"b\" \r\nhello"},
        bad_body{"SpaceWithoutSemicolon", "5 a\r\nhello"}, bad_body{"Nul", "5;\0\r\n"s}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ChunkTrailer, ChunkedBad,
    testing::Values(bad_body{"EndWithLineFeed", "0\r\n\n", errc::bad_trailer},
                    bad_body{"EndWithReturn", "0\r\n\rX", errc::bad_trailer},
                    bad_body{"LineFeedAfterField", "0\r\nX: 1\n\r\n", errc::bad_trailer},
                    bad_body{"ReturnInField", "0\r\nX: 1\rY: 2\r\n\r\n", errc::bad_trailer},
                    bad_body{"NoColon", "0\r\nX\r\n\r\n", errc::bad_trailer},
                    bad_body{"NextRequest", "0\r\nGET / HTTP/1.1\r\n\r\n", errc::bad_trailer},
                    bad_body{"NoName", "0\r\n: 1\r\n\r\n", errc::bad_trailer},
                    bad_body{"SpaceBeforeColon", "0\r\nX : 1\r\n\r\n", errc::bad_trailer},
                    bad_body{"Folded", "0\r\nX: 1\r\n 2\r\n\r\n", errc::bad_trailer},
                    bad_body{"FoldedFirst", "0\r\n X: 1\r\n\r\n", errc::bad_trailer},
                    bad_body{"NameNotToken", "0\r\nX@: 1\r\n\r\n", errc::bad_trailer},
                    bad_body{"Nul", "0\r\nX: \0\r\n\r\n"s, errc::bad_trailer},
                    bad_body{"Control", "0\r\nX: \x1f\r\n\r\n", errc::bad_trailer},
                    bad_body{"Delete", "0\r\nX: \x7f\r\n\r\n", errc::bad_trailer},
                    bad_body{"Expect", "0\r\nExpect: 100-continue\r\n\r\n", errc::bad_expectation}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(ChunkedDecoder, TakesTheLargestChunk) {
    h1_body_decoder decoder(chunked);
    ASSERT_TRUE(decoder.feed("4000000000000000\r\n", all));
    EXPECT_EQ(decoder.remaining_run(), std::uint64_t{1} << 62);
}

TEST(ChunkedDecoder, DropsTrailersThatWouldChangeTheMessage) {
    for (const std::string name : {"Transfer-Encoding",
                                   "content-length",
                                   "Host",
                                   "Authorization",
                                   "Cookie",
                                   "Set-Cookie",
                                   "Connection",
                                   "Keep-Alive",
                                   "TE",
                                   "Trailer",
                                   "Upgrade",
                                   "Proxy-Connection",
                                   "Proxy-Authorization",
                                   "Proxy-Authenticate",
                                   "WWW-Authenticate",
                                   "Content-Type",
                                   "Content-Encoding",
                                   "Content-Range",
                                   "Content-Anything",
                                   "Cache-Control",
                                   "Pragma",
                                   "Range",
                                   "If-Match",
                                   "If-None-Match",
                                   "Max-Forwards",
                                   "Age",
                                   "Date",
                                   "Expires",
                                   "Location",
                                   "Retry-After",
                                   "Vary",
                                   "Warning",
                                   "Via",
                                   "Forwarded",
                                   "X-Forwarded-For",
                                   "X-Forwarded-Anything",
                                   "X-Real-IP",
                                   "X-Request-Id",
                                   "HTTP2-Settings",
                                   "Content_Length",
                                   "Transfer_Encoding",
                                   "X_Forwarded-For"}) {
        const outcome got = decode("0\r\nA: 1\r\n" + name + ": x\r\nB: 2\r\n\r\n");
        EXPECT_TRUE(got.finished) << name;
        EXPECT_EQ(got.trailers, "A=1;B=2;") << name;
    }
    for (const std::string name : {"Server-Timing", "Proxy-Status", "ETag", "Repr-Digest", "x_y"})
        EXPECT_EQ(decode("0\r\n" + name + ": x\r\n\r\n").trailers, name + "=x;");
}

TEST(ChunkedDecoder, LimitsExtensionsOfALine) {
    body_limits limits;
    limits.extension_line = 8;
    for (const std::size_t size : {7U, 8U}) {
        const std::string line = "1;" + std::string(size - 1, 'a') + "\r\nx\r\n" + end;
        EXPECT_TRUE(decode_every_way(line, chunked, limits).finished) << size;
    }
    const outcome above = decode_every_way("1;" + std::string(8, 'a') + "\r\nx", chunked, limits);
    EXPECT_EQ(above.failed, errc::chunk_extension_too_large);
    // The limit is one of each line.
    EXPECT_EQ(decode("1;aaaaaaa\r\nx\r\n1;aaaaaaa\r\ny\r\n" + end, chunked, limits).data, "xy");
}

TEST(ChunkedDecoder, LimitsExtensionsOfAMessage) {
    body_limits limits;
    limits.extension_total = 9;
    const auto message = [](std::size_t size) {
        return "1;aa\r\nx\r\n1;aa\r\ny\r\n0;" + std::string(size - 7, 'a') + "\r\n\r\n";
    };
    EXPECT_TRUE(decode_every_way(message(8), chunked, limits).finished);
    EXPECT_TRUE(decode_every_way(message(9), chunked, limits).finished);
    EXPECT_EQ(decode_every_way(message(10), chunked, limits).failed,
              errc::chunk_extension_too_large);
}

TEST(ChunkedDecoder, LimitsTheNumberOfTrailers) {
    const auto message = [](std::size_t count) {
        std::string text = "0\r\n";
        for (std::size_t i = 0; i < count; ++i)
            text += i % 2 == 0 ? "X: 1\r\n" : "Host: dropped\r\n";
        return text + "\r\n";
    };
    EXPECT_TRUE(decode(message(31)).finished);
    EXPECT_TRUE(decode(message(32)).finished);
    EXPECT_EQ(decode(message(33)).failed, errc::trailer_too_large);
}

TEST(ChunkedDecoder, LimitsTheBytesOfTrailers) {
    body_limits limits;
    limits.trailer_bytes = 16;
    const auto message = [](std::size_t bytes) {
        return "0\r\nX: 1\r\nHost:" + std::string(bytes - 9, 'a') + "\r\n\r\n";
    };
    EXPECT_TRUE(decode_every_way(message(15), chunked, limits).finished);
    EXPECT_TRUE(decode_every_way(message(16), chunked, limits).finished);
    EXPECT_EQ(decode_every_way(message(17), chunked, limits).failed, errc::trailer_too_large);
}

TEST(ChunkedDecoder, CountsARunDown) {
    h1_body_decoder decoder(chunked);
    EXPECT_EQ(decoder.remaining_run(), 0U);
    ASSERT_TRUE(decoder.feed("1000\r\n", all));
    EXPECT_EQ(decoder.remaining_run(), 4096U);
    EXPECT_EQ(decoder.feed(std::string(5000, 'x'), 96)->used, 96U);
    EXPECT_EQ(decoder.remaining_run(), 4000U);
}

TEST(ChunkEncoder, WritesSizesAsTheDecoderReadsThem) {
    for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{15}, std::uint64_t{16},
                                     std::uint64_t{65535}, std::uint64_t{1} << 62}) {
        const chunk_size_line line = encode_chunk_size(size);
        h1_body_decoder decoder(chunked);
        ASSERT_TRUE(decoder.feed({line.text.data(), line.size}, all));
        EXPECT_EQ(decoder.remaining_run(), size);
    }
    const chunk_size_line line = encode_chunk_size(std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(std::string_view(line.text.data(), line.size), "ffffffffffffffff\r\n");
}

TEST(ChunkEncoderDeathTest, AChunkOfNothingIsOurMistake) {
    EXPECT_DEATH((void)encode_chunk_size(0), "size > 0");
}

TEST(ChunkEncoder, EndsWithTrailers) {
    std::string out = "x";
    ASSERT_TRUE(encode_last_chunk({}, out));
    EXPECT_EQ(out, "x0\r\n\r\n");
    fields trailers;
    trailers.add("X-Sum", "1");
    trailers.add("Y", "");
    out.clear();
    ASSERT_TRUE(encode_last_chunk(trailers, out));
    EXPECT_EQ(out, "0\r\nX-Sum: 1\r\nY: \r\n\r\n");
    EXPECT_EQ(decode(out).trailers, "X-Sum=1;Y=;");
}

TEST(ChunkEncoder, RefusesWhatItCouldNotReadBack) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"", "1"},     {"a b", "1"},   {"a:", "1"},   {"a\r\nb", "1"}, {"a", "1\r\nb: 2"},
        {"a", "1\nb"}, {"a", "1\0b"s}, {"a", "\x7f"}, {"a", " 1"},     {"a", "1\t"}};
    for (const auto& [name, value] : bad) {
        fields trailers;
        trailers.add("good", "1");
        trailers.add(name, value);
        std::string out = "x";
        const result<void> made = encode_last_chunk(trailers, out);
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error(), errc::bad_field);
        EXPECT_EQ(out, "x");
    }
}

}  // namespace
}  // namespace penstock::http
