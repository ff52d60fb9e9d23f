#include "upstream/fair_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock::upstream {
namespace {

constexpr time_point start{std::chrono::hours(1)};

net::address_key address(const std::string& text) {
    return net::address_key_of(*net::socket_address::parse(text, 0));
}

client_id client(const std::string& text, std::uint64_t connection) {
    return {address(text), connection};
}

class waits final : public fair_queue::item {
 public:
    explicit waits(const client_id& who, std::size_t endpoint = 0)
        : item(fair_queue::item_kind::connection), endpoint_(endpoint) {
        client = who;
    }
    [[nodiscard]] bool accepts(std::size_t endpoint) const noexcept override {
        return endpoint == endpoint_;
    }
    [[nodiscard]] endpoint_mask endpoints() const noexcept override { return mask_of(endpoint_); }

 private:
    std::size_t endpoint_;
};

bool anybody(const fair_queue::item&) { return true; }

// Serves the next one: it holds from then on.
fair_queue::item* serve(fair_queue& from, time_point now = start) {
    fair_queue::item* const next = from.next(anybody, now);
    if (next != nullptr) {
        from.remove(*next);
        from.hold(next->client);
    }
    return next;
}

TEST(FairQueue, IsEmptyAtFirst) {
    const fair_queue tested;
    EXPECT_EQ(tested.next(anybody, start), nullptr);
    EXPECT_EQ(tested.size(), 0U);
    EXPECT_EQ(tested.last_of_largest(), nullptr);
}

TEST(FairQueue, ServesOneConnectionInOrder) {
    fair_queue tested;
    waits first(client("10.0.0.1", 1));
    waits second(client("10.0.0.1", 1));
    waits third(client("10.0.0.1", 1));
    for (waits* each : {&first, &second, &third})
        tested.push(*each);
    EXPECT_EQ(serve(tested), &first);
    EXPECT_EQ(serve(tested), &second);
    EXPECT_EQ(serve(tested), &third);
    EXPECT_EQ(serve(tested), nullptr);
}

TEST(FairQueue, ServesTheClientThatHoldsLeast) {
    fair_queue tested;
    for (int i = 0; i < 5; ++i)
        tested.hold(client("10.0.0.1", 1));
    waits greedy(client("10.0.0.1", 1));
    waits modest(client("10.0.0.2", 2));
    tested.push(greedy);
    tested.push(modest);
    EXPECT_EQ(serve(tested), &modest);
    EXPECT_EQ(serve(tested), &greedy);
}

TEST(FairQueue, CountsEveryConnectionOfAnAddressTogether) {
    fair_queue tested;
    tested.hold(client("10.0.0.1", 1));
    tested.hold(client("10.0.0.1", 2));
    tested.hold(client("10.0.0.2", 3));
    waits many(client("10.0.0.1", 4));
    waits few(client("10.0.0.2", 5));
    tested.push(many);
    tested.push(few);
    EXPECT_EQ(serve(tested), &few);
    tested.remove(many);
}

TEST(FairQueue, TakesASixtyFourForOneClient) {
    fair_queue tested;
    tested.hold(client("2001:db8::1", 1));
    waits same(client("2001:db8::ffff:2", 2));
    waits other(client("2001:db8:0:1::1", 3));
    tested.push(same);
    tested.push(other);
    EXPECT_EQ(serve(tested), &other);
    tested.remove(same);
}

TEST(FairQueue, SharesAnAddressByConnection) {
    fair_queue tested;
    for (int i = 0; i < 3; ++i)
        tested.hold(client("10.0.0.1", 1));
    waits greedy(client("10.0.0.1", 1));
    waits modest(client("10.0.0.1", 2));
    tested.push(greedy);
    tested.push(modest);
    EXPECT_EQ(serve(tested), &modest);
    tested.remove(greedy);
}

TEST(FairQueue, PrefersAConnectionThatWasServedBefore) {
    fair_queue tested;
    client_id newcomer = client("10.0.0.1", 1);
    newcomer.newcomer = true;
    waits first(newcomer);
    waits second(client("10.0.0.1", 2));
    tested.push(first);
    tested.push(second);
    EXPECT_EQ(serve(tested), &second);
    EXPECT_EQ(serve(tested), &first);
}

TEST(FairQueue, TakesTurnsBetweenEquals) {
    fair_queue tested;
    std::vector<std::unique_ptr<waits>> all;
    for (int i = 0; i < 3; ++i)
        all.push_back(std::make_unique<waits>(client("10.0.0.1", 1)));
    for (int i = 0; i < 3; ++i)
        all.push_back(std::make_unique<waits>(client("10.0.0.2", 2)));
    for (const auto& each : all)
        tested.push(*each);
    std::vector<std::uint64_t> served;
    while (fair_queue::item* const next = serve(tested))
        served.push_back(next->client.connection);
    EXPECT_EQ(served, (std::vector<std::uint64_t>{1, 2, 1, 2, 1, 2}));
}

TEST(FairQueue, PassesOverWhatAcceptsNothing) {
    fair_queue tested;
    waits elsewhere(client("10.0.0.1", 1), 7);
    waits here(client("10.0.0.1", 1), 0);
    tested.push(elsewhere);
    tested.push(here);
    const auto takes_zero = [](const fair_queue::item& one) { return one.accepts(0); };
    EXPECT_EQ(tested.next(takes_zero, start), &here);
    tested.remove(here);
    EXPECT_EQ(tested.next(takes_zero, start), nullptr);
    tested.remove(elsewhere);
}

TEST(FairQueue, LetsOneThatComesAgainGoFirst) {
    fair_queue tested;
    waits first(client("10.0.0.1", 1));
    waits second(client("10.0.0.1", 1));
    tested.push(first);
    tested.push(second);
    tested.remove(first, true);
    tested.push(first);
    EXPECT_EQ(tested.next(anybody, start), &first);
    tested.remove(first);
    tested.remove(second);
}

TEST(FairQueue, FindsTheLastOfTheLargest) {
    fair_queue tested;
    waits lone(client("10.0.0.2", 9));
    waits first(client("10.0.0.1", 1));
    waits second(client("10.0.0.1", 1));
    for (waits* each : {&first, &second, &lone})
        tested.push(*each);
    EXPECT_EQ(tested.last_of_largest(), &second);
    EXPECT_EQ(tested.waiting_of(client("10.0.0.1", 5)), 2U);
    EXPECT_EQ(tested.waiting_of(client("10.0.0.3", 5)), 0U);
    for (waits* each : {&first, &second, &lone})
        tested.remove(*each);
}

struct yield_case {
    const char* name;
    int held;          // by the one that is judged
    int held_waiting;  // by the one that waits
    nanoseconds still;
    bool open_ended;
    bool same_address;
    bool expected;
};

class FairQueueYields : public testing::TestWithParam<yield_case> {};

TEST_P(FairQueueYields, AsItsShareSays) {
    const yield_case& given = GetParam();
    fair_queue tested;
    const client_id holder = client("10.0.0.1", 1);
    const client_id other = client(given.same_address ? "10.0.0.1" : "10.0.0.2", 2);
    for (int i = 0; i < given.held; ++i)
        tested.hold(holder);
    for (int i = 0; i < given.held_waiting; ++i)
        tested.hold(other);
    waits item(other);
    tested.push(item);
    const fair_queue::standing standing{holder, given.still, given.still, given.open_ended};
    EXPECT_EQ(tested.yields(standing, tested.claim_of(other)), given.expected);
    tested.remove(item);
}

INSTANTIATE_TEST_SUITE_P(
    All, FairQueueYields,
    testing::Values(
        yield_case{"a moment below the patience", 10, 0, 999ms, false, false, false},
        yield_case{"above its share, at the patience", 10, 0, 1s, false, false, true},
        yield_case{"above its share of one address", 10, 0, 1s, false, true, true},
        yield_case{"within its share, a moment below", 5, 5, 9999ms, false, false, false},
        yield_case{"as much as the waiting one", 5, 5, 20s, false, false, false},
        yield_case{"less than the waiting one", 4, 5, 20s, false, false, false},
        yield_case{"within its share, for long", 1, 0, 10s, false, false, true},
        yield_case{"open-ended, above its share", 10, 0, 9999ms, true, false, false},
        yield_case{"open-ended, above its share, for long", 10, 0, 10s, true, false, true}),
    [](const auto& of) {
        std::string name = of.param.name;
        for (char& each : name)
            each = std::isalnum(static_cast<unsigned char>(each)) != 0 ? each : '_';
        return name;
    });

// One that waits counts as a client, so that whoever holds everything is above its share.
TEST(FairQueue, NeverCutsWhatIsOpenEndedWithinTheShare) {
    fair_queue tested;
    const client_id holder = client("10.0.0.1", 1);
    const client_id third = client("10.0.0.3", 3);
    tested.hold(holder);
    for (int i = 0; i < 5; ++i)
        tested.hold(third);
    waits item(client("10.0.0.2", 2));
    tested.push(item);
    const fair_queue::claim claim = tested.claim_of(item.client);
    EXPECT_FALSE(tested.above_share(holder));
    EXPECT_FALSE(tested.yields({holder, 1h, 1h, true}, claim));
    EXPECT_TRUE(tested.yields({holder, 10s, 10s, false}, claim));
    EXPECT_TRUE(tested.yields({third, 10s, 10s, true}, claim));
    tested.remove(item);
}

// More clients than connections: each that holds one has more than its part of one.
TEST(FairQueue, CutsHoldersOfOneWhereClientsAreMoreThanConnections) {
    fair_queue tested;
    for (std::uint64_t i = 1; i <= 4; ++i)
        tested.hold(client("10.0.0.1", i));
    waits item(client("10.0.0.1", 9));
    tested.push(item);
    EXPECT_TRUE(
        tested.yields({client("10.0.0.1", 2), 1s, 1s, false}, tested.claim_of(item.client)));
    tested.remove(item);
}

TEST(FairQueue, HoldsBackAnAddressToItsShare) {
    fair_queue tested;
    const client_id greedy = client("10.0.0.1", 1);
    for (int i = 0; i < 8; ++i)
        tested.hold(greedy);
    waits modest(client("10.0.0.2", 2));
    waits again(greedy);
    tested.push(modest);
    tested.push(again);
    tested.hold_back(greedy, tested.restraint_of(greedy, start));
    EXPECT_TRUE(tested.holds_back());
    EXPECT_FALSE(tested.may_hold(greedy, start));
    EXPECT_EQ(serve(tested), &modest);
    EXPECT_EQ(tested.next(anybody, start), nullptr);
    for (int i = 0; i < 2; ++i)
        tested.let_go(greedy);
    EXPECT_FALSE(tested.may_hold(greedy, start));
    EXPECT_TRUE(tested.may_hold(greedy, start + restraints::held_back_for));
    tested.forget_expired(start + restraints::held_back_for);
    EXPECT_FALSE(tested.holds_back());
    tested.remove(again);
}

// The others have left, so there is nothing to hold back for.
TEST(FairQueue, LetsAClientHaveWhatIsFree) {
    fair_queue tested;
    const client_id greedy = client("10.0.0.1", 1);
    const client_id other = client("10.0.0.2", 2);
    for (int i = 0; i < 8; ++i)
        tested.hold(greedy);
    for (int i = 0; i < 4; ++i)
        tested.hold(other);
    tested.hold_back(greedy, tested.restraint_of(greedy, start));
    EXPECT_FALSE(tested.may_hold(greedy, start));
    for (int i = 0; i < 3; ++i)
        tested.let_go(other);
    EXPECT_FALSE(tested.may_hold(greedy, start));
    tested.let_go(other);
    EXPECT_TRUE(tested.may_hold(greedy, start));
}

TEST(FairQueue, HoldsBackAConnectionToItsShareOfTheAddress) {
    fair_queue tested;
    const client_id greedy = client("10.0.0.1", 1);
    for (int i = 0; i < 8; ++i)
        tested.hold(greedy);
    waits modest(client("10.0.0.1", 2));
    tested.push(modest);
    tested.hold_back(greedy, tested.restraint_of(greedy, start));
    EXPECT_FALSE(tested.may_hold(greedy, start));
    EXPECT_TRUE(tested.may_hold(modest.client, start));
    tested.remove(modest);
}

// One that moves, but slowly, gives way above its share alone.
TEST(FairQueue, SlowOneGivesWayAboveItsShare) {
    fair_queue tested;
    const client_id many = client("10.0.0.1", 1);
    const client_id few = client("10.0.0.2", 2);
    for (int i = 0; i < 9; ++i)
        tested.hold(many);
    waits item(client("10.0.0.3", 3));
    tested.push(item);
    const fair_queue::claim waiting = tested.claim_of(item.client);
    EXPECT_TRUE(tested.yields({many, 0ms, 1s, false}, waiting));
    EXPECT_FALSE(tested.yields({many, 0ms, 999ms, false}, waiting));
    tested.hold(few);
    EXPECT_FALSE(tested.yields({few, 0ms, 60s, false}, waiting));
    EXPECT_TRUE(tested.yields({few, 10s, 60s, false}, waiting));
    tested.remove(item);
}

// A connection that is on its way counts for who gets the next one, and not against who gets it.
TEST(FairQueue, CountsWhatIsPromised) {
    fair_queue tested;
    const client_id many = client("10.0.0.1", 1);
    for (int i = 0; i < 8; ++i)
        tested.hold(many);
    waits first(client("10.0.0.2", 2));
    waits second(client("10.0.0.2", 2));
    tested.push(first);
    tested.push(second);
    EXPECT_TRUE(tested.yields({many, 1s, 1s, false}, tested.claim_of(second.client)));
    for (int i = 0; i < 4; ++i)
        tested.let_go(many);
    tested.promise(first, start + 100ms);
    tested.promise(first, start + 100ms);
    EXPECT_EQ(tested.total(), 5U);
    EXPECT_EQ(tested.claim_of(second.client).held_by_address, 1U);
    EXPECT_EQ(tested.claim_of(first).held_by_address, 0U);
    EXPECT_EQ(tested.claim_of(first).held_by_connection, 0U);
    const share_board::entry said = tested.summary_of(second, start);
    EXPECT_EQ(said.least_held, 1U);
    // It is first in its own queue all the same.
    EXPECT_EQ(tested.next(anybody, start), &first);
    tested.remove(first);
    EXPECT_EQ(tested.claim_of(second.client).held_by_address, 0U);
    EXPECT_EQ(tested.total(), 4U);
    tested.remove(second);
}

TEST(FairQueue, PromisesEndAtTheirTime) {
    fair_queue tested;
    waits item(client("10.0.0.1", 1));
    tested.push(item);
    tested.promise(item, start + 100ms);
    tested.end_promises(start + 100ms - 1ns);
    EXPECT_EQ(tested.total(), 1U);
    EXPECT_EQ(tested.summary(start).at(0).waiting, 0U);
    EXPECT_EQ(tested.summary(start).at(0).held, 1U);
    EXPECT_EQ(tested.summary(start).at(0).promised, 1U);
    tested.end_promises(start + 100ms);
    EXPECT_EQ(tested.total(), 0U);
    EXPECT_EQ(tested.summary(start + 100ms).at(0).eligible, 1U);
    EXPECT_EQ(tested.summary(start + 100ms).at(0).waiting, 1U);
    tested.remove(item);
}

// One that may hold one more is not promised two.
TEST(FairQueue, PromisesCountForALimit) {
    fair_queue tested;
    const client_id greedy = client("10.0.0.1", 1);
    for (int i = 0; i < 8; ++i)
        tested.hold(greedy);
    waits other(client("10.0.0.2", 2));
    waits first(greedy);
    waits second(greedy);
    for (waits* const each : {&other, &first, &second})
        tested.push(*each);
    tested.hold_back(greedy, tested.restraint_of(greedy, start));
    tested.remove(other);
    const client_id rest = client("10.0.0.3", 3);
    for (int i = 0; i < 5; ++i) {
        tested.let_go(greedy);
        tested.hold(rest);
    }
    const auto promised = fair_queue::counting::promised;
    ASSERT_EQ(tested.next(anybody, start, promised), &first);
    tested.promise(first, start + 100ms);
    EXPECT_EQ(tested.next(anybody, start, promised), nullptr);
    EXPECT_FALSE(tested.may_hold(greedy, start));
    EXPECT_EQ(serve(tested), &first);
    tested.remove(second);
}

TEST(FairQueue, CountsWhatIsPromisedElsewhere) {
    fair_queue tested;
    share_board::entry waiting;
    waiting.address = address("10.0.0.2");
    waiting.waiting = 2;
    tested.set_elsewhere({waiting}, start);
    tested.promise_elsewhere(waiting.address);
    EXPECT_EQ(tested.claim_of({waiting.address, 0}).held_by_address, 1U);
    EXPECT_EQ(tested.total(), 1U);
    tested.set_elsewhere({}, start);
    EXPECT_EQ(tested.total(), 0U);
}

TEST(FairQueue, CountsWhatOtherWorkersSay) {
    fair_queue tested;
    const client_id holder = client("10.0.0.1", 1);
    for (int i = 0; i < 4; ++i)
        tested.hold(holder);
    share_board::entry waiting;
    waiting.address = address("10.0.0.2");
    waiting.waiting = 1;
    waiting.connections = 1;
    tested.set_elsewhere({waiting}, start);
    EXPECT_TRUE(tested.above_share(holder));
    EXPECT_TRUE(tested.yields({holder, 1s, 1s, false}, tested.claim_of({waiting.address, 0})));
    waiting.held = 4;
    waiting.waiting = 0;
    tested.set_elsewhere({waiting}, start);
    EXPECT_FALSE(tested.above_share(holder));
    tested.set_elsewhere({}, start);
    EXPECT_EQ(tested.claim_of({waiting.address, 0}).held_by_address, 0U);
}

TEST(FairQueue, TellsWhatItsClientsHold) {
    fair_queue tested;
    tested.hold(client("10.0.0.1", 1));
    waits item(client("10.0.0.1", 2));
    tested.push(item);
    const std::vector<share_board::entry> said = tested.summary(start);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].address, address("10.0.0.1"));
    EXPECT_EQ(said[0].held, 1U);
    EXPECT_EQ(said[0].waiting, 1U);
    EXPECT_EQ(said[0].eligible, 1U);
    EXPECT_EQ(said[0].connections, 2U);
    EXPECT_EQ(said[0].least_held, 0U);
    tested.remove(item);
    tested.let_go(client("10.0.0.1", 1));
    EXPECT_TRUE(tested.summary(start).empty());
}

