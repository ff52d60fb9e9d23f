#include "app/descriptor_limit.hpp"

#include "penstock/net/pipe.hpp"

#include "app/reload.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

// One worker: 64 in reserve, 4 for pollers, 1 listening socket each.
constexpr std::uint64_t fixed_of_one = descriptor_reserve + 4 + 1 + net::pipe_pool::open_max * 2;

config::model model_with(const std::vector<std::uint64_t>& caps, std::uint32_t pool) {
    config::model made;
    for (const std::uint64_t cap : caps) {
        config::listener& one = made.listeners.emplace_back();
        one.bind.emplace_back();
        one.limit.connections = cap;
    }
    config::upstream& app = made.upstreams.emplace_back();
    app.endpoints.emplace_back();
    app.pool.connections = pool;
    return made;
}

TEST(DescriptorBudget, AddsUpListenersAndPools) {
    const descriptor_budget got = budget_of(model_with({1000}, 100), fixed_of_one + 1100, 1);
    EXPECT_EQ(got.fixed, fixed_of_one);
    EXPECT_EQ(got.upstreams, 100U);
    EXPECT_EQ(got.clients, 1000U);
    EXPECT_EQ(got.room, 1000U);
    EXPECT_TRUE(got.fits());
    EXPECT_FALSE(budget_of(model_with({1000}, 100), fixed_of_one + 1099, 1).fits());
}

TEST(DescriptorBudget, GivesPoolsAHalfAtMost) {
    EXPECT_EQ(budget_of(model_with({1000}, 5000), fixed_of_one + 1000, 1).room, 500U);
    EXPECT_EQ(budget_of(model_with({1000}, 5000), 10, 1).room, 0U);
}

TEST(FitCaps, LeavesCapsThatFit) {
    config::model model = model_with({10, 20}, 1);
    EXPECT_FALSE(fit_caps(model, 30));
    EXPECT_EQ(model.listeners[0].limit.connections, 10U);
    EXPECT_EQ(model.listeners[1].limit.connections, 20U);
}

TEST(FitCaps, LowersEachByTheSameShareAndNeverToNone) {
    config::model model = model_with({1000, 3000, 1}, 1);
    EXPECT_TRUE(fit_caps(model, 2000));
    EXPECT_EQ(model.listeners[0].limit.connections, 499U);
    EXPECT_EQ(model.listeners[1].limit.connections, 1499U);
    EXPECT_EQ(model.listeners[2].limit.connections, 1U);
}

TEST(FitCaps, CapsAListenerWithoutCap) {
    config::model model = model_with({0}, 1);
    EXPECT_FALSE(fit_caps(model, 1'000'000));
    EXPECT_EQ(model.listeners[0].limit.connections, 50'000U);
    model = model_with({0}, 1);
    EXPECT_FALSE(fit_caps(model, 2000));
    EXPECT_EQ(model.listeners[0].limit.connections, 2000U);
}

TEST(FitToDescriptors, WarnsOnlyWhenMoreWasAskedFor) {
    config::model fits = model_with({1000}, 100);
    EXPECT_EQ(fit_to_descriptors(fits, fixed_of_one + 1100, 1), std::nullopt);
    config::model uncapped = model_with({0}, 100);
    EXPECT_EQ(fit_to_descriptors(uncapped, fixed_of_one + 1100, 1), std::nullopt);
    EXPECT_EQ(uncapped.listeners[0].limit.connections, 1000U);
    config::model above = model_with({1001}, 100);
    const auto warning = fit_to_descriptors(above, fixed_of_one + 1100, 1);
    ASSERT_TRUE(warning);
    EXPECT_NE(warning->find("room for 1000"), std::string::npos) << *warning;
    EXPECT_EQ(above.listeners[0].limit.connections, 1000U);
}

// Nobody asked for the default, so nobody is told that it is lower.
TEST(FitToDescriptors, DefaultCapsAreFittedWithoutAWord) {
    config::model one = model_with({config::limits().connections}, 100);
    EXPECT_EQ(fit_to_descriptors(one, fixed_of_one + 1100, 1), std::nullopt);
    EXPECT_EQ(one.listeners[0].limit.connections, 1000U);
}

// What was asked for stays, while a quarter is left for the others.
TEST(FitCaps, LowersDefaultsFirst) {
    for (const std::uint64_t asked : {749U, 750U, 751U}) {
        config::model model = model_with({asked, config::limits().connections, 0}, 1);
        EXPECT_EQ(fit_caps(model, 1000), asked > 750) << asked;
        if (asked > 750)
            continue;
        EXPECT_EQ(model.listeners[0].limit.connections, asked);
        EXPECT_EQ(model.listeners[1].limit.connections, (1000 - asked) / 6);
        EXPECT_EQ(model.listeners[2].limit.connections, (1000 - asked) * 5 / 6);
    }
}

}  // namespace
}  // namespace penstock::app
