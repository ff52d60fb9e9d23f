#include "net/key_update_limit.hpp"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

const time_point start{1000s};

// Of `count` updates `apart` from each other, how many pass.
int passed(int count, nanoseconds apart) {
    key_update_limit limit;
    int good = 0;
    for (int i = 0; i < count; ++i)
        good += limit.take(start + i * apart) ? 1 : 0;
    return good;
}

TEST(KeyUpdateLimit, LetsEightPassInTenSeconds) {
    EXPECT_EQ(passed(7, 0s), 7);
    EXPECT_EQ(passed(8, 1s), 8);
    EXPECT_EQ(passed(9, 0s), 8);
    EXPECT_EQ(passed(9, 1249ms), 8);
    EXPECT_EQ(passed(9, 1250ms), 9);
}

TEST(KeyUpdateLimit, BeginsAnewAfterEachWindow) { EXPECT_EQ(passed(1000, 1250ms), 1000); }

TEST(KeyUpdateLimit, StaysExceeded) {
    key_update_limit limit;
    for (int i = 0; i < 8; ++i)
        EXPECT_TRUE(limit.take(start));
    EXPECT_FALSE(limit.exceeded());
    EXPECT_FALSE(limit.take(start + 9s));
    EXPECT_FALSE(limit.take(start + 1h));
    EXPECT_TRUE(limit.exceeded());
}

}  // namespace
}  // namespace penstock::net
