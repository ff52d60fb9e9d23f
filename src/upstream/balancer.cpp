#include "upstream/balancer.hpp"

#include <algorithm>
#include <utility>

namespace penstock::upstream {
namespace {

// True if `left` carries less per weight than `right`, counting the exchange that is to come: so an
// idle endpoint of weight 2 goes before an idle one of weight 1.
bool lighter(const candidate& left, const candidate& right) noexcept {
    const auto load = [](const candidate& of) { return std::uint64_t{of.in_flight} + 1; };
    return load(left) * right.weight < load(right) * left.weight;
}

}  // namespace

std::optional<std::size_t> balancer::pick(std::span<const candidate> from) {
    if (from.empty())
        return std::nullopt;
    if (from.size() == 1)
        return 0;
    choose_eligible(from);
    if (eligible_.size() == 1 && kind_ != config::balance::round_robin)
        return eligible_.front();
    switch (kind_) {
        case config::balance::round_robin:
            return pick_round_robin(from);
        case config::balance::least_request:
            return pick_least(from);
        case config::balance::p2c:
            return pick_p2c(from);
        case config::balance::random:
            return pick_random(from);
    }
    return eligible_.front();
}

void balancer::choose_eligible(std::span<const candidate> from) {
    eligible_.clear();
    const auto collect = [&](auto&& allowed) {
        for (std::size_t i = 0; eligible_.size() < from.size() && i < from.size(); ++i) {
            if (allowed(from[i]))
                eligible_.push_back(i);
        }
        return !eligible_.empty();
    };
    if (collect([](const candidate& of) { return !of.tried && !of.full; }))
        return;
    if (collect([](const candidate& of) { return !of.tried; }))
        return;
    collect([](const candidate&) { return true; });
}

// Each endpoint gains its weight, the richest is picked and pays the sum of all weights: a 5:1:1
// set gives a a b a c a a, never a burst.
std::size_t balancer::pick_round_robin(std::span<const candidate> from) {
    current_.resize(from.size(), 0);
    std::int64_t total = 0;
    std::size_t best = eligible_.front();
    for (const std::size_t i : eligible_) {
        current_[i] += from[i].weight;
        total += from[i].weight;
        if (current_[i] > current_[best])
            best = i;
    }
    current_[best] -= total;
    return best;
}

std::size_t balancer::pick_least(std::span<const candidate> from) {
    const std::size_t count = eligible_.size();
    const std::size_t begin = cursor_++ % count;
    std::size_t best = eligible_[begin];
    for (std::size_t step = 1; step < count; ++step) {
        const std::size_t i = eligible_[(begin + step) % count];
        if (lighter(from[i], from[best]))
            best = i;
    }
    return best;
}

std::size_t balancer::pick_p2c(std::span<const candidate> from) {
    const std::size_t count = eligible_.size();
    const std::size_t first = below(count);
    std::size_t second = below(count - 1);
    if (second >= first)
        ++second;
    const std::size_t left = eligible_[first];
    const std::size_t right = eligible_[second];
    return lighter(from[right], from[left]) ? right : left;
}

std::size_t balancer::pick_random(std::span<const candidate> from) {
    std::uint64_t total = 0;
    for (const std::size_t i : eligible_)
        total += from[i].weight;
    std::uint64_t at = below(total);
    for (const std::size_t i : eligible_) {
        if (at < from[i].weight)
            return i;
        at -= from[i].weight;
    }
    return eligible_.back();
}

// SplitMix64, scaled by multiplication: no division, and a bias below 2^-32 for our small bounds.
std::uint64_t balancer::below(std::uint64_t bound) noexcept {
    random_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31U;
    return ((mixed >> 32U) * bound) >> 32U;
}

}  // namespace penstock::upstream
