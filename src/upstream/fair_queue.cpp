#include "upstream/fair_queue.hpp"

#include "penstock/base/check.hpp"

#include <algorithm>
#include <limits>

namespace penstock::upstream {

fair_queue::fair_queue()
    : addresses_(0, hash{net::random_seed()}), address_limits_(0, addresses_.hash_function()) {}

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

fair_queue::item* fair_queue::next(const predicate& accepts, time_point now) const {
    item* found = nullptr;
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
    for (const net::address_key& each : waiting_) {
        const address_entry& in = addresses_.at(each);
        if (in.all() >= least || !address_may_hold(each, in.all(), now))
            continue;
        if (item* const candidate = next_of(in, accepts, now)) {
            found = candidate;
            least = in.all();
        }
        if (least == 0)
            break;
    }
    return found;
}

fair_queue::item* fair_queue::next_of(const address_entry& in, const predicate& accepts,
                                      time_point now) const {
    item* found = nullptr;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t each : in.waiting) {
        const connection_entry& of = in.connections.at(each);
        const std::uint64_t rank = 2 * std::uint64_t{of.held} + (of.newcomer ? 1U : 0U);
        if (rank >= least || !connection_may_hold(each, of.held, now))
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
        made.held_by_connection = one->second.held;
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

fair_queue::restraint fair_queue::restraint_of(const client_id& by, time_point now) const noexcept {
    const address_entry* const in = find(by.address);
    if (in == nullptr)
        return {};
    const std::uint32_t full = std::max(total_, full_);
    const auto at_most = [&](std::uint64_t share) {
        return limit{static_cast<std::uint32_t>(std::max<std::uint64_t>(share, 1)), full,
                     now + held_back_for};
    };
    restraint made;
    if (addresses_.size() > 1 && address_above(*in))
        made.address = at_most(full / addresses_.size());
    else if (in->connection_count() > 1)
        made.connection = at_most(in->all() / in->connection_count());
    return made;
}

void fair_queue::hold_back(const client_id& by, const restraint& to) {
    for (const std::optional<limit>& each : {to.address, to.connection})
        full_ = std::max(full_, each ? each->full : 0);
    if (to.address &&
        (address_limits_.size() < held_back_max || address_limits_.contains(by.address)))
        address_limits_[by.address] = *to.address;
    if (to.connection &&
        (connection_limits_.size() < held_back_max || connection_limits_.contains(by.connection)))
        connection_limits_[by.connection] = *to.connection;
}

bool fair_queue::address_may_hold(const net::address_key& which, std::uint32_t held,
                                  time_point now) const noexcept {
    if (address_limits_.empty())
        return true;
    const auto found = address_limits_.find(which);
    return found == address_limits_.end() || found->second.allows(held, total_, now);
}

bool fair_queue::connection_may_hold(std::uint64_t which, std::uint32_t held,
                                     time_point now) const noexcept {
    const auto found = connection_limits_.find(which);
    return found == connection_limits_.end() || found->second.allows(held, total_, now);
}

bool fair_queue::may_hold(const client_id& by, time_point now) const noexcept {
    const claim held = claim_of(by);
    return address_may_hold(by.address, held.held_by_address, now) &&
           connection_may_hold(by.connection, held.held_by_connection, now);
}

void fair_queue::forget_expired(time_point now) noexcept {
    const auto expired = [now](const auto& each) { return now >= each.second.until; };
    std::erase_if(address_limits_, expired);
    std::erase_if(connection_limits_, expired);
    if (!holds_back())
        full_ = 0;
}

void fair_queue::set_elsewhere(const std::vector<share_board::entry>& others) {
    for (auto& [key, in] : addresses_) {
        total_ -= in.held_elsewhere;
        in.held_elsewhere = in.waiting_elsewhere = 0;
        in.connections_elsewhere = 0;
    }
    for (const share_board::entry& each : others) {
        address_entry& in = addresses_[each.address];
        in.held_elsewhere += each.held;
        in.waiting_elsewhere += each.waiting;
        in.connections_elsewhere += each.connections;
        total_ += each.held;
        if (each.most == 0)
            continue;
        limit& known = address_limits_[each.address];
        if (each.held_back_until > known.until)
            known = {each.most, each.full, each.held_back_until};
        full_ = std::max(full_, each.full);
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
    const bool eligible =
        now >= beginning.promised_until && connection_may_hold(by.connection, one.least_held, now);
    one.eligible = eligible ? 1 : 0;
    return one;
}

std::vector<share_board::entry> fair_queue::summary(time_point now) const {
    std::vector<share_board::entry> made;
    for (const auto& [key, in] : addresses_) {
        if (in.connections.empty())
            continue;
        share_board::entry one;
        one.address = key;
        one.held = in.held;
        one.connections = static_cast<std::uint32_t>(in.connections.size());
        std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
        for (const std::uint64_t each : in.waiting) {
            const connection_entry& of = in.connections.at(each);
            one.waiting += static_cast<std::uint32_t>(of.waiting.size());
            const auto eligible =
                std::count_if(of.waiting.begin(), of.waiting.end(),
                              [now](const item* waits) { return now >= waits->promised_until; });
            if (eligible == 0 || !connection_may_hold(each, of.held, now))
                continue;
            one.eligible += static_cast<std::uint32_t>(eligible);
            least = std::min(least, of.held);
        }
        one.least_held = one.eligible > 0 ? least : 0;
        made.push_back(one);
    }
    for (const auto& [key, held_back] : address_limits_) {
        share_board::entry one;
        one.address = key;
        one.most = held_back.most;
        one.full = held_back.full;
        one.held_back_until = held_back.until;
        made.push_back(one);
    }
    return made;
}

void fair_queue::clear() {
    PENSTOCK_CHECK(size_ == 0);
    addresses_.clear();
    address_limits_.clear();
    connection_limits_.clear();
    total_ = full_ = 0;
}

}  // namespace penstock::upstream
