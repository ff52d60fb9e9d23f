#include "upstream/fair_queue.hpp"

#include "penstock/base/check.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace penstock::upstream {

fair_queue::fair_queue() : addresses_(0, hash{net::random_seed()}) {}

const fair_queue::address_entry* fair_queue::find(const net::address_key& of) const noexcept {
    const auto found = addresses_.find(of);
    return found != addresses_.end() ? &found->second : nullptr;
}

void fair_queue::hold(const client_id& by) {
    address_entry& in = addresses_[by.address];
    connection_entry& of = in.connections[by.connection];
    ++of.held;
    of.newcomer = by.newcomer;
    ++in.held;
    ++total_;
}

void fair_queue::let_go(const client_id& by) noexcept {
    address_entry& in = addresses_.at(by.address);
    connection_entry& of = in.connections.at(by.connection);
    PENSTOCK_CHECK(of.held > 0);
    --of.held;
    --in.held;
    --total_;
    forget_if_idle(by);
}

void fair_queue::forget_if_idle(const client_id& of) noexcept {
    const auto at = addresses_.find(of.address);
    address_entry& in = at->second;
    const auto one = in.connections.find(of.connection);
    if (one->second.held == 0 && one->second.waiting.empty())
        in.connections.erase(one);
    if (in.connections.empty() && in.all() == 0 && in.waiting_elsewhere == 0)
        addresses_.erase(at);
}

void fair_queue::push(item& what) {
    const auto [at, fresh] = addresses_.try_emplace(what.client.address);
    address_entry& in = at->second;
    connection_entry& of = in.connections[what.client.connection];
    of.newcomer = what.client.newcomer;
    if (in.waiting.empty())
        in.place = waiting_.insert(waiting_.end(), what.client.address);
    if (of.waiting.empty())
        of.place = in.waiting.insert(in.waiting.end(), what.client.connection);
    what.place_ = of.waiting.insert(what.again_ ? of.waiting.begin() : of.waiting.end(), &what);
    what.queued_ = true;
    ++in.waiting_here;
    ++size_;
}

// The client that was served goes behind the others that hold as much.
void fair_queue::remove(item& what, bool comes_again) noexcept {
    if (!what.queued_)
        return;
    what.again_ = comes_again;
    end_promise(what);
    what.promised_until = {};
    address_entry& in = addresses_.at(what.client.address);
    connection_entry& of = in.connections.at(what.client.connection);
    of.waiting.erase(what.place_);
    what.queued_ = false;
    --in.waiting_here;
    --size_;
    if (of.waiting.empty())
        in.waiting.erase(of.place);
    else
        in.waiting.splice(in.waiting.end(), in.waiting, of.place);
    if (in.waiting.empty())
        waiting_.erase(in.place);
    else
        waiting_.splice(waiting_.end(), waiting_, in.place);
    forget_if_idle(what.client);
}

void fair_queue::promise(item& to, time_point until) {
    to.promised_until = until;
    if (std::exchange(to.counts_as_holder_, true))
        return;
    address_entry& in = addresses_.at(to.client.address);
    ++in.connections.at(to.client.connection).promised;
    ++in.promised;
    ++total_;
    promised_.push_back(&to);
}

void fair_queue::end_promise(item& to) noexcept {
    if (!std::exchange(to.counts_as_holder_, false))
        return;
    address_entry& in = addresses_.at(to.client.address);
    --in.connections.at(to.client.connection).promised;
    --in.promised;
    --total_;
    promised_.remove(&to);
}

void fair_queue::end_promises(time_point now) noexcept {
    const std::list<item*> all = promised_;
    for (item* const each : all) {
        if (now >= each->promised_until)
            end_promise(*each);
    }
}

void fair_queue::promise_elsewhere(const net::address_key& to) {
    ++addresses_[to].held_elsewhere;
    ++total_;
}

