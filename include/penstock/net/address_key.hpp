// What counts as one client address: an IPv4 address, or the /64 that one customer of IPv6 is
// given. Hashes are seeded, so that nobody can choose addresses that meet in one bucket.
#pragma once

#include "penstock/net/endpoint.hpp"

#include <cstdint>
#include <cstring>
#include <random>

namespace penstock::net {

[[nodiscard]] inline std::uint64_t random_seed() {
    std::random_device source;
    return (std::uint64_t{source()} << 32U) | source();
}

// Mixes every bit into every other (a finaliser of splitmix64's kind).
[[nodiscard]] inline std::uint64_t mix_bits(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

struct address_key {
    std::uint64_t prefix = 0;  // IPv4: the address; IPv6: its first 64 bits
    bool v6 = false;
    bool operator==(const address_key&) const = default;

    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const noexcept {
        return mix_bits(mix_bits(prefix ^ seed) + (v6 ? 1U : 0U));
    }
};

[[nodiscard]] inline address_key address_key_of(const socket_address& from) noexcept {
    std::uint8_t bytes[16];
    from.mapped(bytes);
    address_key made;
    made.v6 = from.family() == AF_INET6;
    if (made.v6)
        std::memcpy(&made.prefix, bytes, 8);
    else
        std::memcpy(&made.prefix, bytes + 12, 4);
    return made;
}

}  // namespace penstock::net
