#include "downstream/record_pool.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::downstream {
namespace {

TEST(RecordPool, KeepsTheMemoryOfTexts) {
    record_pool pool;
    std::unique_ptr<exchange::record> one = pool.take();
    one->path = std::string(100, 'x');
    one->status = 200;
    const char* const text = one->path.data();
    pool.give_back(std::move(one));
    EXPECT_EQ(pool.cached(), 1U);
    const std::unique_ptr<exchange::record> again = pool.take();
    EXPECT_EQ(pool.cached(), 0U);
    EXPECT_EQ(again->status, 0);
    EXPECT_EQ(again->path, "");
    EXPECT_EQ(again->path.data(), text);
}

TEST(RecordPool, KeepsNeitherLargeOnesNorMany) {
    record_pool pool;
    std::unique_ptr<exchange::record> large = pool.take();
    large->path = std::string(record_pool::bytes_kept_max + 1, 'x');
    pool.give_back(std::move(large));
    EXPECT_EQ(pool.cached(), 0U);
    std::vector<std::unique_ptr<exchange::record>> many;
    for (std::size_t i = 0; i < record_pool::cached_max + 1; ++i)
        many.push_back(pool.take());
    for (std::unique_ptr<exchange::record>& each : many)
        pool.give_back(std::move(each));
    EXPECT_EQ(pool.cached(), record_pool::cached_max);
}

}  // namespace
}  // namespace penstock::downstream
