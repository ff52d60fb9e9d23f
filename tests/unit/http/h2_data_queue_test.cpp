#include "penstock/http/h2_data_queue.hpp"

#include "http/h2_rate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace penstock::http {
namespace {

std::string pattern(std::size_t from, std::size_t count) {
    std::string out;
    for (std::size_t i = from; i < from + count; ++i)
        out += static_cast<char>('a' + i % 26);
    return out;
}

TEST(H2DataQueue, GivesBackWhatCameInEveryMixOfSizes) {
    for (const std::size_t in : {1U, 100U, 16384U, 16385U, 50000U}) {
        for (const std::size_t out : {1000U, 16384U, 100000U}) {
            h2_data_queue queue;
            std::size_t written = 0;
            std::size_t read = 0;
            while (read < 100'000) {
                while (written < 100'000 && queue.size() < 60'000) {
                    const std::size_t count = std::min<std::size_t>(in, 100'000 - written);
                    queue.append(pattern(written, count));
                    written += count;
                }
                const std::string_view next = queue.front(out);
                ASSERT_FALSE(next.empty());
                ASSERT_LE(next.size(), out);
                ASSERT_EQ(next, pattern(read, next.size()));
                queue.drop(next.size());
                read += next.size();
            }
            EXPECT_EQ(queue.size(), 0U);
            EXPECT_TRUE(queue.front(1).empty());
        }
    }
}

// A consumer may still be reading what it was given while more comes in.
TEST(H2DataQueue, LeavesBytesWhereTheyAre) {
    h2_data_queue queue;
    queue.append("hello");
    const std::string_view first = queue.front(100);
    for (int i = 0; i < 100; ++i)
        queue.append(std::string(5000, 'x'));
    EXPECT_EQ(first, "hello");
    EXPECT_EQ(queue.front(5).data(), first.data());
}

TEST(H2DataQueue, CanBeDroppedWhole) {
    h2_data_queue queue;
    queue.append(std::string(40'000, 'x'));
    queue.drop(100);
    queue.drop(queue.size());
    EXPECT_EQ(queue.size(), 0U);
    queue.append("again");
    EXPECT_EQ(queue.front(100), "again");
}

TEST(H2Rate, CountsWithinItsWindowOnly) {
    h2_rate rate(3, 10s);
    time_point now{1s};
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(rate.add(now));
    EXPECT_FALSE(rate.add(now + 9s));
    EXPECT_TRUE(rate.add(now + 10s));
    EXPECT_TRUE(rate.add(now + 11s));
    EXPECT_TRUE(rate.add(now + 19s));
    EXPECT_FALSE(rate.add(now + 19s));
}

}  // namespace
}  // namespace penstock::http
