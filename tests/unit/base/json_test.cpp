#include "penstock/base/json.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace penstock {
namespace {

template <class Value>
std::string json_of(const Value& value) {
    std::string text;
    json_writer(text).value(value);
    return text;
}

TEST(JsonWriter, SeparatesMembersAndElements) {
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("a", 1);
    out.key("b");
    out.begin_array();
    out.value("x");
    out.begin_object();
    out.end_object();
    out.begin_array();
    out.end_array();
    out.value(true);
    out.end_array();
    out.member("c", false);
    out.end_object();
    EXPECT_EQ(text, R"({"a":1,"b":["x",{},[],true],"c":false})");
}

TEST(JsonWriter, AddsToWhatIsThere) {
    std::string text = "before ";
    json_writer(text).value("x");
    EXPECT_EQ(text, "before \"x\"");
}

TEST(JsonWriter, WritesNumbersInFull) {
    EXPECT_EQ(json_of(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(json_of(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(json_of(std::uint8_t{200}), "200");
    EXPECT_EQ(json_of(0.1), "0.1");
    EXPECT_EQ(json_of(1.0), "1");
}

TEST(JsonWriter, WritesNullForWhatIsNoNumber) {
    EXPECT_EQ(json_of(std::numeric_limits<double>::quiet_NaN()), "null");
    EXPECT_EQ(json_of(std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(json_of(-std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonWriter, EscapesQuotesAndControlBytes) {
    EXPECT_EQ(json_of(R"(a"b\c/)"), R"("a\"b\\c/")");
    EXPECT_EQ(json_of("\n\r\t\x1b\x7f"), R"("\u000a\u000d\u0009\u001b\u007f")");
    EXPECT_EQ(json_of(std::string("\0x", 2)), R"("\u0000x")");
}

TEST(JsonWriter, EscapesNames) {
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("a\"\n", 1);
    out.end_object();
    EXPECT_EQ(text, R"({"a\"\u000a":1})");
}

TEST(JsonWriter, PassesWellFormedUtf8) {
    for (const char* const text :
         {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
          "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_EQ(json_of(text), '"' + std::string(text) + '"');
}

TEST(JsonWriter, ShowsBytesThatAreNotUtf8) {
    EXPECT_EQ(json_of("a\xff z"), R"("a\u00ff z")");
    EXPECT_EQ(json_of("\x80"), R"("\u0080")");
    EXPECT_EQ(json_of("\xc0\xaf"), R"("\u00c0\u00af")");                      // overlong
    EXPECT_EQ(json_of("\xe0\x9f\xbf"), R"("\u00e0\u009f\u00bf")");            // overlong
    EXPECT_EQ(json_of("\xed\xa0\x80"), R"("\u00ed\u00a0\u0080")");            // a surrogate
    EXPECT_EQ(json_of("\xf0\x8f\xbf\xbf"), R"("\u00f0\u008f\u00bf\u00bf")");  // overlong
    EXPECT_EQ(json_of("\xf4\x90\x80\x80"), R"("\u00f4\u0090\u0080\u0080")");  // beyond U+10FFFF
}

// A character that is cut anywhere shows as bytes and takes nothing that follows along.
TEST(JsonWriter, ShowsCharactersThatAreCut) {
    EXPECT_EQ(json_of("\xe2\x82"), R"("\u00e2\u0082")");
    EXPECT_EQ(json_of("\xe2\"x"), R"("\u00e2\"x")");
    EXPECT_EQ(json_of("\xf0\x9f\x98\"x"), R"("\u00f0\u009f\u0098\"x")");
    EXPECT_EQ(json_of("\xc3"), R"("\u00c3")");
}

}  // namespace
}  // namespace penstock