// Nobody elsewhere makes room for those who may not have it.
TEST(FairQueue, TellsWhatMayHoldNoMore) {
    fair_queue tested;
    const client_id greedy = client("10.0.0.1", 1);
    for (int i = 0; i < 8; ++i)
        tested.hold(greedy);
    waits again(greedy);
    waits modest(client("10.0.0.1", 2));
    tested.push(again);
    tested.push(modest);
    tested.hold_back(greedy, tested.restraint_of(greedy, start));
    const auto summary = [&](time_point now) { return tested.summary(now).at(0); };
    EXPECT_EQ(summary(start).waiting, 2U);
    EXPECT_EQ(summary(start).eligible, 1U);
    EXPECT_EQ(tested.summary_of(again, start).eligible, 0U);
    EXPECT_EQ(tested.summary_of(again, start).connections, 0U);
    tested.remove(modest);
    EXPECT_EQ(summary(start).eligible, 0U);
    EXPECT_EQ(summary(start).least_held, 0U);
    EXPECT_EQ(summary(start + restraints::held_back_for).least_held, 8U);
    again.promised_until = start + restraints::held_back_for + 1ms;
    EXPECT_EQ(summary(start + restraints::held_back_for).eligible, 0U);
    tested.remove(again);
    waits stranger(client("10.0.0.2", 3));
    EXPECT_EQ(tested.summary_of(stranger, start).connections, 1U);
    EXPECT_EQ(tested.summary_of(stranger, start).eligible, 1U);
    stranger.promised_until = start + 1ms;
    EXPECT_EQ(tested.summary_of(stranger, start).eligible, 0U);
}

// What one gives up is for the others: it makes nobody's share smaller.
TEST(FairQueue, SharesAllThatThereIsWhileSomeAreHeldBack) {
    fair_queue tested;
    const client_id first = client("10.0.0.1", 1);
    const client_id second = client("10.0.0.2", 2);
    for (int i = 0; i < 6; ++i) {
        tested.hold(first);
        tested.hold(second);
    }
    waits modest(client("10.0.0.3", 3));
    tested.push(modest);
    const restraints::decision before = tested.restraint_of(first, start);
    ASSERT_TRUE(before.address);
    EXPECT_EQ(before.address->most, 4U);
    tested.hold_back(first, before);
    for (int i = 0; i < 5; ++i)
        tested.let_go(first);
    const restraints::decision after = tested.restraint_of(second, start);
    ASSERT_TRUE(after.address);
    EXPECT_EQ(after.address->most, 4U);
    // Each limit knows the size of its own time: an upstream that has shrunk does not undo it.
    EXPECT_EQ(before.address->full, 12U);
    EXPECT_EQ(after.address->full, 7U);
    tested.remove(modest);
}

}  // namespace
}  // namespace penstock::upstream
