// Charges one wait to a phase: from the moment it begins to the time at which the turn of the loop
// that ended it began. What follows is Penstock's own time again.
#pragma once

#include "penstock/exchange/record.hpp"
#include "penstock/net/worker.hpp"

namespace penstock::upstream {

class phase_wait {
 public:
    phase_wait(exchange::ledger& of, exchange::phase during, net::worker& home) noexcept
        : ledger_(of), home_(home) {
        ledger_.enter(during, net::worker::clock());
    }
    ~phase_wait() { ledger_.enter(exchange::phase::loop, home_.now()); }
    phase_wait(const phase_wait&) = delete;
    phase_wait& operator=(const phase_wait&) = delete;

 private:
    exchange::ledger& ledger_;
    net::worker& home_;
};

}  // namespace penstock::upstream
