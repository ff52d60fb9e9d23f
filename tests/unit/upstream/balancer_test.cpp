#include "upstream/balancer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

std::vector<candidate> weighted(std::initializer_list<std::uint32_t> weights) {
    std::vector<candidate> made;
    for (const std::uint32_t weight : weights) {
        candidate added;
        added.weight = weight;
        made.push_back(added);
    }
    return made;
}

std::string picks(balancer& from, const std::vector<candidate>& candidates, int count) {
    std::string letters;
    for (int i = 0; i < count; ++i) {
        letters += static_cast<char>('a' + *from.pick(candidates));
    }
    return letters;
}

constexpr config::balance every_kind[] = {config::balance::round_robin,
                                          config::balance::least_request, config::balance::p2c,
                                          config::balance::random};

TEST(Balancer, PicksNothingOfNothing) {
    for (const config::balance kind : every_kind) {
        balancer tested(kind, 1);
        EXPECT_FALSE(tested.pick({}).has_value());
    }
}

TEST(Balancer, RoundRobinTakesEachInTurn) {
    balancer tested(config::balance::round_robin, 1);
    EXPECT_EQ(picks(tested, weighted({1, 1, 1}), 7), "abcabca");
}

TEST(Balancer, RoundRobinSpreadsWeightsWithoutBursts) {
    balancer tested(config::balance::round_robin, 1);
    EXPECT_EQ(picks(tested, weighted({5, 1, 1}), 14), "aabacaaaabacaa");
}

TEST(Balancer, RoundRobinSkipsAnExcludedOneAndTakesItBack) {
    balancer tested(config::balance::round_robin, 1);
    std::vector<candidate> candidates = weighted({1, 1, 1});
    candidates[1].full = true;
    EXPECT_EQ(picks(tested, candidates, 4), "acac");
    candidates[1].full = false;
    std::string after = picks(tested, candidates, 6);
    EXPECT_EQ(std::count(after.begin(), after.end(), 'b'), 2);
}

TEST(Balancer, PrefersUntriedThenRoomThenAny) {
    for (const config::balance kind : every_kind) {
        balancer tested(kind, 7);
        std::vector<candidate> candidates = weighted({1, 1, 1});
        candidates[0].tried = true;
        candidates[1].full = true;
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(*tested.pick(candidates), 2U);
        candidates[2].tried = true;
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(*tested.pick(candidates), 1U);
        candidates[1].tried = true;
        for (int i = 0; i < 20; ++i)
            EXPECT_LT(*tested.pick(candidates), 3U);
    }
}

TEST(Balancer, LeastRequestComparesLoadPerWeight) {
    balancer tested(config::balance::least_request, 1);
    std::vector<candidate> candidates = weighted({1, 4});
    candidates[0].in_flight = 1;
    candidates[1].in_flight = 6;
    EXPECT_EQ(*tested.pick(candidates), 1U);
    candidates[1].in_flight = 8;
    EXPECT_EQ(*tested.pick(candidates), 0U);
}

TEST(Balancer, LeastRequestBreaksTiesRoundRobin) {
    balancer tested(config::balance::least_request, 1);
    EXPECT_EQ(picks(tested, weighted({1, 1, 1}), 6), "abcabc");
}

TEST(Balancer, P2cNeverTakesTheBusierOfTwo) {
    balancer tested(config::balance::p2c, 42);
    std::vector<candidate> candidates = weighted({1, 1});
    candidates[0].in_flight = 3;
    EXPECT_EQ(picks(tested, candidates, 20), std::string(20, 'b'));
}

TEST(Balancer, P2cReachesEveryEndpointButTheBusiest) {
    balancer tested(config::balance::p2c, 42);
    std::vector<candidate> candidates = weighted({1, 1, 1, 1});
    candidates[2].in_flight = 9;
    const std::string letters = picks(tested, candidates, 400);
    EXPECT_EQ(std::count(letters.begin(), letters.end(), 'c'), 0);
    for (const char letter : {'a', 'b', 'd'}) {
        EXPECT_GT(std::count(letters.begin(), letters.end(), letter), 60) << letter;
    }
}

TEST(Balancer, RandomFollowsWeights) {
    balancer tested(config::balance::random, 3);
    const std::string letters = picks(tested, weighted({3, 1}), 4000);
    const auto first = std::count(letters.begin(), letters.end(), 'a');
    EXPECT_GT(first, 2850);
    EXPECT_LT(first, 3150);
}

TEST(Balancer, SameSeedSamePicks) {
    balancer left(config::balance::random, 99);
    balancer right(config::balance::random, 99);
    const std::vector<candidate> candidates = weighted({1, 2, 3});
    EXPECT_EQ(picks(left, candidates, 50), picks(right, candidates, 50));
}

}  // namespace
}  // namespace penstock::upstream
