// h2_rate: how often something happened, or how much of it, within a window of time that begins
// anew once it is over.
#pragma once

#include "penstock/base/clock.hpp"

#include <cstdint>

namespace penstock::http {

class h2_rate {
 public:
    h2_rate(std::uint32_t most, nanoseconds window) noexcept : most_(most), window_(window) {}

    // Once more, or so much more. False if that was too much.
    [[nodiscard]] bool add(time_point now, std::uint32_t amount = 1) noexcept {
        if (count_ == 0 || now - began_ >= window_) {
            began_ = now;
            count_ = 0;
        }
        count_ += amount;
        return count_ <= most_;
    }

 private:
    std::uint32_t most_;
    nanoseconds window_;
    time_point began_{};
    std::uint64_t count_ = 0;
};

}  // namespace penstock::http
