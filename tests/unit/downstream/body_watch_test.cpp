#include "downstream/body_watch.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace penstock::downstream {
namespace {

struct some_body final : watched_body {
    std::optional<std::uint64_t> rate(time_point) const noexcept override { return 0; }
    const void* connection() const noexcept override { return this; }
    bool is_call() const noexcept override { return false; }
    void cut() noexcept override {}
};

std::vector<std::uint64_t> chosen(std::vector<body_watch::candidate> from, std::size_t most,
                                  const body_watch::connection_set& leaving = {}) {
    body_watch::choose(from, most, leaving);
    std::vector<std::uint64_t> rates;
    for (const body_watch::candidate& each : from)
        rates.push_back(each.rate);
    return rates;
}

// The slowest first, and calls behind all others, however slow they are.
TEST(BodyWatch, ChoosesTheSlowestAndCallsLast) {
    some_body one;
    const int on[5]{};
    const std::vector<body_watch::candidate> from{{&one, &on[0], true, 0},
                                                  {&one, &on[1], false, 30},
                                                  {&one, &on[2], false, 10},
                                                  {&one, &on[3], true, 5},
                                                  {&one, &on[4], false, 20}};
    using rates = std::vector<std::uint64_t>;
    EXPECT_EQ(chosen(from, 0), rates());
    EXPECT_EQ(chosen(from, 2), (rates{10, 20}));
    EXPECT_EQ(chosen(from, 3), (rates{10, 20, 30}));
    EXPECT_EQ(chosen(from, 4), (rates{10, 20, 30, 0}));
    EXPECT_EQ(chosen(from, 5), (rates{10, 20, 30, 0, 5}));
    EXPECT_EQ(chosen(from, 6), (rates{10, 20, 30, 0, 5}));
}

// What is wanted is places: a connection of many slow bodies gives all of them up, and counts once.
TEST(BodyWatch, ChoosesWholeConnections) {
    some_body one;
    const int on[3]{};
    const std::vector<body_watch::candidate> from{
        {&one, &on[0], false, 1}, {&one, &on[1], false, 2}, {&one, &on[0], true, 3},
        {&one, &on[2], false, 4}, {&one, &on[1], false, 5}, {&one, &on[0], false, 6}};
    using rates = std::vector<std::uint64_t>;
    EXPECT_EQ(chosen(from, 1), (rates{1, 6}));
    EXPECT_EQ(chosen(from, 2), (rates{1, 2, 5, 6}));
    EXPECT_EQ(chosen(from, 3), (rates{1, 2, 4, 5, 6}));
    // One that is leaving holds its place until its last body has ended, too.
    EXPECT_EQ(chosen(from, 0, {&on[2]}), (rates{4}));
    EXPECT_EQ(chosen(from, 1, {&on[0]}), (rates{1, 2, 5, 6, 3}));
    EXPECT_EQ(chosen({{&one, &on[0], true, 1}, {&one, &on[0], true, 2}}, 1), (rates{1, 2}));
    EXPECT_EQ(chosen(from, 0), rates());
}

TEST(BodyWatch, HasPressureAboveThreeQuartersOfTheCap) {
    EXPECT_EQ(body_watch::excess(74, 100, 74), 0U);
    EXPECT_EQ(body_watch::excess(75, 100, 75), 0U);
    EXPECT_EQ(body_watch::excess(76, 100, 76), 1U);
    EXPECT_EQ(body_watch::excess(100, 100, 100), 25U);
    EXPECT_EQ(body_watch::excess(1, 1, 1), 1U);
    EXPECT_EQ(body_watch::excess(1, 2, 1), 0U);
    EXPECT_EQ(body_watch::excess(2, 2, 2), 1U);
    EXPECT_EQ(body_watch::excess(3, 4, 3), 0U);
    EXPECT_EQ(body_watch::excess(4, 4, 4), 1U);
    // Without a cap there is none.
    EXPECT_EQ(body_watch::excess(1'000'000, 0, 1'000'000), 0U);
}

// Each worker gives up its part, rounded up.
TEST(BodyWatch, SharesTheExcessAmongWorkers) {
    EXPECT_EQ(body_watch::excess(100, 100, 0), 0U);
    EXPECT_EQ(body_watch::excess(100, 100, 1), 1U);
    EXPECT_EQ(body_watch::excess(100, 100, 40), 10U);
    EXPECT_EQ(body_watch::excess(100, 100, 60), 15U);
    // Counts of other threads may lag behind.
    EXPECT_EQ(body_watch::excess(80, 100, 90), 5U);
}

}  // namespace
}  // namespace penstock::downstream
