#include "penstock/net/address_count.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/address_key.hpp"

namespace penstock::net {

std::size_t address_count::hash::operator()(const key& of) const noexcept {
    return address_key{of.prefix, of.v6}.hash(seed);
}

address_count::address_count() : hash_{random_seed()} {
    for (shard& each : shards_)
        each.counts = decltype(each.counts)(0, hash_);
}

address_count::key address_count::key_of(const socket_address& from) noexcept {
    const address_key of = address_key_of(from);
    return {of.prefix, of.v6};
}

// By the hash's high bits, since the buckets are chosen by its low ones.
address_count::shard& address_count::shard_of(const key& of) noexcept {
    static_assert(shards == 16);
    return shards_[std::uint64_t{hash_(of)} >> 60U];
}

bool address_count::enter(const socket_address& from, std::uint64_t most) {
    const key of = key_of(from);
    shard& in = shard_of(of);
    const std::lock_guard held(in.lock);
    const auto found = in.counts.find(of);
    if (found == in.counts.end()) {
        if (most == 0)
            return false;
        in.counts.emplace(of, 1);
        return true;
    }
    if (found->second >= most)
        return false;
    ++found->second;
    return true;
}

void address_count::leave(const socket_address& from) noexcept {
    const key of = key_of(from);
    shard& in = shard_of(of);
    const std::lock_guard held(in.lock);
    const auto found = in.counts.find(of);
    PENSTOCK_CHECK(found != in.counts.end());
    if (--found->second == 0)
        in.counts.erase(found);
}

std::size_t address_count::addresses() const {
    std::size_t sum = 0;
    for (const shard& each : shards_) {
        const std::lock_guard held(each.lock);
        sum += each.counts.size();
    }
    return sum;
}

}  // namespace penstock::net
