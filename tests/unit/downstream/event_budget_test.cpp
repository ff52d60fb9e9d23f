#include "downstream/connection_home.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace penstock::downstream {
namespace {

TEST(EventBudget, TellsHowManyItLeftOut) {
    event_budget budget;
    const time_point begin = time_point() + 1h;
    for (std::uint64_t i = 0; i < event_budget::most; ++i)
        EXPECT_EQ(budget.take(begin), std::optional<std::uint64_t>(0));
    for (int i = 0; i < 7; ++i)
        EXPECT_EQ(budget.take(begin + 999ms), std::nullopt);
    EXPECT_EQ(budget.take(begin + 1s), std::optional<std::uint64_t>(7));
    EXPECT_EQ(budget.take(begin + 1s), std::optional<std::uint64_t>(0));
}

}  // namespace
}  // namespace penstock::downstream
