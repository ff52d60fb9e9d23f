// key_update_limit: how often a peer may ask for new keys. Each KeyUpdate (RFC 8446 §4.6.3) costs
// us a derivation and, if the peer likes, an answer, and costs the peer 27 bytes. Values in, values
// out.
#pragma once

#include "penstock/base/clock.hpp"

namespace penstock::net {

class key_update_limit {
 public:
    static constexpr int updates_max = 8;
    // Begins with the first update after the end of the window before.
    static constexpr nanoseconds window = 10s;

    // One came. False if it is one too many; from then on every one is.
    [[nodiscard]] bool take(time_point now) noexcept {
        if (exceeded_)
            return false;
        if (count_ == 0 || now - began_ >= window) {
            began_ = now;
            count_ = 0;
        }
        exceeded_ = ++count_ > updates_max;
        return !exceeded_;
    }
    [[nodiscard]] bool exceeded() const noexcept { return exceeded_; }

 private:
    time_point began_{};
    int count_ = 0;
    bool exceeded_ = false;
};

}  // namespace penstock::net
