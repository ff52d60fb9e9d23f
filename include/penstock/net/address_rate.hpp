// address_rate: how many requests each client address has sent within the present second, over all
// workers of one listener. An IPv6 client is its /64.
//
// Two tables of fixed size, indexed by two seeded hashes: nothing is ever added or removed, so that
// nobody can make it grow and a client that reconnects is still known. Two addresses that meet in
// one table are told apart by the other; who meets others in both shares their allowance. No memory
// before the first request that is to be counted.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/endpoint.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace penstock::net {

class address_rate {
 public:
    static constexpr std::size_t columns = 16384;

    address_rate();
    address_rate(const address_rate&) = delete;
    address_rate& operator=(const address_rate&) = delete;

    // From any thread. Counts one more request of this address unless it has had `most` within this
    // second of the clock; false if it has.
    [[nodiscard]] bool add(const socket_address& from, std::uint32_t most, time_point now);

 private:
    // The second in the high half, the count in the low one.
    using cell = std::atomic<std::uint64_t>;
    struct table {
        std::array<std::array<cell, columns>, 2> rows{};
    };

    std::array<std::uint64_t, 2> seeds_;
    std::once_flag made_;
    std::unique_ptr<table> table_;
};

}  // namespace penstock::net
