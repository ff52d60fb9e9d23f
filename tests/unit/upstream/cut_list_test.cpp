#include "upstream/cut_list.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

using namespace std::chrono_literals;

client_id client(std::uint32_t address, std::uint64_t connection = 0) {
    const std::string text = "10.0.0." + std::to_string(address);
    return {net::address_key_of(*net::socket_address::parse(text, 0)),
            connection != 0 ? connection : address};
}

class held final : public cut_list::entry {
 public:
    explicit held(std::size_t endpoint, client_id holder = {}) : entry(endpoint), by(holder) {}
    const client_id by;
};

class waits final : public fair_queue::item {
 public:
    waits(fair_queue& in, const client_id& who) : item(fair_queue::item_kind::connection), in_(in) {
        client = who;
        in_.push(*this);
    }
    ~waits() { in_.remove(*this); }
    [[nodiscard]] bool accepts(std::size_t) const noexcept override { return true; }
    [[nodiscard]] endpoint_mask endpoints() const noexcept override { return every_endpoint; }

 private:
    fair_queue& in_;
};

// Clients 1, 2 … hold so many each; what they hold stands still for `still`.
struct site {
    explicit site(const std::vector<int>& counts, nanoseconds still = 2s) {
        std::uint32_t address = 0;
        for (const int count : counts) {
            ++address;
            for (int i = 0; i < count; ++i) {
                queue.hold(client(address));
                shares.emplace_back(0U, client(address));
                list.add(shares.back(), {client(address), still, still, false});
            }
        }
        list.sort();
    }

    fair_queue queue;
    std::deque<held> shares;
    cut_list list;
};

TEST(CutList, ChoosesTheOneThatStandsLongest) {
    fair_queue queue;
    cut_list tested;
    held quick(0);
    held slow(0);
    held endless(0);
    for (int i = 0; i < 3; ++i)
        queue.hold(client(1));
    tested.add(quick, {client(1), 2s, 2s, false});
    tested.add(endless, {client(1), 60s, 60s, true});
    tested.add(slow, {client(1), 3s, 3s, false});
    tested.sort();
    const waits item(queue, client(2));
    const fair_queue::claim waiting = queue.claim_of(client(2));
    for (held* const expected : {&slow, &quick}) {
        cut_list::entry* const found = tested.choose(queue, waiting, every_endpoint);
        EXPECT_EQ(found, expected);
        tested.drop(*found);
    }
    EXPECT_EQ(tested.left(), 1U);
}

TEST(CutList, ForgetsWhatEnds) {
    site here({2});
    const waits item(here.queue, client(2));
    const fair_queue::claim waiting = here.queue.claim_of(client(2));
    here.list.drop(here.shares[0]);
    here.list.drop(here.shares[0]);
    EXPECT_EQ(here.list.left(), 1U);
    EXPECT_EQ(here.list.choose(here.queue, waiting, every_endpoint), &here.shares[1]);
    here.list.clear();
    EXPECT_EQ(here.list.left(), 0U);
    EXPECT_EQ(here.list.choose(here.queue, waiting, every_endpoint), nullptr);
    here.list.drop(here.shares[1]);
    EXPECT_EQ(here.list.left(), 0U);
}

TEST(CutList, ChoosesWhatServesTheClaim) {
    fair_queue queue;
    cut_list tested;
    held first(0);
    held second(1);
    for (int i = 0; i < 4; ++i)
        queue.hold(client(1));
    tested.add(first, {client(1), 9s, 9s, false});
    tested.add(second, {client(1), 2s, 2s, false});
    tested.sort();
    EXPECT_EQ(tested.endpoints(), mask_of(0) | mask_of(1));
    const waits item(queue, client(2));
    const fair_queue::claim waiting = queue.claim_of(client(2));
    EXPECT_EQ(tested.choose(queue, waiting, mask_of(1)), &second);
    EXPECT_EQ(tested.choose(queue, waiting, mask_of(2)), nullptr);
    // Another exchange of the same claim may accept one.
    EXPECT_FALSE(tested.was_refused(waiting));
}

TEST(CutList, RemembersWhomItRefused) {
    site here({1, 1});
    const fair_queue::claim waiting = here.queue.claim_of(client(1, 7));
    EXPECT_EQ(here.list.choose(here.queue, waiting, every_endpoint), nullptr);
    EXPECT_TRUE(here.list.was_refused(waiting));
    here.list.clear();
    EXPECT_FALSE(here.list.was_refused(waiting));
}

TEST(CutList, RemembersAsManyRefusalsAsItMay) {
    site here({1}, 0s);
    const auto refuse = [&](std::size_t number) {
        const fair_queue::claim one = here.queue.claim_of(client(2, 10 + number));
        EXPECT_EQ(here.list.choose(here.queue, one, every_endpoint), nullptr);
        return here.list.was_refused(one);
    };
    for (std::size_t i = 0; i < cut_list::refused_max; ++i)
        EXPECT_TRUE(refuse(i)) << i;
    EXPECT_FALSE(refuse(cut_list::refused_max));
    EXPECT_TRUE(here.list.was_refused(here.queue.claim_of(client(2, 10))));
}

// As contention does it: what is cut is counted as gone, and who it is for as a holder.
TEST(CutList, EndsAtFairShares) {
    site here({60, 40});
    const client_id newcomer = client(3);
    const waits item(here.queue, newcomer);
    int cut = 0;
    for (;;) {
        const fair_queue::claim waiting = here.queue.claim_of(newcomer);
        cut_list::entry* const found = here.list.choose(here.queue, waiting, every_endpoint);
        if (found == nullptr)
            break;
        here.list.drop(*found);
        here.queue.let_go(static_cast<held*>(found)->by);
        here.queue.hold(newcomer);
        ++cut;
    }
    EXPECT_EQ(cut, 34);
    EXPECT_EQ(here.queue.claim_of(client(1)).held_by_address, 33U);
    EXPECT_EQ(here.queue.claim_of(client(2)).held_by_address, 33U);
}

TEST(CutList, NewcomersLeaveHalfToThoseWhoWereServed) {
    site here({8});
    client_id newcomer = client(1, 9);
    newcomer.newcomer = true;
    const waits item(here.queue, newcomer);
    fair_queue::claim waiting = here.queue.claim_of(newcomer);
    int cut = 0;
    while (cut_list::entry* const found = here.list.choose(here.queue, waiting, every_endpoint)) {
        here.list.drop(*found);
        ++cut;
    }
    EXPECT_EQ(cut, 4);
    waiting.newcomer = false;
    EXPECT_NE(here.list.choose(here.queue, waiting, every_endpoint), nullptr);
}

}  // namespace
}  // namespace penstock::upstream
