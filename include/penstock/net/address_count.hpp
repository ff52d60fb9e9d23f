// address_count: how many connections each client address has to one listener, exact over all
// workers. An IPv6 client is its /64, which is what one customer is given. Touched when a
// connection opens and when it ends, never in between.
//
// It holds an address only while that address has a connection, so it is never larger than the
// listener's cap on connections.
#pragma once

#include "penstock/net/endpoint.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace penstock::net {

class address_count {
 public:
    address_count();
    address_count(const address_count&) = delete;
    address_count& operator=(const address_count&) = delete;

    // Counts one more connection of this address unless it has `most` already; false if it has.
    // Throws std::bad_alloc with nothing counted.
    [[nodiscard]] bool enter(const socket_address& from, std::uint64_t most);
    // One that entered has ended.
    void leave(const socket_address& from) noexcept;

    // Addresses that have a connection now.
    [[nodiscard]] std::size_t addresses() const;

 private:
    struct key {
        std::uint64_t prefix;  // IPv4: the address; IPv6: its first 64 bits
        bool v6;
        bool operator==(const key&) const = default;
    };
    // Seeded, so that nobody can choose addresses that share a bucket.
    struct hash {
        std::uint64_t seed;
        std::size_t operator()(const key& of) const noexcept;
    };
    struct shard {
        mutable std::mutex lock;
        std::unordered_map<key, std::uint64_t, hash> counts;
    };
    static constexpr std::size_t shards = 16;

    [[nodiscard]] static key key_of(const socket_address& from) noexcept;
    [[nodiscard]] shard& shard_of(const key& of) noexcept;

    hash hash_;
    std::array<shard, shards> shards_;
};

}  // namespace penstock::net
