#include "penstock/base/recycled.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace penstock {
namespace {

TEST(Recycled, ServesEverySize) {
    for (std::size_t size = 0; size < 10000; size += 97) {
        void* const block = allocate_recycled(size);
        ASSERT_NE(block, nullptr);
        std::memset(block, 0xab, size);
        release_recycled(block, size);
    }
}

TEST(Recycled, TakesBlocksOfAnotherThread) {
    void* block = nullptr;
    std::thread maker([&block] { block = allocate_recycled(200); });
    maker.join();
    release_recycled(block, 200);
    block = allocate_recycled(200);
    std::thread taker([block] { release_recycled(block, 200); });
    taker.join();
}

TEST(Recycled, TakesBackMoreThanItKeeps) {
    std::vector<void*> many;
    for (int i = 0; i < 600; ++i)
        many.push_back(allocate_recycled(64));
    for (void* const block : many)
        release_recycled(block, 64);
}

TEST(RecyclingAllocator, ServesContainers) {
    std::vector<int, recycling_allocator<int>> numbers;
    for (int i = 0; i < 5000; ++i)
        numbers.push_back(i);
    const auto copy = numbers;
    EXPECT_EQ(copy.back(), 4999);
}

}  // namespace
}  // namespace penstock
