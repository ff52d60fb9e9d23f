// The record of one exchange: where the time went and what came of it. Metrics, access log and
// status are views of it.
//
// The ledger holds a conservation law: at every moment exactly one phase is charged, so the
// phases sum to the total. `enter` ends the present phase and begins another. While Penstock itself
// holds the exchange (parsing, deciding, waiting for its turn of the loop), `loop` is charged.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/base/names.hpp"
#include "penstock/exchange/reason.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::exchange {

enum class phase : std::uint8_t {
    tls,        // handshake with the client; charged to its first request
    head,       // from the head's first byte to its last
    body,       // waiting for the client's body bytes, nothing else to do
    admission,  // held back by limits of our own
    dns,
    pool_wait,  // queued for an upstream connection
    connect,
    upstream_tls,
    send,            // the origin does not take the request as fast as we have it
    first_byte,      // request sent, no response head yet
    response,        // waiting for the origin's body bytes
    client_blocked,  // the client does not take the response as fast as we have it
    loop,            // Penstock's own time
    retry,           // attempts that were given up
};
inline constexpr std::size_t phase_count = static_cast<std::size_t>(phase::retry) + 1;

// "first_byte" and so on; the label value and the log key.
[[nodiscard]] std::string_view name(phase p) noexcept;

class ledger {
 public:
    void start(time_point at, phase first) noexcept {
        spent_.fill(nanoseconds{0});
        began_ = since_ = at;
        current_ = first;
        pinned_ = false;
    }
    // Charges what passed since the last call to the present phase. Earlier times count as no time.
    void enter(phase next, time_point at) noexcept {
        charge(at);
        if (!pinned_)
            current_ = next;
    }
    // Until `unpin`, all time is charged to the present phase: work that runs alongside a wait is
    // not what the exchange waits for.
    void pin() noexcept { pinned_ = true; }
    void unpin() noexcept { pinned_ = false; }
    void finish(time_point at) noexcept { charge(at); }
    // A cost paid before the exchange began (tls): moves its beginning back by `cost`.
    void prepend(phase p, nanoseconds cost) noexcept {
        spent_[static_cast<std::size_t>(p)] += cost;
        began_ -= cost;
    }
    // What was charged to `from` belongs to `to`, as far as it is there.
    void recharge(phase from, phase to, nanoseconds amount) noexcept {
        nanoseconds& held = spent_[static_cast<std::size_t>(from)];
        amount = std::clamp(amount, nanoseconds{0}, held);
        held -= amount;
        spent_[static_cast<std::size_t>(to)] += amount;
    }
    // Moves everything charged to connection phases of a failed attempt to `retry`.
    void give_up_attempt() noexcept;

    [[nodiscard]] phase current() const noexcept { return current_; }
    // When the present phase was last entered.
    [[nodiscard]] time_point entered() const noexcept { return since_; }
    [[nodiscard]] nanoseconds spent(phase p) const noexcept {
        return spent_[static_cast<std::size_t>(p)];
    }
    [[nodiscard]] time_point began() const noexcept { return began_; }
    [[nodiscard]] nanoseconds total() const noexcept { return since_ - began_; }

 private:
    void charge(time_point at) noexcept {
        if (at <= since_)
            return;
        spent_[static_cast<std::size_t>(current_)] += at - since_;
        since_ = at;
    }

    std::array<nanoseconds, phase_count> spent_{};
    time_point began_{};
    time_point since_{};
    phase current_ = phase::loop;
    bool pinned_ = false;
};

using penstock::name_id;  // of configured names (base/names); 0 = "none"

// What a record holds besides text.
struct record_numbers {
    exchange::ledger ledger;
    wall_clock::time_point began_wall{};
    name_id listener = 0;
    name_id route = 0;
    name_id upstream = 0;
    name_id endpoint = 0;
    std::uint64_t generation = 0;
    std::uint8_t worker = 0;
    bool http2 = false;
    bool http10 = false;
    bool tls = false;
    bool upgraded = false;
    bool upstream_reused = false;
    bool request_complete = false;   // the whole request was read
    bool response_complete = false;  // the whole response was written
    std::uint8_t attempts = 0;       // tries at an origin
    int status = 0;                  // sent to the client; 499 = client gone before a head
    int upstream_status = 0;         // of the origin, 0 = none came
    reason why = reason::none;
    std::uint64_t request_bytes = 0;   // body
    std::uint64_t response_bytes = 0;  // body
};

struct record : record_numbers {
    // Text for the log.
    std::string client;  // address and port; port 0 = not known
    std::string peer;    // likewise; empty = the client itself
    std::string method;
    std::string host;
    std::string path;  // with query
    std::string request_id;
    std::string user_agent;
    std::string detail;  // of `why`, in our own words: which rule was broken, and where

    // For the next exchange. The texts keep their capacity.
    void clear() noexcept;
};

}  // namespace penstock::exchange
