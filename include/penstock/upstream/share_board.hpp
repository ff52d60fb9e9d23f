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
        std::uint32_t held = 0;         // connections, or HTTP/2 streams
        std::uint32_t waiting = 0;      // exchanges
        std::uint32_t connections = 0;  // of the client, that hold or wait
        std::uint32_t least_held = 0;   // by one of them that waits
        // What it may hold while it is held back and all hold no less than `room_below`; 0 = it is
        // not held back.
        std::uint32_t most = 0;
        std::uint32_t room_below = 0;
        time_point held_back_until{};
    };

    // Replaces what this worker has said before; empty = nothing to say.
    void publish(int worker, std::vector<entry> what);
    // One more exchange waits on this worker, of a client connection that holds so much and was,
    // or was not, told of before; `publish` says the rest.
    void add_waiting(int worker, const net::address_key& of, std::uint32_t held, bool stranger);
    // What all workers but this one have said.
    [[nodiscard]] std::vector<entry> others(int worker) const;

 private:
    mutable std::mutex lock_;
    std::unordered_map<int, std::vector<entry>> said_;
};

}  // namespace penstock::upstream
