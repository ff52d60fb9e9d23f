#include "upstream/restraints.hpp"

#include <algorithm>

namespace penstock::upstream {
namespace {

// An unknown one is inserted only while there is room.
template <class Map>
void remember(Map& in, const typename Map::key_type& which, const restraints::limit& what) {
    if (in.size() < restraints::kept_max || in.contains(which))
        in[which] = what;
}

}  // namespace

restraints::restraints()
    : addresses_(0, hash{net::random_seed()}), heard_(0, addresses_.hash_function()) {}

void restraints::add(const client_id& of, const decision& what) {
    if (what.address) {
        remember(addresses_, of.address, *what.address);
        full_ = std::max(full_, what.address->full);
    }
    if (what.connection) {
        remember(connections_, of.connection, *what.connection);
        full_ = std::max(full_, what.connection->full);
    }
}

bool restraints::allow_address(const net::address_key& which, std::uint32_t held, std::uint32_t all,
                               time_point now) const noexcept {
    const auto allowed_by = [&](const address_map& in) {
        if (in.empty())
            return true;
        const auto found = in.find(which);
        return found == in.end() || found->second.allows(held, all, now);
    };
    return allowed_by(addresses_) && allowed_by(heard_);
}

bool restraints::allow_connection(std::uint64_t which, std::uint32_t held, std::uint32_t all,
                                  time_point now) const noexcept {
    const auto found = connections_.find(which);
    return found == connections_.end() || found->second.allows(held, all, now);
}

void restraints::hear(const std::vector<share_board::entry>& others, time_point now) {
    heard_.clear();
    for (const share_board::entry& each : others) {
        if (each.most == 0 || now >= each.held_back_until)
            continue;
        // Of two workers' decisions the later one.
        const auto known = heard_.find(each.address);
        if (known == heard_.end() || known->second.until < each.held_back_until)
            remember(heard_, each.address, {each.most, each.full, each.held_back_until});
    }
    find_full();
}

void restraints::tell(std::vector<share_board::entry>& to, time_point now) const {
    for (const auto& [which, what] : addresses_) {
        if (now >= what.until)
            continue;
        share_board::entry one;
        one.address = which;
        one.most = what.most;
        one.full = what.full;
        one.held_back_until = what.until;
        to.push_back(one);
    }
}

void restraints::forget_expired(time_point now) noexcept {
    const auto expired = [now](const auto& each) { return now >= each.second.until; };
    std::erase_if(addresses_, expired);
    std::erase_if(connections_, expired);
    std::erase_if(heard_, expired);
    find_full();
}

void restraints::find_full() noexcept {
    full_ = 0;
    const auto look_at = [this](const auto& in) {
        for (const auto& each : in)
            full_ = std::max(full_, each.second.full);
    };
    look_at(addresses_);
    look_at(connections_);
    look_at(heard_);
}

void restraints::clear() noexcept {
    addresses_.clear();
    connections_.clear();
    heard_.clear();
    full_ = 0;
}

}  // namespace penstock::upstream
