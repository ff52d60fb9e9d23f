#include "downstream/body_pace.hpp"

#include <algorithm>

namespace penstock::downstream {

time_point body_pace::begin_wait(time_point now) noexcept {
    wait_began_ = now;
    return now + std::max(idle_ - silent_, nanoseconds{0});
}

void body_pace::count_wait(time_point until) noexcept {
    if (until <= wait_began_)
        return;
    silent_ += until - wait_began_;
    waited_ += until - wait_began_;
    wait_began_ = until;
}

void body_pace::end_wait(time_point now) noexcept {
    count_wait(now);
    wait_began_ = never;
}

bool body_pace::take_in(std::size_t count, time_point now) noexcept {
    count_wait(now);
    silent_ = nanoseconds{0};
    bytes_ += count;
    if (waited_ < window)
        return true;
    const auto seconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(waited_).count());
    const bool fast = bytes_ >= bytes_per_second_min * seconds;
    waited_ = nanoseconds{0};
    bytes_ = 0;
    return fast || relaxed_;
}

}  // namespace penstock::downstream
