// share_board: where the workers of one upstream tell each other what clients hold and wait for.
// Written and read only while some exchange waits for a connection, or shortly after; never on the
// path of a request that finds one.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/address_key.hpp"

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace penstock::upstream {

class share_board {
 public:
    // What one client address has on one worker.
    struct entry {
        net::address_key address;
        std::uint32_t held = 0;     // connections, or HTTP/2 streams
        std::uint32_t waiting = 0;  // exchanges
        // Of these: neither are they about to be served nor does a limit of their own connection
        // hold them back.
        std::uint32_t eligible = 0;
        std::uint32_t connections = 0;  // of the client, that hold or wait
        std::uint32_t least_held = 0;   // by a connection whose exchanges are eligible
        // What it may hold while it is held back, of as many as all held then; 0 = it is not held
        // back.
        std::uint32_t most = 0;
        std::uint32_t full = 0;
        time_point held_back_until{};
    };

    // Replaces what this worker has said before; empty = nothing to say.
    void publish(int worker, std::vector<entry> what);
    // Adds what `one` says of an exchange that begins to wait on this worker: its address, whether
    // it is eligible, what its connection holds, and 0 connections if that was told of before.
    // `publish` says the rest.
    void add_waiting(int worker, const entry& one);
    // What all workers but this one have said.
    [[nodiscard]] std::vector<entry> others(int worker) const;

 private:
    mutable std::mutex lock_;
    std::unordered_map<int, std::vector<entry>> said_;
};

}  // namespace penstock::upstream
