#include "penstock/net/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::net {
namespace {

std::string_view held(const read_buffer& in) { return {in.data(), in.size()}; }

void fill(read_buffer& in, buffer_pool& pool, std::string_view text) {
    const read_buffer::room room = in.prepare(pool);
    ASSERT_GE(room.size, text.size());
    std::memcpy(room.data, text.data(), text.size());
    in.commit(text.size());
}

TEST(BufferPool, CountsWhatIsHandedOut) {
    buffer_pool pool;
    slab one = pool.take_small();
    EXPECT_EQ(one.size(), buffer_pool::small);
    slab two = pool.take_large();
    EXPECT_EQ(two.size(), buffer_pool::large);
    EXPECT_EQ(pool.in_use(), buffer_pool::small + buffer_pool::large);
    one.release();
    one.release();
    EXPECT_FALSE(one);
    EXPECT_EQ(pool.in_use(), buffer_pool::large);
    two = slab();
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(BufferPool, GivesTheLatestSlabAgain) {
    buffer_pool pool;
    slab one = pool.take_small();
    char* const data = one.data();
    one.release();
    const slab again = pool.take_small();
    EXPECT_EQ(again.data(), data);
}

TEST(BufferPool, TakesBackMoreThanItKeeps) {
    buffer_pool pool;
    std::vector<slab> many;
    for (std::size_t i = 0; i < buffer_pool::cached_max + 5; ++i)
        many.push_back(pool.take_small());
    many.clear();
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Slab, IsGivenBackOnceHoweverItMoves) {
    buffer_pool pool;
    slab one = pool.take_small();
    slab two = std::move(one);
    slab three;
    three = std::move(two);
    three = pool.take_large();
    EXPECT_EQ(pool.in_use(), buffer_pool::large);
}

TEST(ReadBuffer, HoldsNoSlabUntilItIsPrepared) {
    buffer_pool pool;
    read_buffer in;
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(pool.in_use(), 0U);
    fill(in, pool, "abc");
    EXPECT_EQ(held(in), "abc");
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
    in.consume(3);
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ReadBuffer, GivesBackASlabThatNothingCameInto) {
    buffer_pool pool;
    read_buffer in;
    static_cast<void>(in.prepare(pool));
    in.release_if_empty();
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ReadBuffer, KeepsTheSlabWhileViewsAreRead) {
    buffer_pool pool;
    read_buffer in;
    fill(in, pool, "abc");
    const char* const data = in.data();
    in.consume_keep(3);
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(std::string_view(data, 3), "abc");
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
    in.release_if_empty();
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ReadBuffer, MovesToTheFrontWhenItsBackIsFull) {
    buffer_pool pool;
    read_buffer in;
    fill(in, pool, std::string(buffer_pool::small, 'x'));
    in.consume(buffer_pool::small - 3);
    fill(in, pool, "end");
    EXPECT_EQ(held(in), "xxxend");
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
}

TEST(ReadBuffer, GrowsOnceAndThenIsFull) {
    buffer_pool pool;
    read_buffer in;
    fill(in, pool, std::string(buffer_pool::small, 'x'));
    read_buffer::room room = in.prepare(pool);
    EXPECT_EQ(room.size, buffer_pool::large - buffer_pool::small);
    EXPECT_EQ(pool.in_use(), buffer_pool::large);
    EXPECT_EQ(held(in), std::string(buffer_pool::small, 'x'));
    in.commit(room.size);
    room = in.prepare(pool);
    EXPECT_EQ(room.size, 0U);
    in.consume(1);
    EXPECT_EQ(in.prepare(pool).size, 1U);
}

TEST(BufferPool, GivesScrapsOfAFewSizes) {
    buffer_pool pool;
    for (const auto& [least, size] : std::vector<std::pair<std::size_t, std::size_t>>{
             {1, 256}, {256, 256}, {257, 512}, {4000, 4096}, {4096, 4096}}) {
        const slab scrap = pool.take_scrap(least);
        EXPECT_EQ(scrap.size(), size);
        EXPECT_EQ(pool.in_use(), size);
    }
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ReadBuffer, ParksWhatIsLittle) {
    buffer_pool pool;
    read_buffer in;
    in.park(pool);
    EXPECT_EQ(pool.in_use(), 0U);
    fill(in, pool, "abcdef");
    in.consume(2);
    in.park(pool);
    EXPECT_EQ(held(in), "cdef");
    EXPECT_EQ(pool.in_use(), buffer_pool::scrap_min);
    // Twice is once.
    const char* const data = in.data();
    in.park(pool);
    EXPECT_EQ(in.data(), data);
    // More comes in behind it, first what has room.
    fill(in, pool, std::string(buffer_pool::scrap_min - 4, 'x'));
    EXPECT_EQ(pool.in_use(), buffer_pool::scrap_min);
    fill(in, pool, "y");
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
    EXPECT_EQ(held(in), "cdef" + std::string(buffer_pool::scrap_min - 4, 'x') + "y");
    in.consume(in.size());
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ReadBuffer, ParksNoMoreThanAScrap) {
    buffer_pool pool;
    read_buffer in;
    fill(in, pool, std::string(buffer_pool::scrap_max + 1, 'x'));
    in.park(pool);
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
    in.consume(1);
    in.park(pool);
    EXPECT_EQ(pool.in_use(), buffer_pool::scrap_max);
    // Empty, it is no slab for the next read.
    in.consume_keep(in.size());
    fill(in, pool, "z");
    EXPECT_EQ(pool.in_use(), buffer_pool::small);
}

}  // namespace
}  // namespace penstock::net
