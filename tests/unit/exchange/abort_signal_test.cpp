#include "penstock/exchange/exchange.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace penstock::exchange {
namespace {

const error gone = net::errc::peer_gone;
const error late = net::errc::deadline_exceeded;

class listener final : public abort_listener {
 public:
    void on_abort(error why) noexcept override { heard.push_back(why); }
    std::vector<error> heard;
};

// Detaches itself while it is told.
class leaver final : public abort_listener {
 public:
    explicit leaver(abort_signal& from) { attached.emplace(from, *this); }
    void on_abort(error) noexcept override {
        attached.reset();
        ++told;
    }
    std::optional<abort_signal::attachment> attached;
    int told = 0;
};

// Attaches another listener while it is told.
class inviter final : public abort_listener {
 public:
    explicit inviter(abort_signal& to) noexcept : signal_(to) {}
    void on_abort(error) noexcept override { guest_attached.emplace(signal_, guest); }
    listener guest;
    std::optional<abort_signal::attachment> guest_attached;

 private:
    abort_signal& signal_;
};

TEST(AbortSignal, HasNotFiredAtFirst) {
    const abort_signal signal;
    EXPECT_FALSE(signal.fired());
}

TEST(AbortSignal, TellsEveryListenerWhy) {
    abort_signal signal;
    listener one;
    listener other;
    const abort_signal::attachment first(signal, one);
    const abort_signal::attachment second(signal, other);
    signal.fire(gone);
    EXPECT_EQ(signal.fired(), gone);
    EXPECT_EQ(one.heard, std::vector{gone});
    EXPECT_EQ(other.heard, std::vector{gone});
}

TEST(AbortSignal, FiresOnceAndKeepsTheFirstCause) {
    abort_signal signal;
    listener one;
    const abort_signal::attachment attached(signal, one);
    signal.fire(late);
    signal.fire(gone);
    EXPECT_EQ(signal.fired(), late);
    EXPECT_EQ(one.heard, std::vector{late});
}

TEST(AbortSignal, TellsALateListenerAtOnce) {
    abort_signal signal;
    signal.fire(gone);
    listener one;
    const abort_signal::attachment attached(signal, one);
    EXPECT_EQ(one.heard, std::vector{gone});
    signal.fire(late);
    EXPECT_EQ(one.heard, std::vector{gone});
}

TEST(AbortSignal, LeavesDetachedListenersAlone) {
    // Detached from the front, the middle and the end of the list, in turn.
    for (std::size_t left = 0; left < 3; ++left) {
        abort_signal signal;
        std::vector<listener> all(3);
        std::vector<std::unique_ptr<abort_signal::attachment>> attached;
        for (listener& one : all)
            attached.push_back(std::make_unique<abort_signal::attachment>(signal, one));
        attached[left].reset();
        signal.fire(gone);
        for (std::size_t i = 0; i < all.size(); ++i)
            EXPECT_EQ(all[i].heard.size(), i == left ? 0U : 1U) << left << i;
    }
}

TEST(AbortSignal, LetsListenersLeaveWhileTheyAreTold) {
    abort_signal signal;
    leaver one(signal);
    leaver other(signal);
    leaver third(signal);
    signal.fire(gone);
    EXPECT_EQ(one.told + other.told + third.told, 3);
    EXPECT_FALSE(one.attached || other.attached || third.attached);
}

TEST(AbortSignal, TellsAListenerThatComesWhileOthersAreToldOnce) {
    abort_signal signal;
    inviter host(signal);
    listener last;
    const abort_signal::attachment first(signal, last);
    const abort_signal::attachment second(signal, host);
    signal.fire(gone);
    EXPECT_EQ(host.guest.heard, std::vector{gone});
    EXPECT_EQ(last.heard, std::vector{gone});
}

TEST(AbortSignal, MayBeAttachedToAgainAndAgain) {
    abort_signal signal;
    listener one;
    for (int i = 0; i < 3; ++i)
        const abort_signal::attachment attached(signal, one);
    const abort_signal::attachment attached(signal, one);
    signal.fire(gone);
    EXPECT_EQ(one.heard, std::vector{gone});
}

}  // namespace
}  // namespace penstock::exchange
