#include "penstock/base/names.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace penstock {
namespace {

TEST(Names, BeginWithNoneAndOther) {
    EXPECT_EQ(name_of(no_name), "none");
    EXPECT_EQ(name_of(other_name), "_other");
    EXPECT_EQ(intern_name("none"), no_name);
    EXPECT_EQ(intern_name("_other"), other_name);
}

TEST(Names, KeepTheIdOfTheirFirstUse) {
    const name_id web = intern_name("names.web");
    const name_id edge = intern_name("names.edge");
    EXPECT_NE(web, edge);
    EXPECT_EQ(intern_name("names.web"), web);
    EXPECT_EQ(name_of(web), "names.web");
    EXPECT_EQ(name_of(edge), "names.edge");
}

TEST(Names, OfUnknownIdsAreNone) {
    EXPECT_EQ(name_of(static_cast<name_id>(names_max)), "none");
    EXPECT_EQ(name_of(name_id{65535}), "none");
}

TEST(Names, AreKeptAsText) {
    std::string given = "names.given";
    const name_id id = intern_name(given);
    given.assign("names.later");
    EXPECT_EQ(name_of(id), "names.given");
    const std::string zero("names\0zero", 10);
    EXPECT_EQ(name_of(intern_name(zero)), zero);
}

TEST(Names, StayWhereTheyAreWhileOthersCome) {
    const std::string& first = name_of(intern_name("names.first"));
    const std::string* const place = &first;
    for (int i = 0; i < 500; ++i)
        EXPECT_NE(intern_name("names.more." + std::to_string(i)), other_name);
    EXPECT_EQ(&name_of(intern_name("names.first")), place);
    EXPECT_EQ(first, "names.first");
}

TEST(Names, AreTheSameFromEveryThread) {
    constexpr int count = 100;
    std::vector<std::vector<name_id>> seen(4);
    std::vector<std::thread> threads;
    for (std::vector<name_id>& mine : seen) {
        threads.emplace_back([&mine] {
            for (int i = 0; i < count; ++i) {
                const std::string name = "names.shared." + std::to_string(i);
                mine.push_back(intern_name(name));
                EXPECT_EQ(name_of(mine.back()), name);
            }
        });
    }
    for (std::thread& one : threads)
        one.join();
    for (const std::vector<name_id>& other : seen)
        EXPECT_EQ(other, seen.front());
}

// Fills the table, which can't be undone. Its exit code says what was wrong.
[[noreturn]] void fill_the_table() {
    name_id last = no_name;
    std::string name;
    for (std::size_t i = 0; last + std::size_t{1} < names_max; ++i) {
        name = "names.fill." + std::to_string(i);
        last = intern_name(name);
        if (last == other_name)
            std::_Exit(1);
    }
    if (name_of(last) != name)
        std::_Exit(2);
    if (intern_name("names.one.too.many") != other_name)
        std::_Exit(3);
    if (intern_name(name) != last)
        std::_Exit(4);
    std::_Exit(0);
}

TEST(Names, AreOtherOnceTheTableIsFull) {
    EXPECT_EXIT(fill_the_table(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace penstock
