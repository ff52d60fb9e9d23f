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

// What a key comes down to without its detail, in the tests that run out of room.
constexpr std::uint64_t coarse = 1000;

TEST(CounterTable, IsEmptyAtFirst) {
    const counter_table table(16);
    EXPECT_EQ(counts_of(table), counts());
    EXPECT_EQ(table.size(), 0U);
}

TEST(CounterTable, CountsByKey) {
    counter_table table(16);
    table.add(7, coarse);
    table.add(9, coarse, 40);
    table.add(7, coarse, 2);
    EXPECT_EQ(counts_of(table), (counts{{7, 3}, {9, 40}}));
    EXPECT_EQ(table.size(), 2U);
}

TEST(CounterTable, KnowsTheKeyOfZeroFromAFreeSlot) {
    counter_table table(16);
    table.add(0, coarse, 5);
    EXPECT_EQ(counts_of(table), (counts{{0, 5}}));
}

TEST(CounterTable, KeepsASeriesThatCountedNothingYet) {
    counter_table table(16);
    table.add(3, coarse, 0);
    EXPECT_EQ(counts_of(table), (counts{{3, 0}}));
}

// Keys that differ in few bits, as packed labels do, share places in a small table.
TEST(CounterTable, TellsKeysApartThatShareAPlace) {
    counter_table table(64);
    counts expected;
    for (std::uint64_t i = 0; i < 48; ++i) {
        const std::uint64_t key = i << 32 | (i & 3);
        table.add(key, coarse, i + 1);
        expected[key] = i + 1;
    }
    for (const auto& [key, value] : expected)
        table.add(key, coarse, value);
    for (auto& [key, value] : expected)
        value *= 2;
    EXPECT_EQ(counts_of(table), expected);
}

TEST(CounterTable, HoldsThreeQuartersOfItsSlots) {
    for (const std::size_t series : {11U, 12U, 13U}) {
        counter_table table(16);
        for (std::uint64_t key = 0; key < series; ++key)
            table.add(key, coarse);
        const counts all = counts_of(table);
        EXPECT_EQ(table.size(), series);
        EXPECT_EQ(all.count(coarse), series > 12 ? 1U : 0U) << series;
    }
}

TEST(CounterTable, CountsWhatFindsNoRoomWithoutItsDetail) {
    counter_table table(16);
    for (std::uint64_t key = 1; key <= 12; ++key)
        table.add(key, coarse);
    table.add(13, coarse, 10);
    table.add(14, coarse + 1, 20);
    table.add(15, coarse, 30);
    table.add(2, coarse);
    counts expected{{coarse, 40}, {coarse + 1, 20}};
    for (std::uint64_t key = 1; key <= 12; ++key)
        expected[key] = key == 2 ? 2 : 1;
    EXPECT_EQ(counts_of(table), expected);
    EXPECT_EQ(table.size(), 14U);
}

// One that was counted before there was no room any more goes on with its series.
TEST(CounterTable, HasOneSeriesForAKeyThatIsAlsoACoarseOne) {
    counter_table table(16);
    table.add(coarse, coarse, 5);
    for (std::uint64_t key = 1; key <= 20; ++key)
        table.add(key, coarse);
    EXPECT_EQ(counts_of(table).at(coarse), 5U + 9U);
}

TEST(CounterTable, KeepsRoomForCoarseKeys) {
    counter_table table(64);
    for (std::uint64_t key = 0; key < 200; ++key)
        table.add(key, coarse + key % table.coarse_max());
    EXPECT_EQ(table.coarse_max(), 8U);
    EXPECT_EQ(table.size(), 48U + 8U);
    std::uint64_t sum = 0;
    for (const auto& [key, value] : counts_of(table))
        sum += value;
    EXPECT_EQ(sum, 200U);
}

TEST(CounterTableDeathTest, WantsNoMoreCoarseKeysThanItHasRoomFor) {
    counter_table table(16);
    for (std::uint64_t key = 0; key < 14; ++key)
        table.add(key, coarse + key);
    EXPECT_DEATH(table.add(14, coarse), "counter != nullptr");
}

// 1M random keys: the table does not grow and nothing is lost.
TEST(CounterTable, StaysBoundedWhateverComes) {
    counter_table table(256);
    std::uint64_t random = 1;
    for (int i = 0; i < 1'000'000; ++i) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        table.add(random >> 8, coarse);
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
                table.add(key, coarse, key);
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
    EXPECT_DEATH(counter_table(4), "capacity");
    EXPECT_DEATH(counter_table(12), "capacity");
}

}  // namespace
}  // namespace penstock
