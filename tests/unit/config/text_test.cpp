#include "config/text.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

TEST(Nearest, AllowsAThirdOfTheWordInEdits) {
    const struct {
        const char* word;
        const char* expected;
    } cases[] = {
        {"listners", "listeners"},
        {"lsiteners", "listeners"},
        {"listeners", "listeners"},
        {"lstnrs", ""},        // three edits, two are allowed
        {"lo", "log"},         // one of one
        {"l", ""},             // none is allowed
        {"ruotes", "routes"},  // a swap is one edit
        {"zzzzzz", ""},
        {"", ""},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(nearest(one.word, {"listeners", "log", "routes"}), one.expected) << one.word;
    }
}

TEST(Nearest, LeavesLongWordsAlone) {
    const std::string at(64, 'a');
    const std::string above(65, 'a');
    EXPECT_EQ(nearest(at, {std::string_view(at)}), at);
    EXPECT_EQ(nearest(above, {std::string_view(above)}), "");
}

TEST(Utf8, EndsAtTheFirstBadByte) {
    const struct {
        const char* name;
        std::string_view text;
        std::size_t length;
    } cases[] = {
        {"ascii", "abc", 3},
        {"two_bytes", "\xc3\xa9", 2},
        {"three_bytes", "\xe2\x82\xac", 3},
        {"four_bytes", "\xf0\x9f\x98\x80", 4},
        {"cut_short", "a\xe2\x82", 1},
        {"lone_continuation", "a\x80", 1},
        {"overlong_two", "\xc0\x80", 0},
        {"overlong_three", "\xe0\x80\x80", 0},
        {"overlong_four", "\xf0\x80\x80\x80", 0},
        {"surrogate", "\xed\xa0\x80", 0},
        {"beyond_unicode", "\xf4\x90\x80\x80", 0},
        {"bad_first_byte", "\xf5\x80\x80\x80", 0},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(utf8_valid_length(one.text), one.length) << one.name;
    }
}

TEST(Quotes, HideControlBytesAndCutLongTexts) {
    EXPECT_EQ(in_quotes("a\x1b[31m\n"), "'a?[31m?'");
    EXPECT_EQ(in_quotes(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
    EXPECT_EQ(in_quotes(std::string(81, 'x')), "'" + std::string(80, 'x') + "…'");
    // Cut between characters, never within one.
    EXPECT_EQ(in_quotes(std::string(79, 'x') + "\xc3\xa9"), "'" + std::string(79, 'x') + "…'");
}

}  // namespace
}  // namespace penstock::config
