// Clock types. Time is a parameter everywhere but in `net`, which owns the clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

using namespace std::chrono_literals;

using nanoseconds = std::chrono::nanoseconds;
using milliseconds = std::chrono::milliseconds;

// CLOCK_MONOTONIC; read through the vDSO, so without a system call.
using steady_clock = std::chrono::steady_clock;
using time_point = std::chrono::time_point<steady_clock, nanoseconds>;

// CLOCK_REALTIME; for logs and certificates only, never for deadlines.
using wall_clock = std::chrono::system_clock;

inline constexpr time_point never = time_point::max();

}  // namespace penstock
