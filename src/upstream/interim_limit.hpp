// How much an origin may say before its response: interim heads (1xx) are bounded by bytes and by
// rate, not by their number, since one that is slow may say for hours that it is at work. Pure.
#pragma once

#include "penstock/base/clock.hpp"

#include <cstddef>

namespace penstock::upstream {

class interim_limit {
 public:
    static constexpr std::size_t bytes_max = std::size_t{64} * 1024;  // of one exchange
    static constexpr std::size_t per_second_max = 100;

    // One more head of so many bytes. False once there are too many. A second begins with the first
    // head behind the one before.
    [[nodiscard]] bool take(std::size_t bytes, time_point now) noexcept {
        if (count_ == 0 || now - began_ >= 1s) {
            began_ = now;
            count_ = 0;
        }
        bytes_ += bytes;
        return ++count_ <= per_second_max && bytes_ <= bytes_max;
    }

 private:
    std::size_t bytes_ = 0;
    std::size_t count_ = 0;  // within the present second
    time_point began_{};     // of it
};

}  // namespace penstock::upstream
