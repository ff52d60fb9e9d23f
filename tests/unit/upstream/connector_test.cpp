#include "upstream/connector.hpp"

#include <gtest/gtest.h>

namespace penstock::upstream {
namespace {

// As long as keepalive asks, unless a request may wait for longer; or what the operator says.
TEST(Connector, UserTimeoutOfHttp2CutsNoWait) {
    config::upstream of;
    EXPECT_EQ(user_timeout_of(of), 60s);
    of.timeouts.first_byte = 10min;
    EXPECT_EQ(user_timeout_of(of), 0ms);
    of.timeouts.first_byte = 60s;
    of.timeouts.idle = 61s;
    EXPECT_EQ(user_timeout_of(of), 0ms);
    of.keep.idle = 31s;
    EXPECT_EQ(user_timeout_of(of), 61s);
    of.keep.enabled = false;
    EXPECT_EQ(user_timeout_of(of), 61s);
    of.kernel.user_timeout = 5s;
    EXPECT_EQ(user_timeout_of(of), 5s);
}

}  // namespace
}  // namespace penstock::upstream
