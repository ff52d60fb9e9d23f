#include "upstream/contention.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/error.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace penstock::upstream {

contention::~contention() {
    PENSTOCK_CHECK(first_ == nullptr);
    if (active_ && shared_.rebalance)
        shared_.board.publish(home_.index(), {});
}

void contention::add(held_share& one) {
    one.next_ = first_;
    if (first_ != nullptr)
        first_->previous_ = &one;
    first_ = &one;
    if (active_)
        count(one);
}

void contention::count(held_share& one) {
    one.client_ = client_of(one.from_);
    queue_.hold(one.client_);
    one.counted_ = true;
}

void contention::remove(held_share& one) noexcept {
    (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
    if (one.next_ != nullptr)
        one.next_->previous_ = one.previous_;
    one.previous_ = one.next_ = nullptr;
    if (!std::exchange(one.counted_, false))
        return;
    queue_.let_go(one.client_);
    for (candidate& each : candidates_) {
        if (each.share == &one) {
            each.share = nullptr;
            --candidates_left_;
        }
    }
}

bool contention::begin() {
    if (std::exchange(active_, true))
        return false;
    for (held_share* at = first_; at != nullptr; at = at->next_)
        count(*at);
    arm(home_.deadlines(), home_.now() + tick, net::errc::queue_timeout);
    return true;
}

void contention::end() noexcept {
    active_ = false;
    ++epoch_;
    for (held_share* at = first_; at != nullptr; at = at->next_)
        at->counted_ = at->looked_at_ = false;
    candidates_.clear();
    candidates_left_ = 0;
    refused_.clear();
    promised_.clear();
    elsewhere_.clear();
    queue_.set_elsewhere({});
    queue_.clear();
    if (shared_.rebalance)
        shared_.board.publish(home_.index(), {});
}

void contention::begin_wait(fair_queue::item& what, const exchange::request& from) {
    // One that comes again was told of before, unless all was over meanwhile, and whoever woke it
    // has looked.
    const bool known = !begin() && what.comes_again();
    what.client = client_of(from);
    const time_point now = home_.now();
    const share_board::entry told = queue_.summary_of(what, now);
    queue_.push(what);
    if (shared_.rebalance && !known) {
        if (now - told_at_ >= look_interval) {
            told_at_ = now;
            tell();
            hear();
        } else {
            // Who may give way to it must not hear of it a tick later.
            shared_.board.add_waiting(home_.index(), told);
        }
        shared_.rebalance(shared_);
    }
    if (nothing_idles() && now >= what.promised_until &&
        (now - looked_at_ >= look_interval || !was_refused(queue_.claim_of(what.client))))
        look();
}

void contention::end_wait(fair_queue::item& what, bool comes_again) noexcept {
    queue_.remove(what, comes_again);
}

fair_queue::item* contention::next(const fair_queue::predicate& accepts) const {
    return active_ ? queue_.next(accepts, home_.now()) : nullptr;
}

fair_queue::item* contention::to_displace(const exchange::request& from) const noexcept {
    fair_queue::item* const last = queue_.last_of_largest();
    if (last == nullptr)
        return nullptr;
    const client_id by = client_of(from);
    return queue_.waiting_of(by) + 1 < queue_.waiting_of(last->client) ? last : nullptr;
}

// Nobody takes a connection past those who hold less and wait for one.
bool contention::admits_client(const client_id& of) const noexcept {
    if (!queue_.may_hold(of, home_.now()))
        return false;
    const fair_queue::claim own = queue_.claim_of(of);
    return std::none_of(elsewhere_.begin(), elsewhere_.end(), [&](const auto& each) {
        return each.address != of.address && has_claim(each) &&
               queue_.claim_of({each.address, 0}).held_by_address < own.held_by_address;
    });
}

// Whether some of what waits elsewhere may have a connection as soon as there is one.
bool contention::has_claim(const share_board::entry& elsewhere) const noexcept {
    return elsewhere.eligible > 0 && queue_.may_hold({elsewhere.address, 0}, home_.now());
}

// While a connection idles somewhere it is given up for those who wait before an exchange is. If
// it serves none of them, `tick` finds them waiting.
bool contention::nothing_idles() const noexcept { return shared_.idle.load() == 0; }

bool contention::others_go_first(const fair_queue::item& than) const noexcept {
    const fair_queue::claim own = queue_.claim_of(than.client);
    return std::any_of(elsewhere_.begin(), elsewhere_.end(), [&](const auto& each) {
        if (!has_claim(each))
            return false;
        if (each.address == than.client.address)
            return each.least_held < own.held_by_connection;
        return queue_.claim_of({each.address, 0}).held_by_address < own.held_by_address;
    });
}

bool contention::others_may_hold() const noexcept {
    return !active_ || std::any_of(elsewhere_.begin(), elsewhere_.end(),
                                   [&](const auto& each) { return has_claim(each); });
}

// It counts as one that waits while its claim is looked at. What others hold is theirs to judge, so
// where they hold some the answer is yes.
bool contention::served_soon(fair_queue::item& what) {
    if (!active_)
        return false;
    const bool waits = what.queued();
    if (!waits)
        queue_.push(what);
    const bool soon = yields_soon(what) ||
                      std::any_of(elsewhere_.begin(), elsewhere_.end(), [&](const auto& each) {
                          return each.held > queue_.claim_of(what.client).held_by_connection;
                      });
    if (!waits)
        queue_.remove(what, true);
    return soon;
}

bool contention::yields_soon(const fair_queue::item& to) {
    const fair_queue::claim claim = queue_.claim_of(to.client);
    for (held_share* at = first_; at != nullptr; at = at->next_) {
        if (at->from_.client == nullptr || at->cut_ || !to.accepts(at->endpoint_))
            continue;
        fair_queue::standing seen = at->look(home_.now());
        const bool stands = seen.unpaid >= grace;
        seen.still += fair_queue::above_share_patience;
        seen.unpaid += fair_queue::above_share_patience;
        if (stands && queue_.yields(seen, claim))
            return true;
    }
    return false;
}

void contention::tell() {
    if (shared_.rebalance)
        shared_.board.publish(home_.index(), queue_.summary(home_.now()));
}

void contention::hear() {
    if (!shared_.rebalance)
        return;
    elsewhere_ = shared_.board.others(home_.index());
    queue_.set_elsewhere(elsewhere_);
    promised_.subtract_from(elsewhere_, home_.now());
}

void contention::listen() {
    if (!active_ && shared_.board.others(home_.index()).empty())
        return;
    if (begin())
        tell();
    hear();
    if (nothing_idles())
        look();
}

void contention::on_expire(error) noexcept {
    const time_point now = home_.now();
    queue_.forget_expired(now);
    tell();
    hear();
    if (queue_.size() == 0 && !queue_.holds_back() && !others_wait())
        return end();
    look();
    arm(home_.deadlines(), now + tick, net::errc::queue_timeout);
}

bool contention::others_wait() const noexcept {
    return std::any_of(elsewhere_.begin(), elsewhere_.end(),
                       [](const auto& each) { return each.waiting > 0; });
}

// All that stands still, blocked by its client before what is merely quiet, the longest first.
void contention::collect(time_point now) {
    candidates_.clear();
    refused_.clear();
    looked_at_ = now;
    for (held_share* at = first_; at != nullptr; at = at->next_) {
        if (at->from_.client == nullptr || at->cut_)
            continue;
        const fair_queue::standing seen = at->look(now);
        if (seen.unpaid >= fair_queue::above_share_patience)
            candidates_.push_back({at, seen});
    }
    candidates_left_ = candidates_.size();
    std::sort(candidates_.begin(), candidates_.end(), [](const candidate& a, const candidate& b) {
        return std::tuple(a.standing.open_ended, b.standing.still) <
               std::tuple(b.standing.open_ended, a.standing.still);
    });
}

// Has exchanges give way for as long as somebody waits to whom one has to.
void contention::look() {
    const time_point now = home_.now();
    const bool wanted = queue_.size() > 0 || others_wait();
    if (!wanted)
        return;
    if (now - looked_at_ >= look_interval)
        collect(now);
    const auto is_unserved = [now](const fair_queue::item& one) {
        return now >= one.promised_until;
    };
    // One that no exchange has to give way to must not hide the others.
    std::vector<fair_queue::item*> passed_over;
    while (candidates_left_ > 0 && passed_over.size() < passed_over_max) {
        fair_queue::item* const waiting = next(is_unserved);
        if (waiting == nullptr)
            break;
        const fair_queue::claim claim = queue_.claim_of(waiting->client);
        waiting->promised_until = now + promise;
        if (was_refused(claim) || !cut_for(claim, waiting))
            passed_over.push_back(waiting);
    }
    for (fair_queue::item* const each : passed_over)
        each->promised_until = {};
    for (share_board::entry& each : elsewhere_) {
        fair_queue::claim claim = queue_.claim_of({each.address, 0});
        claim.held_by_connection = each.least_held;
        while (has_claim(each) && !promised_.full() && !was_refused(claim) &&
               cut_for(claim, nullptr)) {
            --each.waiting;
            --each.eligible;
            promised_.add(each.address, now + promise);
        }
    }
}

// Ends one exchange for what waits; null = on another worker. False if none has to give way.
bool contention::cut_for(const fair_queue::claim& claim, const fair_queue::item* waiting) {
    bool elsewhere = false;
    for (candidate& each : candidates_) {
        if (each.share == nullptr || leaves_to_others(claim, each.standing.client) ||
            !queue_.yields(each.standing, claim))
            continue;
        if (waiting != nullptr && !waiting->accepts(each.share->endpoint_)) {
            elsewhere = true;
            continue;
        }
        held_share* const cut = std::exchange(each.share, nullptr);
        --candidates_left_;
        cut->cut_ = true;
        const client_id by = cut->client_;
        const fair_queue::restraint restraint = queue_.restraint_of(by, home_.now());
        if (!cut->from_.client->give_way())
            continue;
        queue_.hold_back(by, restraint);
        return true;
    }
    if (!elsewhere && refused_.size() < passed_over_max)
        refused_.push_back(claim);
    return false;
}

bool contention::was_refused(const fair_queue::claim& claim) const noexcept {
    return std::find(refused_.begin(), refused_.end(), claim) != refused_.end();
}

void contention::begin_grant(fair_queue::item& what) {
    if (!active_)
        return;
    queue_.hold(what.client);
    what.granted_in = epoch_;
}

void contention::end_grant(fair_queue::item& what) noexcept {
    if (std::exchange(what.granted_in, 0) == epoch_ && active_)
        queue_.let_go(what.client);
}

}  // namespace penstock::upstream
