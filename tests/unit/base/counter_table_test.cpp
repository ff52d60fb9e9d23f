#include "penstock/base/counter_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace penstock {
namespace {

using counts = std::map<std::uint64_t, std::uint64_t>;

counts counts_of(const counter_table& table) {
    counts all;
    table.each([&](std::uint64_t key, std::uint64_t value) {
        EXPECT_TRUE(all.emplace(key, value).second) << key << " is there twice";
    });
    return all;
}

TEST(CounterTable, IsEmptyAtFirst) {
    const counter_table table(16);
    EXPECT_EQ(counts_of(table), counts());
    EXPECT_EQ(table.size(), 0U);
}

TEST(CounterTable, CountsByKey) {
    counter_table table(16);
    table.add(7);
    table.add(9, 40);
    table.add(7, 2);
    EXPECT_EQ(counts_of(table), (counts{{7, 3}, {9, 40}}));
    EXPECT_EQ(table.size(), 2U);
}

TEST(CounterTable, KnowsTheKeyOfZeroFromAFreeSlot) {
    counter_table table(16);
    table.add(0, 5);
    EXPECT_EQ(counts_of(table), (counts{{0, 5}}));
}

TEST(CounterTable, KeepsASeriesThatCountedNothingYet) {
    counter_table table(16);
    table.add(3, 0);
    EXPECT_EQ(counts_of(table), (counts{{3, 0}}));
}

// Keys that differ in few bits, as packed labels do, share places in a small table.
TEST(CounterTable, TellsKeysApartThatShareAPlace) {
    counter_table table(64);
    counts expected;
    for (std::uint64_t i = 0; i < 48; ++i) {
        const std::uint64_t key = i << 32 | (i & 3);
        table.add(key, i + 1);
        expected[key] = i + 1;
    }
    for (const auto& [key, value] : expected)
        table.add(key, value);
    for (auto& [key, value] : expected)
        value *= 2;
    EXPECT_EQ(counts_of(table), expected);
}

TEST(CounterTable, HoldsThreeQuartersOfItsSlots) {
    for (const std::size_t series : {11U, 12U, 13U}) {
        counter_table table(16);
        for (std::uint64_t key = 0; key < series; ++key)
            table.add(key);
        const counts all = counts_of(table);
        EXPECT_EQ(table.size(), std::min<std::size_t>(series, 12));
        EXPECT_EQ(all.count(counter_table::overflow_key), series > 12 ? 1U : 0U) << series;
    }
}

TEST(CounterTable, CountsWhatFindsNoRoomTogether) {
    counter_table table(4);
    for (std::uint64_t key = 1; key <= 3; ++key)
        table.add(key);
    table.add(4, 10);
    table.add(5, 20);
    table.add(2);
    EXPECT_EQ(counts_of(table),
              (counts{{1, 1}, {2, 2}, {3, 1}, {counter_table::overflow_key, 30}}));
    EXPECT_EQ(table.size(), 3U);
}

// 1M random keys: the table does not grow and nothing is lost.
TEST(CounterTable, StaysBoundedWhateverComes) {
    counter_table table(256);
    std::uint64_t random = 1;
    for (int i = 0; i < 1'000'000; ++i) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        table.add(random >> 8);
    }
    std::uint64_t sum = 0;
    const counts all = counts_of(table);
    for (const auto& [key, value] : all)
        sum += value;
    EXPECT_EQ(all.size(), 193U);
    EXPECT_EQ(sum, 1'000'000U);
}

TEST(CounterTable, IsReadWhileItIsWritten) {
    constexpr std::uint64_t rounds = 200;
    counter_table table(256);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (std::uint64_t round = 0; round < rounds; ++round) {
            for (std::uint64_t key = 0; key < 192; ++key)
                table.add(key, key);
        }
        done = true;
    });
    while (!done) {
        table.each([](std::uint64_t key, std::uint64_t value) {
            // A key is published with its own counter: every value is a multiple of it.
            EXPECT_LT(key, 192U);
            EXPECT_TRUE(key == 0 ? value == 0 : value % key == 0 && value <= key * rounds);
        });
    }
    writer.join();
    for (const auto& [key, value] : counts_of(table))
        EXPECT_EQ(value, key * rounds);
}

TEST(CounterTableDeathTest, WantsACapacityThatLeavesASlotFree) {
    EXPECT_DEATH(counter_table(0), "capacity");
    EXPECT_DEATH(counter_table(2), "capacity");
    EXPECT_DEATH(counter_table(12), "capacity");
}

}  // namespace
}  // namespace penstock
