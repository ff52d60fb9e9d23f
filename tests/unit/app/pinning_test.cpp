#include "app/pinning.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace penstock::app {
namespace {

TEST(Pinning, GivesEachWorkerACpuOfTheMaskInTurn) {
    EXPECT_EQ(cpus_for(2, {3, 5, 7}), (std::vector<int>{3, 5}));
    EXPECT_EQ(cpus_for(3, {3, 5, 7}), (std::vector<int>{3, 5, 7}));
    EXPECT_EQ(cpus_for(4, {3, 5, 7}), (std::vector<int>{3, 5, 7, 3}));
    EXPECT_EQ(cpus_for(2, {}), std::vector<int>());
}

TEST(Pinning, TiesAThreadToOneAllowedCpu) {
    const std::vector<int> allowed = allowed_cpus();
    ASSERT_FALSE(allowed.empty());
    std::vector<int> tied;
    bool done = false;
    std::thread([&] {
        done = pin_this_thread(allowed.back());
        tied = allowed_cpus();
    }).join();
    EXPECT_TRUE(done);
    EXPECT_EQ(tied, std::vector<int>{allowed.back()});
    EXPECT_EQ(allowed_cpus(), allowed) << "other threads are as before";
}

TEST(Pinning, SaysThatThereIsNoSuchCpu) { EXPECT_FALSE(pin_this_thread(1023)); }

}  // namespace
}  // namespace penstock::app
