// What tells one content of a file from the next without reading it. Used by file_watch, and by all
// that reads files which are looked after from then on.
#pragma once

#include "penstock/base/clock.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace penstock::app {

// Device and number, size, and when it was last changed; all 0 if it is not there.
using file_state = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;
using file_states = std::vector<file_state>;

[[nodiscard]] inline file_states look_at(const std::vector<std::string>& paths) {
    file_states found;
    for (const std::string& path : paths) {
        struct stat of {};
        // Gone for a moment is gone only if the next look finds nothing either.
        if (::stat(path.c_str(), &of) != 0)
            found.emplace_back();
        else
            found.emplace_back(of.st_dev, of.st_ino, of.st_size, of.st_ctim.tv_sec,
                               of.st_ctim.tv_nsec);
    }
    return found;
}

// Before they are read. The kernel's clock stands still for some milliseconds: a file that has
// changed within them may do so once more and look the same, so it is not taken for known.
[[nodiscard]] inline file_states look_before_reading(const std::vector<std::string>& paths) {
    constexpr nanoseconds tick = 20ms;
    const nanoseconds now = wall_clock::now().time_since_epoch();
    file_states found = look_at(paths);
    for (file_state& each : found) {
        const nanoseconds at =
            std::chrono::seconds(std::get<3>(each)) + nanoseconds(std::get<4>(each));
        // A time to come is that of another clock, or of ours before it was set.
        if (at >= now - tick && at <= now + tick)
            each = file_state();
    }
    return found;
}

}  // namespace penstock::app
