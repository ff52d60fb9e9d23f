#include "upstream/pool.hpp"

#include <algorithm>
#include <span>

namespace penstock::upstream {
namespace {

// An eighth apart is the same timeout seen twice, with the coarse timers that servers use.
bool about_equal(nanoseconds left, nanoseconds right) noexcept {
    const nanoseconds larger = std::max(left, right);
    return larger - std::min(left, right) <= larger / 8;
}

// At which ages an endpoint closed connections, the earliest first.
class sorted_ages {
 public:
    explicit sorted_ages(std::span<const nanoseconds> of) noexcept : count_(of.size()) {
        std::copy(of.begin(), of.end(), ages_.begin());
        std::sort(ages_.begin(), ages_.begin() + static_cast<std::ptrdiff_t>(count_));
    }
    // There is at least one.
    [[nodiscard]] nanoseconds middle() const noexcept {
        return ages_[std::min(count_ - 1, std::max<std::size_t>(2, count_ / 2))];
    }
    // From which age on closes are to be expected, which may be below zero; max() if too little is
    // known. `quick` if the latest two came too soon after one another to be those of restarts.
    [[nodiscard]] nanoseconds least(bool quick) const noexcept {
        if (count_ == 2)
            return of_two(quick);
        if (count_ < 2)
            return nanoseconds::max();
        const nanoseconds early = ages_[1];
        return early - 2 * (middle() - early);
    }

 private:
    [[nodiscard]] nanoseconds of_two(bool quick) const noexcept {
        if (about_equal(ages_[0], ages_[1]))
            return ages_[0];
        return quick ? nanoseconds{0} : nanoseconds::max();
    }
    std::array<nanoseconds, idle_age::closes_max> ages_{};
    std::size_t count_;
};

// By how much a connection is to stay below a timeout.
nanoseconds margin(nanoseconds timeout) noexcept { return std::min<nanoseconds>(1s, timeout / 10); }

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

void idle_age::forget_oldest(std::size_t count) noexcept {
    std::shift_left(ages_.begin(), ages_.end(), static_cast<std::ptrdiff_t>(count));
    std::shift_left(seen_.begin(), seen_.end(), static_cast<std::ptrdiff_t>(count));
    count_ -= count;
}

std::size_t idle_age::expired(time_point now) const noexcept {
    std::size_t old = 0;
    while (old < count_ && now - seen_[old] >= observed_for)
        ++old;
    return old;
}

void idle_age::closed(const idle_period& of, time_point seen) noexcept {
    if (count_ > 0 && of.since <= seen_[count_ - 1])
        return;
    forget_oldest(expired(seen));
    if (count_ == closes_max)
        forget_oldest(1);
    ages_[count_] = of.length();
    seen_[count_] = seen;
    ++count_;
    outlived_ = 0;
}

void idle_age::outlived(const idle_period& of) noexcept {
    if (count_ == 0 || of.since < proven_at_)
        return;
    if (of.length() <= outlived_times * sorted_ages({ages_.data(), count_}).middle())
        return;
    proven_at_ = of.until;
    if (++outlived_ < outlivers)
        return;
    outlived_ = 0;
    forget_oldest(1);
}

nanoseconds idle_age::usable(nanoseconds limit) const noexcept {
    if (!announced_)
        return limit;
    return std::min(limit, *announced_ - margin(*announced_));
}

nanoseconds idle_age::safe(nanoseconds limit, time_point now) const noexcept {
    const nanoseconds most = usable(limit);
    if (count_ == 0)
        return most;
    const std::size_t old = expired(now);
    const bool quick = count_ > 1 && seen_[count_ - 1] - seen_[count_ - 2] < restarts_apart;
    const nanoseconds least = sorted_ages({ages_.data() + old, count_ - old}).least(quick);
    if (least == nanoseconds::max())
        return most;
    const nanoseconds below = std::max<nanoseconds>(flight, margin(least));
    return std::clamp<nanoseconds>(least - below, nanoseconds{0}, most);
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
