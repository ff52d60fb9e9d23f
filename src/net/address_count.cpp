#include "penstock/net/address_count.hpp"

#include "penstock/base/check.hpp"

#include <cstring>
#include <random>

namespace penstock::net {
namespace {

std::uint64_t random_seed() {
    std::random_device source;
    return (std::uint64_t{source()} << 32U) | source();
}

// Mixes every bit into every other (a finaliser of splitmix64's kind).
std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

}  // namespace

std::size_t address_count::hash::operator()(const key& of) const noexcept {
    return mix(mix(of.prefix ^ seed) + (of.v6 ? 1U : 0U));
}

address_count::address_count() : hash_{random_seed()} {
    for (shard& each : shards_)
        each.counts = decltype(each.counts)(0, hash_);
}

address_count::key address_count::key_of(const socket_address& from) noexcept {
    std::uint8_t bytes[16];
    from.mapped(bytes);
    const bool v6 = from.family() == AF_INET6;
    key made{0, v6};
    if (v6)
        std::memcpy(&made.prefix, bytes, 8);
    else
        std::memcpy(&made.prefix, bytes + 12, 4);
    return made;
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
