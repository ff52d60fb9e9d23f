#include "upstream/interim_limit.hpp"

#include <gtest/gtest.h>

namespace penstock::upstream {
namespace {

constexpr time_point start{1h};

TEST(InterimLimit, CountsWithinASecond) {
    interim_limit limit;
    for (std::size_t i = 0; i < interim_limit::per_second_max; ++i)
        EXPECT_TRUE(limit.take(30, start + 999ms)) << i;
    EXPECT_FALSE(limit.take(30, start + 1998ms));
}

// However long it goes on.
TEST(InterimLimit, BeginsAgainWithEachSecond) {
    interim_limit limit;
    for (int second = 0; second < 20; ++second) {
        for (std::size_t i = 0; i < interim_limit::per_second_max; ++i)
            ASSERT_TRUE(limit.take(30, start + second * 1s)) << second << " " << i;
    }
}

TEST(InterimLimit, AddsUpBytesForever) {
    for (const std::size_t last : {0U, 1U, 2U}) {
        interim_limit limit;
        EXPECT_TRUE(limit.take(interim_limit::bytes_max - 1, start));
        EXPECT_EQ(limit.take(last, start + 1h), last <= 1) << last;
    }
}

}  // namespace
}  // namespace penstock::upstream
