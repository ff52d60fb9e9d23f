// deadline_turn: after which turns of its loop a worker judges its deadlines. When the process has
// stood still (SIGSTOP, a paused machine), what a deadline waits for lies in the sockets, so
// everything that has arrived is read first. The wait is bounded: a worker that never runs out of
// work judges its deadlines a few ticks late, whatever the length of its turns. Pure.
#pragma once

#include "penstock/base/clock.hpp"

#include <algorithm>

namespace penstock::net {

class deadline_turn {
 public:
    // How many turns in a row may leave work undone, and for how long, before deadlines are judged
    // all the same. One turn counts as a quarter of that time at most, however long it was.
    static constexpr int turns_max = 64;
    static constexpr nanoseconds time_max{40'000'000};

    // True if deadlines are judged after this turn. `settled` = it left nothing to do; `busy` = its
    // length.
    [[nodiscard]] bool ends(bool settled, nanoseconds busy) noexcept {
        waited_ += std::min(busy, time_max / 4);
        ++turns_;
        if (!settled && turns_ < turns_max && waited_ < time_max)
            return false;
        turns_ = 0;
        waited_ = nanoseconds{0};
        return true;
    }

 private:
    int turns_ = 0;
    nanoseconds waited_{0};
};

}  // namespace penstock::net
