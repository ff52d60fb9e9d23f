#include "downstream/body_pace.hpp"

#include <algorithm>

namespace penstock::downstream {
namespace {

std::uint64_t in_a_second(std::uint64_t bytes, nanoseconds of) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(of).count();
    return bytes / static_cast<std::uint64_t>(seconds);
}

}  // namespace

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

void body_pace::take_in(std::size_t count, time_point now) noexcept {
    count_wait(now);
    silent_ = nanoseconds{0};
    bytes_ += count;
    if (waited_ < window)
        return;
    measured_ = in_a_second(bytes_, waited_);
    waited_ = nanoseconds{0};
    bytes_ = 0;
}

std::optional<std::uint64_t> body_pace::rate(time_point now) const noexcept {
    if (relaxed_)
        return std::nullopt;
    const nanoseconds present = now > wait_began_ ? now - wait_began_ : nanoseconds{0};
    if (waited_ + present >= window)
        return in_a_second(bytes_, waited_ + present);
    if (!measured_)
        return std::nullopt;
    return std::max(*measured_, in_a_second(bytes_, window));
}

}  // namespace penstock::downstream
