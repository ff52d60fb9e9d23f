// body_pace: how fast a client sends its body. Only time in which we waited for it counts, never
// time in which we did not read because the origin was slow. Values in, values out.
//
// Silence has a limit of its own. The rate is measured over windows of 20 seconds of waiting; what
// it means is somebody else's matter (body_watch).
#pragma once

#include "penstock/base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace penstock::downstream {

class body_pace {
 public:
    static constexpr nanoseconds window = 20s;

    explicit body_pace(nanoseconds idle) noexcept : idle_(idle) {}

    // A wait begins; returns when it has to end at the latest.
    [[nodiscard]] time_point begin_wait(time_point now) noexcept;
    void end_wait(time_point now) noexcept;
    // Bytes came, also within a wait: what it took so far lies before them.
    void take_in(std::size_t count, time_point now) noexcept;
    // Bytes a second of waiting, in the latest window that is whole, or in the present one if that
    // has more already; nothing before there was a whole one, or once relaxed.
    [[nodiscard]] std::optional<std::uint64_t> rate(time_point now) const noexcept;
    // From now on it has no rate: both sides talk as they have something to say.
    void relax() noexcept { relaxed_ = true; }

 private:
    void count_wait(time_point until) noexcept;

    nanoseconds idle_;
    time_point wait_began_ = never;
    nanoseconds silent_{0};    // waited since the last byte
    nanoseconds waited_{0};    // within the present window
    std::uint64_t bytes_ = 0;  // within the present window
    std::optional<std::uint64_t> measured_;
    bool relaxed_ = false;
};

}  // namespace penstock::downstream
