// h2_narrow_period: how long the streams of one HTTP/2 connection keep the least window after what
// waits in them has left no room for more. A client that sends faster than it is read fills and
// empties the room many times a second, and each change of the windows is a SETTINGS frame, so the
// period doubles each time that it begins again within `most`. Pure.
#pragma once

#include "penstock/base/clock.hpp"

#include <algorithm>

namespace penstock::http {

class h2_narrow_period {
 public:
    static constexpr nanoseconds least{50'000'000};
    static constexpr nanoseconds most{1'000'000'000};

    // There is no room. `begins` = the windows were wider until now.
    void extend(time_point now, bool begins) noexcept {
        if (begins)
            length_ = long_past(now) ? least : std::clamp(2 * length_, least, most);
        began_ = now;
    }
    [[nodiscard]] bool over(time_point now) const noexcept { return now - began_ >= length_; }
    // So long ago that the next one is as short as the first.
    [[nodiscard]] bool long_past(time_point now) const noexcept { return now - began_ >= most; }

 private:
    time_point began_{};
    nanoseconds length_{0};
};

}  // namespace penstock::http
