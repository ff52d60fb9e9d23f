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
    cuts_.drop(one);
    if (std::exchange(one.counted_, false))
        queue_.let_go(one.client_);
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
    cuts_.clear();
    elsewhere_.clear();
    queue_.set_elsewhere({}, home_.now());
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
        (now - looked_at_ >= look_interval || !cuts_.was_refused(queue_.claim_of(what.client))))
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
        return each.address != of.address && takes_place(each) &&
               held_by(each) < own.held_by_address;
    });
}

// Whether an exchange may have to give way to some of what waits elsewhere.
bool contention::has_claim(const share_board::entry& elsewhere) const noexcept {
    return elsewhere.eligible > 0 && queue_.may_hold({elsewhere.address, 0}, home_.now());
}

// Whether exchanges that wait elsewhere may take the next free connection. Those that a connection
// was freed for may: otherwise an exchange of this worker would take it from them.
bool contention::takes_place(const share_board::entry& elsewhere) const noexcept {
    return elsewhere.promised > 0 || has_claim(elsewhere);
}

// How much the client holds, without what was promised to it on that worker.
std::uint32_t contention::held_by(const share_board::entry& elsewhere) const noexcept {
    const std::uint32_t held = queue_.claim_of(client_id{elsewhere.address, 0}).held_by_address;
    return held - std::min(held, elsewhere.promised);
}

// While a connection idles somewhere it is given up for those who wait before an exchange is. If
// it serves none of them, `tick` finds them waiting.
bool contention::nothing_idles() const noexcept { return shared_.idle.load() == 0; }

bool contention::others_go_first(const fair_queue::item& than) const noexcept {
    const fair_queue::claim own = queue_.claim_of(than);
    return std::any_of(elsewhere_.begin(), elsewhere_.end(), [&](const auto& each) {
        if (!takes_place(each))
            return false;
        if (each.address == than.client.address)
            return each.least_held < own.held_by_connection;
        return held_by(each) < own.held_by_address;
    });
}

bool contention::others_may_hold() const noexcept {
    return !active_ || std::any_of(elsewhere_.begin(), elsewhere_.end(),
                                   [&](const auto& each) { return takes_place(each); });
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
    const fair_queue::claim claim = queue_.claim_of(to);
    for (held_share* at = first_; at != nullptr; at = at->next_) {
        if (at->from_.client == nullptr || at->cut_ || !to.accepts(at->endpoint()))
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

// What other workers have freed for exchanges of this one is on its way to them.
void contention::tell() {
    const time_point now = home_.now();
    queue_.end_promises(now);
    if (!shared_.rebalance)
        return;
    for (const share_board::promise& each : shared_.board.take_promises(home_.index())) {
        const auto is_meant = [&](const fair_queue::item& one) {
            return one.client.address == each.address && now >= one.promised_until;
        };
        if (fair_queue::item* const to = queue_.next(is_meant, now, fair_queue::counting::promised))
            queue_.promise(*to, each.until);
    }
    shared_.board.publish(home_.index(), queue_.summary(now));
}

void contention::hear() {
    if (!shared_.rebalance)
        return;
    elsewhere_ = shared_.board.others(home_.index());
    queue_.set_elsewhere(elsewhere_, home_.now());
}

void contention::listen() {
    if (!active_ && shared_.board.others(home_.index()).empty())
        return;
    (void)begin();
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
                       [](const auto& each) { return each.waiting + each.promised > 0; });
}

void contention::collect(time_point now) {
    cuts_.clear();
    looked_at_ = now;
    for (held_share* at = first_; at != nullptr; at = at->next_) {
        if (at->from_.client == nullptr || at->cut_)
            continue;
        const fair_queue::standing seen = at->look(now);
        if (seen.unpaid >= fair_queue::above_share_patience)
            cuts_.add(*at, seen);
    }
    cuts_.sort();
}

// Has exchanges give way for as long as some exchange waits to which one has to.
void contention::look() {
    if (queue_.size() == 0 && !others_wait())
        return;
    const time_point now = home_.now();
    queue_.end_promises(now);
    if (now - looked_at_ >= look_interval)
        collect(now);
    cut_for_own(now);
    cut_for_others(now);
}

void contention::cut_for_own(time_point now) {
    const auto may_be_served = [this, now](const fair_queue::item& one) {
        return now >= one.promised_until && (one.endpoints() & cuts_.endpoints()) != 0;
    };
    // One that no exchange has to give way to must not hide the others.
    std::vector<fair_queue::item*> passed_over;
    while (cuts_.left() > 0 && passed_over.size() < passed_over_max) {
        fair_queue::item* const waiting =
            queue_.next(may_be_served, now, fair_queue::counting::promised);
        if (waiting == nullptr)
            break;
        if (cut_for(*waiting, now))
            continue;
        waiting->promised_until = now + promise;
        passed_over.push_back(waiting);
    }
    for (fair_queue::item* const each : passed_over)
        each->promised_until = {};
}

void contention::cut_for_others(time_point now) {
    for (share_board::entry& each : elsewhere_) {
        while (cuts_.left() > 0 && has_claim(each) && cut_for(each, now)) {
        }
    }
}

// False if none has to give way to it.
bool contention::cut_for(fair_queue::item& waiting, time_point now) {
    const fair_queue::claim claim = queue_.claim_of(waiting.client);
    if (cuts_.was_refused(claim))
        return false;
    while (cut_list::entry* const found = cuts_.choose(queue_, claim, waiting)) {
        pending_cut one = begin_cut(static_cast<held_share&>(*found));
        // First, as what is freed may serve it at once.
        queue_.promise(waiting, now + promise);
        if (end_cut(one))
            return true;
        queue_.end_promise(waiting);
        waiting.promised_until = {};
    }
    return false;
}

bool contention::cut_for(share_board::entry& elsewhere, time_point now) {
    fair_queue::claim claim = queue_.claim_of(client_id{elsewhere.address, 0});
    claim.held_by_connection = elsewhere.least_held;
    if (cuts_.was_refused(claim))
        return false;
    cut_list::entry* const found = cuts_.choose(queue_, claim, elsewhere.endpoints);
    if (found == nullptr)
        return false;
    // Another worker may have freed one for it already.
    const share_board::promise made{elsewhere.address, now + promise};
    if (!shared_.board.make_promise(elsewhere.worker, made, found->endpoint())) {
        elsewhere.eligible = 0;
        return false;
    }
    --elsewhere.waiting;
    --elsewhere.eligible;
    ++elsewhere.promised;
    pending_cut one = begin_cut(static_cast<held_share&>(*found));
    queue_.promise_elsewhere(elsewhere.address);
    (void)end_cut(one);
    return true;
}

// It counts as gone before it is: the end of an HTTP/2 stream takes a while, and each decision has
// to see those before it.
contention::pending_cut contention::begin_cut(held_share& which) {
    cuts_.drop(which);
    which.cut_ = true;
    pending_cut made{&which, which.client_, queue_.restraint_of(which.client_, home_.now())};
    which.counted_ = false;
    queue_.let_go(made.by);
    return made;
}

// False if the exchange ends anyway.
bool contention::end_cut(pending_cut& one) {
    // Where it does give way, the share may be gone when this returns.
    if (!one.which->from_.client->give_way()) {
        one.which->counted_ = true;
        queue_.hold(one.by);
        return false;
    }
    queue_.hold_back(one.by, one.restraint);
    return true;
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