fair_queue::item* fair_queue::next(const predicate& accepts, time_point now, counting by) const {
    item* found = nullptr;
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
    for (const net::address_key& each : waiting_) {
        const address_entry& in = addresses_.at(each);
        const std::uint32_t held = in.all(by);
        if (held >= least || !held_back_.allow_address(each, held, total_, now))
            continue;
        if (item* const candidate = next_of(in, accepts, now, by)) {
            found = candidate;
            least = held;
        }
        if (least == 0)
            break;
    }
    return found;
}

fair_queue::item* fair_queue::next_of(const address_entry& in, const predicate& accepts,
                                      time_point now, counting by) const {
    item* found = nullptr;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t each : in.waiting) {
        const connection_entry& of = in.connections.at(each);
        const std::uint32_t held = of.held + (by == counting::promised ? of.promised : 0);
        const std::uint64_t rank = 2 * std::uint64_t{held} + (of.newcomer ? 1U : 0U);
        if (rank >= least || !held_back_.allow_connection(each, held, total_, now))
            continue;
        const auto at = std::find_if(of.waiting.begin(), of.waiting.end(),
                                     [&](const item* one) { return accepts(*one); });
        if (at != of.waiting.end()) {
            found = *at;
            least = rank;
        }
        if (least == 0)
            break;
    }
    return found;
}

fair_queue::item* fair_queue::last_of_largest() const noexcept {
    const address_entry* largest = nullptr;
    for (const net::address_key& each : waiting_) {
        const address_entry& in = addresses_.at(each);
        if (largest == nullptr || in.waiting_here > largest->waiting_here)
            largest = &in;
    }
    if (largest == nullptr)
        return nullptr;
    const std::list<item*>* longest = nullptr;
    for (const std::uint64_t each : largest->waiting) {
        const std::list<item*>& waiting = largest->connections.at(each).waiting;
        if (longest == nullptr || waiting.size() > longest->size())
            longest = &waiting;
    }
    return longest->back();
}

bool fair_queue::knows(const client_id& of) const noexcept {
    const address_entry* const in = find(of.address);
    return in != nullptr && in->connections.contains(of.connection);
}

std::size_t fair_queue::waiting_of(const client_id& by) const noexcept {
    const address_entry* const in = find(by.address);
    return in != nullptr ? in->waiting_here : 0;
}

fair_queue::claim fair_queue::claim_of(const client_id& by) const noexcept {
    claim made{by.address, by.connection, 0, 0, by.newcomer};
    const address_entry* const in = find(by.address);
    if (in == nullptr)
        return made;
    made.held_by_address = in->all();
    if (const auto one = in->connections.find(by.connection); one != in->connections.end())
        made.held_by_connection = one->second.held + one->second.promised;
    return made;
}

fair_queue::claim fair_queue::claim_of(const item& waiting) const noexcept {
    claim made = claim_of(waiting.client);
    const std::uint32_t own = waiting.counts_as_holder_ ? 1 : 0;
    made.held_by_address -= own;
    made.held_by_connection -= own;
    return made;
}

// More than an equal part of what all hold.
bool fair_queue::address_above(const address_entry& of) const noexcept {
    return std::uint64_t{of.all()} * addresses_.size() > total_;
}

bool fair_queue::connection_above(const address_entry& in, std::uint32_t held) noexcept {
    return std::uint64_t{held} * in.connection_count() > in.all();
}

bool fair_queue::above_share(const client_id& by) const noexcept {
    const address_entry* const in = find(by.address);
    if (in == nullptr)
        return false;
    return address_above(*in) || connection_above(*in, claim_of(by).held_by_connection);
}

// Between two addresses the addresses' shares decide, within one those of its connections. An
// exchange never gives way to a client that holds as much as its own: the two would change places
// for ever.
bool fair_queue::yields(const standing& holder, const claim& to) const noexcept {
    const address_entry* const in = find(holder.client.address);
    if (in == nullptr || holder.unpaid < above_share_patience)
        return false;
    const bool patient = !holder.open_ended && holder.still >= patience;
    // What has no end by itself is quiet by nature.
    const nanoseconds needed = holder.open_ended ? patience : above_share_patience;
    if (holder.client.address != to.address)
        return to.held_by_address < in->all() &&
               (patient || (address_above(*in) && holder.unpaid >= needed));
    if (holder.client.connection == to.connection)
        return patient;
    const std::uint32_t held = claim_of(holder.client).held_by_connection;
    return to.held_by_connection < held &&
           (patient || (connection_above(*in, held) && holder.unpaid >= needed));
}

