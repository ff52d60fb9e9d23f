// body_pace: whether a client sends its body fast enough. Only time in which we waited for it
// counts, never time in which we did not read because the origin was slow. Values in, values out.
//
// Two rules: no byte for `idle`, and less than 500 bytes a second over a window of 20 seconds. The
// second is judged when bytes come, so that plain silence is a matter of the first.
#pragma once

#include "penstock/base/clock.hpp"

#include <cstddef>
#include <cstdint>

namespace penstock::downstream {

class body_pace {
 public:
    static constexpr std::uint64_t bytes_per_second_min = 500;
    static constexpr nanoseconds window = 20s;

    explicit body_pace(nanoseconds idle) noexcept : idle_(idle) {}

    // A wait begins; returns when it has to end at the latest.
    [[nodiscard]] time_point begin_wait(time_point now) noexcept;
    void end_wait(time_point now) noexcept;
    // Bytes came, also within a wait: what it took so far lies before them. False if they came too
    // slowly.
    [[nodiscard]] bool take_in(std::size_t count, time_point now) noexcept;
    // From now on only silence is too slow: both sides talk as they have something to say.
    void relax() noexcept { relaxed_ = true; }

 private:
    void count_wait(time_point until) noexcept;

    nanoseconds idle_;
    time_point wait_began_ = never;
    nanoseconds silent_{0};    // waited since the last byte
    nanoseconds waited_{0};    // within the present window
    std::uint64_t bytes_ = 0;  // within the present window
    bool relaxed_ = false;
};

}  // namespace penstock::downstream
