#include "penstock/config/load.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

TEST(RenderText, PutsTheCaretUnderTabsAndWideCharacters) {
    const diagnostic problem{severity::warning, {"p.yaml", 3, 8}, "odd", "do better", "\tké: x"};
    EXPECT_EQ(render_text({problem}),
              "p.yaml:3:8: warning: odd\n  \tké: x\n  \t     ^\n  do better\n");
}

TEST(RenderText, LeavesOutWhatIsNotThere) {
    EXPECT_EQ(render_text({{severity::error, {"p.yaml", 0, 0}, "gone", "", ""}}),
              "p.yaml: error: gone\n");
    EXPECT_EQ(render_text({}), "");
}

TEST(RenderText, ColoursKindPlaceAndCaretForATerminal) {
    const diagnostic wrong{severity::error, {"p.yaml", 3, 2}, "odd", "do better", " x"};
    EXPECT_EQ(render_text({wrong}, rendering::coloured),
              "\x1b[1mp.yaml:3:2:\x1b[0m \x1b[1;31merror:\x1b[0m odd\n   x\n   "
              "\x1b[1;32m^\x1b[0m\n  do better\n");
    EXPECT_EQ(
        render_text({{severity::warning, {"p.yaml", 0, 0}, "odd", "", ""}}, rendering::coloured),
        "\x1b[1mp.yaml:\x1b[0m \x1b[1;33mwarning:\x1b[0m odd\n");
}

TEST(SourceLine, IsTheLineOfAPlaceOrNothing) {
    EXPECT_EQ(source_line("a\nb c\r\n", {"p.yaml", 2, 3}), "b c");
    EXPECT_EQ(source_line("a\n", {"p.yaml", 9, 1}), "");
    EXPECT_EQ(source_line("a\n", {"p.yaml", 0, 0}), "");
}

TEST(RenderJson, EscapesWhatItQuotes) {
    const diagnostic problem{severity::error, {"a\"b", 1, 2}, "x\\y", "", "\tz\x01"};
    EXPECT_EQ(render_json({problem}),
              "[\n  {\"severity\": \"error\", \"file\": \"a\\\"b\", \"line\": 1, \"column\": 2, "
              "\"message\": \"x\\\\y\", \"hint\": \"\", \"source_line\": \"\\tz\\u0001\"}\n]\n");
    EXPECT_EQ(render_json({}), "[]\n");
}

}  // namespace
}  // namespace penstock::config
