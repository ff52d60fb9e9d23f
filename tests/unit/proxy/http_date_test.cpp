#include "proxy/http_date.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

wall_clock::time_point second(std::int64_t since_epoch) {
    return wall_clock::time_point(std::chrono::seconds(since_epoch));
}

TEST(HttpDate, IsWrittenAsRfc9110Says) {
    http_date date;
    EXPECT_EQ(date.at(second(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(date.at(second(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(date.at(second(951782400)), "Tue, 29 Feb 2000 00:00:00 GMT");
    EXPECT_EQ(date.at(second(4102444799)), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(HttpDate, ChangesWithTheSecondBothWays) {
    http_date date;
    EXPECT_EQ(date.at(second(59) + 999ms), "Thu, 01 Jan 1970 00:00:59 GMT");
    EXPECT_EQ(date.at(second(60)), "Thu, 01 Jan 1970 00:01:00 GMT");
    EXPECT_EQ(date.at(second(60) + 1ms), "Thu, 01 Jan 1970 00:01:00 GMT");
    EXPECT_EQ(date.at(second(59)), "Thu, 01 Jan 1970 00:00:59 GMT");
}

}  // namespace
}  // namespace penstock::proxy
