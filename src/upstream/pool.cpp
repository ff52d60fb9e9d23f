#include "upstream/pool.hpp"

#include <algorithm>

namespace penstock::upstream {
namespace {

// An eighth apart is the same timeout seen twice, with the coarse timers that servers use.
bool about_equal(nanoseconds left, nanoseconds right) noexcept {
    const nanoseconds larger = std::max(left, right);
    return larger - std::min(left, right) <= larger / 8;
}

}  // namespace

place& place::operator=(place&& other) noexcept {
    if (this != &other) {
        release();
        count_ = std::exchange(other.count_, nullptr);
    }
    return *this;
}

// Sequentially consistent on purpose: a worker that gives a place up then looks for waiting
// exchanges, one that waits first says so and then tries again. Each must see the other.
place place::try_take(std::atomic<std::uint32_t>& count, std::uint32_t cap) noexcept {
    std::uint32_t seen = count.load();
    while (seen < cap) {
        if (count.compare_exchange_weak(seen, seen + 1))
            return place(count);
    }
    return {};
}

void place::release() noexcept {
    if (count_ != nullptr)
        std::exchange(count_, nullptr)->fetch_sub(1);
}

void idle_age::closed(nanoseconds age, time_point now) noexcept {
    if (age < observed_min)
        return;
    if (about_equal(age, latest_)) {
        observed_ = std::min(age, latest_);
        observed_until_ = now + observed_for;
    }
    latest_ = age;
}

nanoseconds idle_age::usable(nanoseconds limit, time_point now) const noexcept {
    nanoseconds timeout = nanoseconds::max();
    if (announced_)
        timeout = *announced_;
    if (observed_ && now < observed_until_)
        timeout = std::min(timeout, *observed_);
    if (timeout == nanoseconds::max())
        return limit;
    const nanoseconds margin = std::min<nanoseconds>(1s, timeout / 10);
    return std::min(limit, timeout - margin);
}

freed_use freed_decision::decide(bool waits_here, bool waits_elsewhere) noexcept {
    if (waits_here && (!waits_elsewhere || local_run_ < local_run_max)) {
        local_run_ = waits_elsewhere ? local_run_ + 1 : 0;
        return freed_use::local;
    }
    local_run_ = 0;
    return waits_elsewhere ? freed_use::other : freed_use::idle;
}

}  // namespace penstock::upstream