restraints::decision fair_queue::restraint_of(const client_id& by, time_point now) const noexcept {
    const address_entry* const in = find(by.address);
    if (in == nullptr)
        return {};
    // A limit remembers what was held at its time alone: it must not outlast the pool's size.
    const auto at_most = [&](std::uint64_t share) {
        return restraints::limit{static_cast<std::uint32_t>(std::max<std::uint64_t>(share, 1)),
                                 total_, now + restraints::held_back_for};
    };
    const std::uint32_t full = std::max(total_, held_back_.full());
    restraints::decision made;
    if (addresses_.size() > 1 && address_above(*in))
        made.address = at_most(full / addresses_.size());
    else if (in->connection_count() > 1)
        made.connection = at_most(in->all() / in->connection_count());
    return made;
}

bool fair_queue::may_hold(const client_id& by, time_point now) const noexcept {
    if (held_back_.empty())
        return true;
    const claim held = claim_of(by);
    return held_back_.allow_address(by.address, held.held_by_address, total_, now) &&
           held_back_.allow_connection(by.connection, held.held_by_connection, total_, now);
}

void fair_queue::set_elsewhere(const std::vector<share_board::entry>& others, time_point now) {
    held_back_.hear(others, now);
    for (auto& [key, in] : addresses_) {
        total_ -= in.held_elsewhere;
        in.held_elsewhere = in.waiting_elsewhere = 0;
        in.connections_elsewhere = 0;
    }
    for (const share_board::entry& each : others) {
        if (each.most != 0)
            continue;
        address_entry& in = addresses_[each.address];
        in.held_elsewhere += each.held;
        in.waiting_elsewhere += each.waiting;
        in.connections_elsewhere += each.connections;
        total_ += each.held;
    }
    std::erase_if(addresses_, [](const auto& each) {
        const address_entry& in = each.second;
        return in.connections.empty() && in.all() == 0 && in.waiting_elsewhere == 0;
    });
}

share_board::entry fair_queue::summary_of(const item& beginning, time_point now) const {
    const client_id& by = beginning.client;
    share_board::entry one;
    one.address = by.address;
    one.waiting = 1;
    one.connections = knows(by) ? 0 : 1;
    one.least_held = claim_of(by).held_by_connection;
    const bool eligible = now >= beginning.promised_until &&
                          held_back_.allow_connection(by.connection, one.least_held, total_, now);
    one.eligible = eligible ? 1 : 0;
    one.endpoints = eligible ? beginning.endpoints() : 0;
    return one;
}

std::vector<share_board::entry> fair_queue::summary(time_point now) const {
    std::vector<share_board::entry> made;
    for (const auto& [key, in] : addresses_) {
        if (in.connections.empty())
            continue;
        share_board::entry one;
        one.address = key;
        one.held = in.held + in.promised;
        one.promised = in.promised;
        one.connections = static_cast<std::uint32_t>(in.connections.size());
        std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
        for (const std::uint64_t each : in.waiting) {
            const connection_entry& of = in.connections.at(each);
            // A promised one counts as one that holds.
            one.waiting += static_cast<std::uint32_t>(of.waiting.size()) - of.promised;
            const std::uint32_t held = of.held + of.promised;
            if (!held_back_.allow_connection(each, held, total_, now))
                continue;
            for (const item* const waits : of.waiting) {
                if (now < waits->promised_until)
                    continue;
                ++one.eligible;
                one.endpoints |= waits->endpoints();
                least = std::min(least, held);
            }
        }
        one.least_held = one.eligible > 0 ? least : 0;
        made.push_back(one);
    }
    held_back_.tell(made, now);
    return made;
}

void fair_queue::clear() {
    PENSTOCK_CHECK(size_ == 0);
    addresses_.clear();
    held_back_.clear();
    total_ = 0;
}

}  // namespace penstock::upstream
