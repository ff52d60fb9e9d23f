// share_board: where the workers of one upstream tell each other what clients hold and wait for.
// Written and read only while some exchange waits for a connection, or shortly after; never on the
// path of a request that finds one. Every function may be called from any worker's thread; a lock
// of its own protects it. What it holds is bounded by what workers say: an entry for each client
// that holds or waits, or is held back.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/address_key.hpp"
#include "penstock/upstream/endpoint_mask.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace penstock::upstream {

class share_board {
 public:
    // What one client address has on one worker. An entry with `most` says nothing else.
    struct entry {
        int worker = 0;  // filled in by `others`
        net::address_key address;
        std::uint32_t held = 0;     // connections, or HTTP/2 streams; promised ones as well
        std::uint32_t waiting = 0;  // exchanges to which no connection was promised
        // Waiting exchanges that a connection was freed for. No other exchange gives way to them,
        // and no worker gives the freed connection to another client.
        std::uint32_t promised = 0;
        // How many of the waiting exchanges may get a connection next: none is on its way to them
        // yet, and no limit of their own connection holds them back.
        std::uint32_t eligible = 0;
        endpoint_mask endpoints = 0;    // that serve some of the eligible ones
        std::uint32_t connections = 0;  // of the client, that hold or wait
        std::uint32_t least_held = 0;   // by a connection whose exchanges are eligible
        // What the address may hold while it is held back, 0 = it is not, and how much all clients
        // held when that was decided.
        std::uint32_t most = 0;
        std::uint32_t full = 0;
        time_point held_back_until{};
    };
    // One waiting exchange of this address will get a connection that another worker has freed.
    struct promise {
        net::address_key address;
        time_point until;
    };
    // Promises that a worker has not taken yet. With as many there, no more are made to it.
    static constexpr std::size_t promises_max = 1024;

    // Replaces what this worker has said before; empty = nothing to say. Promises to it that it has
    // not taken are subtracted.
    void publish(int worker, std::vector<entry> what);
    // Adds what `one` says of an exchange that begins to wait on this worker: its address, whether
    // it is eligible and where, what its connection holds, and 0 connections if that was told of
    // before. `publish` says the rest.
    void add_waiting(int worker, const entry& one);
    // What all workers but this one have said.
    [[nodiscard]] std::vector<entry> others(int worker) const;

    // Claims one eligible exchange of this address on worker `to`, so that no other worker frees a
    // connection for the same one. False if there is none, and nothing must be freed for it.
    [[nodiscard]] bool make_promise(int to, const promise& what, std::size_t endpoint);
    // The promises made to this worker since it asked last.
    [[nodiscard]] std::vector<promise> take_promises(int worker);

 private:
    // False if no eligible exchange of this address is left in `said`.
    static bool subtract(std::vector<entry>& said, const net::address_key& of,
                         endpoint_mask endpoints) noexcept;

    mutable std::mutex lock_;
    std::unordered_map<int, std::vector<entry>> said_;
    std::unordered_map<int, std::vector<promise>> promises_;
};

}  // namespace penstock::upstream
