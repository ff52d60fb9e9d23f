#include "app/text.hpp"

#include "app/diagnostics.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

TEST(JsonString, EscapesWhatCouldEndItOrBeNoJson) {
    EXPECT_EQ(json_string("plain"), "\"plain\"");
    EXPECT_EQ(json_string("a\"b\\c"), "\"a\\\"b\\\\c\"");
    EXPECT_EQ(json_string(std::string("\0\n\x7f", 3)), "\"\\u0000\\u000a\\u007f\"");
    EXPECT_EQ(json_string("\xff"), "\"\\u00ff\"");
}

TEST(HtmlText, EscapesMarkup) {
    EXPECT_EQ(html_text("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
}

TEST(OneLine, NamesThePlaceAsFarAsItIsKnown) {
    EXPECT_EQ(one_line({"a.yaml", 3, 7}, "bad"), "a.yaml:3:7: error: bad");
    EXPECT_EQ(one_line({"a.yaml", 0, 0}, "bad"), "a.yaml: error: bad");
    EXPECT_EQ(one_line({"", 0, 0}, "bad"), "error: bad");
    config::diagnostic warning;
    warning.severity = config::severity::warning;
    warning.where = {"a.yaml", 1, 2};
    warning.message = "odd";
    warning.hint = "did you mean 'even'?";
    EXPECT_EQ(one_line(warning), "a.yaml:1:2: odd (did you mean 'even'?)");
}

TEST(Summary, CountsErrorsAndWarnings) {
    config::diagnostic wrong;
    config::diagnostic odd;
    odd.severity = config::severity::warning;
    EXPECT_EQ(summary_of({}), "no problems");
    EXPECT_EQ(summary_of({wrong}), "1 error");
    EXPECT_EQ(summary_of({wrong, wrong, odd}), "2 errors, 1 warning");
    EXPECT_EQ(summary_of({odd, odd}), "2 warnings");
}

}  // namespace
}  // namespace penstock::app
