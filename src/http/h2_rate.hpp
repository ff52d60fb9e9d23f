// h2_rate: how often something happened within a window of time that begins anew once it is over.
#pragma once

#include "penstock/base/clock.hpp"

#include <cstdint>

namespace penstock::http {

class h2_rate {
 public:
    h2_rate(std::uint32_t most, nanoseconds window) noexcept : most_(most), window_(window) {}

    // Once more. False if that was once too often.
    [[nodiscard]] bool add(time_point now) noexcept {
        if (count_ == 0 || now - began_ >= window_) {
            began_ = now;
            count_ = 0;
        }
        return ++count_ <= most_;
    }

 private:
    std::uint32_t most_;
    nanoseconds window_;
    time_point began_{};
    std::uint32_t count_ = 0;
};

}  // namespace penstock::http
