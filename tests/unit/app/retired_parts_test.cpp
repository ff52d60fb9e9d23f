#include "app/retired_parts.hpp"

#include <gtest/gtest.h>

namespace penstock::app {
namespace {

std::shared_ptr<compiled> made_of(std::uint64_t number,
                                  std::vector<std::shared_ptr<upstream::shared_upstream>> of) {
    auto made = std::make_shared<compiled>();
    made->generation = std::make_shared<const proxy::generation>(number, config::model());
    for (auto& one : of)
        made->upstreams.push_back({"", std::move(one), {}});
    return made;
}

TEST(RetiredParts, CountsWhatIsStillHeld) {
    const auto kept = std::make_shared<upstream::shared_upstream>();
    auto first = made_of(1, {kept, std::make_shared<upstream::shared_upstream>()});
    auto second = made_of(2, {std::make_shared<upstream::shared_upstream>(), kept});
    const auto third = made_of(3, {kept});
    retired_parts parts;
    EXPECT_EQ(parts.generations(), 0U);
    parts.add(*first, *second);
    EXPECT_EQ(parts.generations(), 1U);
    EXPECT_EQ(parts.upstreams(), 1U);
    parts.add(*second, *third);
    EXPECT_EQ(parts.generations(), 2U);
    EXPECT_EQ(parts.upstreams(), 2U);
    // As an exchange holds a generation, and a connection an upstream.
    const auto exchange = first->generation;
    const auto connection = second->upstreams[0].shared;
    first.reset();
    EXPECT_EQ(parts.generations(), 2U);
    EXPECT_EQ(parts.upstreams(), 1U);
    second.reset();
    EXPECT_EQ(parts.generations(), 1U);
    EXPECT_EQ(parts.upstreams(), 1U);
}

TEST(RetiredParts, HoldsNothingItself) {
    const auto present = made_of(2, {});
    retired_parts parts;
    for (std::uint64_t i = 0; i < 100; ++i)
        parts.add(*made_of(i, {std::make_shared<upstream::shared_upstream>()}), *present);
    EXPECT_EQ(parts.generations(), 0U);
    EXPECT_EQ(parts.upstreams(), 0U);
}

}  // namespace
}  // namespace penstock::app
