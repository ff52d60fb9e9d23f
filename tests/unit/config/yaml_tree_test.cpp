#include "config/yaml_tree.hpp"

#include "penstock/config/load.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

std::string problem_of(const std::string& text) {
    const yaml_tree tree = parse_yaml(text);
    return tree.problem.has_value() ? tree.problem->message : "";
}

std::string repeated(const std::string& text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

TEST(YamlTree, KeepsPlacesAndRepeatedKeys) {
    const yaml_tree tree = parse_yaml("a: 1\nb:\n  - x\na: \"q\"\n");
    ASSERT_FALSE(tree.problem.has_value());
    ASSERT_EQ(tree.root->entries.size(), 3U);
    EXPECT_EQ(tree.root->entries[2].key->text, "a");
    EXPECT_EQ(tree.root->entries[2].key->line, 4);
    EXPECT_EQ(tree.root->entries[2].value->column, 4);
    EXPECT_EQ(tree.root->entries[1].value->items[0]->line, 3);
    EXPECT_EQ(tree.root->entries[1].value->items[0]->column, 5);
}

TEST(YamlTree, NestsToItsLimit) {
    for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{a: ", "}")}) {
        const auto nested = [&, first = open, last = close](std::size_t levels) {
            return repeated(first, levels) + repeated(last, levels);
        };
        EXPECT_EQ(problem_of(nested(yaml_depth_max - 1)), "");
        EXPECT_EQ(problem_of(nested(yaml_depth_max)), "");
        EXPECT_EQ(problem_of(nested(yaml_depth_max + 1)), "nested too deeply");
        EXPECT_EQ(problem_of(nested(100'000)), "too many open brackets");
        EXPECT_EQ(problem_of(repeated(open, 100'000)), "too many open brackets");
    }
    EXPECT_EQ(problem_of(repeated("- ", 100'000) + "a"), "nested too deeply");
    EXPECT_EQ(problem_of(repeated("? ", 100'000) + "a"), "nested too deeply");
    EXPECT_EQ(problem_of(repeated("- ? ", 10'000) + "a"), "nested too deeply");
}

TEST(YamlTree, HoldsValuesToItsLimit) {
    // The list is a node too.
    const auto list = [](std::size_t nodes) { return repeated("- 1\n", nodes - 1); };
    EXPECT_EQ(problem_of(list(yaml_nodes_max)), "");
    EXPECT_EQ(problem_of(list(yaml_nodes_max + 1)), "too many values");
}

TEST(YamlTree, CountsAliasesAsCopies) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string before = "*a" + std::to_string(i - 1) + " ";
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
                repeated(before + ", ", 9) + before + "]\n";
    }
    EXPECT_EQ(problem_of(bomb), "too many values");
    const yaml_tree tree = parse_yaml("a: &a [x]\nb: *a\n");
    ASSERT_FALSE(tree.problem.has_value());
    EXPECT_EQ(tree.root->entries[1].value, tree.root->entries[0].value);
}

TEST(YamlTree, RefusesAnAliasToWhatContainsIt) {
    EXPECT_EQ(problem_of("a: &a [*a]"), "an alias to what contains it");
    EXPECT_EQ(problem_of("&a {b: {c: *a}}"), "an alias to what contains it");
}

TEST(YamlTree, TakesNothingForNoDocument) {
    for (const char* const text : {"", "\n\n", "# comment\n", "   "}) {
        const yaml_tree tree = parse_yaml(text);
        EXPECT_FALSE(tree.problem.has_value()) << text;
        EXPECT_EQ(tree.root, nullptr) << text;
    }
}

TEST(YamlTree, RefusesBytesThatAreNoText) {
    const yaml_tree bad = parse_yaml("a: 1\nb: \xff\n");
    ASSERT_TRUE(bad.problem.has_value());
    EXPECT_EQ(bad.problem->message, "not UTF-8 text");
    EXPECT_EQ(bad.problem->line, 2);
    EXPECT_EQ(bad.problem->column, 4);
    EXPECT_EQ(problem_of(std::string("a: \0", 4)), "a NUL byte");
    EXPECT_EQ(problem_of(std::string("\xff\xfe"
                                     "a\0:\0",
                                     6)),
              "not UTF-8 text");
}

}  // namespace
}  // namespace penstock::config
