#include "app/memory_use.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

using net::memory_level;

constexpr std::uint64_t mib = 1024 * 1024;

struct level_case {
    const char* name;
    memory_level before;
    std::uint64_t percent_in_tenths;
    memory_level expected;
};

class MemoryLevel : public testing::TestWithParam<level_case> {};

TEST_P(MemoryLevel, FollowsFromUseAndLevel) {
    const level_case& of = GetParam();
    constexpr std::uint64_t limit = 1000 * mib;
    EXPECT_EQ(memory_level_for(of.before, of.percent_in_tenths * mib, limit), of.expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, MemoryLevel,
    testing::Values(
        level_case{"below_high", memory_level::normal, 949, memory_level::normal},
        level_case{"at_high", memory_level::normal, 950, memory_level::high},
        level_case{"below_critical", memory_level::normal, 979, memory_level::high},
        level_case{"at_critical", memory_level::normal, 980, memory_level::critical},
        level_case{"above_the_limit", memory_level::normal, 1500, memory_level::critical},
        level_case{"critical_stays", memory_level::critical, 960, memory_level::critical},
        level_case{"critical_is_left", memory_level::critical, 959, memory_level::high},
        level_case{"high_stays", memory_level::high, 930, memory_level::high},
        level_case{"high_is_left", memory_level::high, 929, memory_level::normal},
        level_case{"critical_to_normal", memory_level::critical, 500, memory_level::normal}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(MemoryLevel, IsNormalWithoutALimit) {
    EXPECT_EQ(memory_level_for(memory_level::critical, 1ULL << 62U, 0), memory_level::normal);
}

TEST(MemoryUse, ReadsStatm) {
    EXPECT_EQ(private_pages("1000 300 120 4 0 90 0\n"), 180U);
    for (const char* nonsense : {"", "1000", "1000 300", "a b c", "1000 100 200", "-1 2 3"})
        EXPECT_FALSE(private_pages(nonsense)) << nonsense;
    EXPECT_GT(memory_in_use(), mib);
}

TEST(MemoryUse, ReadsTheLimitOfACgroup) {
    EXPECT_EQ(cgroup_memory_limit("536870912\n"), 512 * mib);
    EXPECT_EQ(cgroup_memory_limit("0"), 0U);
    for (const char* none : {"max\n", "9223372036854771712\n", "", "12 kB", "-1"})
        EXPECT_FALSE(cgroup_memory_limit(none)) << none;
}

TEST(HeapTrim, WaitsForTheEndOfABurst) {
    heap_trim_rule rule;
    EXPECT_FALSE(rule.due(20 * mib));  // more than ever before
    EXPECT_FALSE(rule.due(40 * mib));
    EXPECT_TRUE(rule.due(40 * mib));
    EXPECT_TRUE(rule.due(42 * mib));
    EXPECT_TRUE(rule.due(30 * mib));
}

TEST(HeapTrim, IsWorthItsCost) {
    heap_trim_rule rule;
    rule.note_trimmed(40 * mib);
    // What is in use could not be given back; so not again for nothing.
    for (std::uint64_t used = 40 * mib; used < 50 * mib; used += mib)
        EXPECT_FALSE(rule.due(used));
    EXPECT_TRUE(rule.due(50 * mib));
    rule.note_trimmed(8 * mib);
    EXPECT_FALSE(rule.due(8 * mib + heap_trim_rule::growth_min - 1));
    EXPECT_TRUE(rule.due(8 * mib + heap_trim_rule::growth_min));
}

}  // namespace
}  // namespace penstock::app
