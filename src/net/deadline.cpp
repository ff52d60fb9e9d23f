#include "penstock/net/deadline.hpp"

#include <algorithm>
#include <bit>

namespace penstock::net {
namespace {

constexpr std::int64_t slot_count = static_cast<std::int64_t>(deadline_wheel::slots);

}  // namespace

deadline::~deadline() {
    if (wheel_ != nullptr)
        wheel_->unlink(*this);
}

void deadline::arm(deadline_wheel& wheel, time_point at, errc why) noexcept {
    at_ = at;
    why_ = why;
    const std::int64_t tick = std::max(wheel.current_, deadline_wheel::tick_after(at));
    if (wheel_ != nullptr) {
        // Put off: the visit at the old slot moves the entry. Only an earlier time has to move now.
        if (tick_ <= tick)
            return;
        wheel_->unlink(*this);
    }
    wheel.link(*this, tick);
}

deadline_wheel::deadline_wheel(time_point now) noexcept : current_(tick_before(now) + 1) {}

std::int64_t deadline_wheel::tick_before(time_point at) noexcept {
    return at.time_since_epoch() / tick;
}

std::int64_t deadline_wheel::tick_after(time_point at) noexcept {
    const std::int64_t whole = tick_before(at);
    return whole * tick == at.time_since_epoch() ? whole : whole + 1;
}

void deadline_wheel::link(deadline& entry, std::int64_t at_tick) noexcept {
    entry.tick_ = at_tick;
    link_slot(entry, static_cast<std::size_t>(at_tick % slot_count));
}

void deadline_wheel::link_slot(deadline& entry, std::size_t slot) noexcept {
    entry.wheel_ = this;
    entry.slot_ = static_cast<std::uint16_t>(slot);
    entry.previous_ = nullptr;
    entry.next_ = heads_[slot];
    if (entry.next_ != nullptr)
        entry.next_->previous_ = &entry;
    heads_[slot] = &entry;
    if (slot < slots)
        occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    ++size_;
}

void deadline_wheel::unlink(deadline& entry) noexcept {
    const std::size_t slot = entry.slot_;
    (entry.previous_ != nullptr ? entry.previous_->next_ : heads_[slot]) = entry.next_;
    if (entry.next_ != nullptr)
        entry.next_->previous_ = entry.previous_;
    if (slot < slots && heads_[slot] == nullptr) {
        occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    }
    entry.wheel_ = nullptr;
    --size_;
}

std::size_t deadline_wheel::advance(time_point now) {
    const std::int64_t last = tick_before(now);
    // After a long sleep one round visits everything.
    const std::int64_t rounds = std::min(last - current_ + 1, slot_count);
    const std::int64_t first = last - rounds + 1;
    current_ = std::max(current_, last + 1);
    std::size_t expired = 0;
    for (std::int64_t at = first; at <= last; ++at) {
        const auto slot = static_cast<std::size_t>(at % slot_count);
        if (heads_[slot] != nullptr)
            expired += visit(slot, now);
    }
    return expired;
}

std::size_t deadline_wheel::visit(std::size_t slot, time_point now) {
    // The list is set aside first: an entry that goes on into the same slot must not be met again,
    // and an expiry may destroy entries that are still to be visited.
    while (heads_[slot] != nullptr) {
        deadline& entry = *heads_[slot];
        unlink(entry);
        link_slot(entry, aside);
    }
    std::size_t expired = 0;
    while (heads_[aside] != nullptr) {
        deadline& entry = *heads_[aside];
        unlink(entry);
        if (entry.at_ == never)
            continue;
        if (entry.at_ > now) {
            link(entry, std::max(current_, tick_after(entry.at_)));
            continue;
        }
        entry.at_ = never;
        ++expired;
        entry.on_expire(entry.why_ == errc{} ? error() : make_error_code(entry.why_));
    }
    return expired;
}

time_point deadline_wheel::next_visit() const noexcept {
    if (size_ == 0)
        return never;
    const auto begin = static_cast<std::size_t>(current_ % slot_count);
    for (std::size_t word = 0; word <= slots / 64; ++word) {
        const std::size_t index = (begin / 64 + word) % (slots / 64);
        std::uint64_t bits = occupied_[index];
        // The first word counts from `begin` on, and its lower part comes last, a round later.
        if (word == 0)
            bits &= ~std::uint64_t{0} << (begin % 64);
        if (word == slots / 64)
            bits &= ~(~std::uint64_t{0} << (begin % 64));
        if (bits == 0)
            continue;
        const std::size_t slot = index * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        const std::size_t ahead = (slot + slots - begin) % slots;
        return time_point{(current_ + static_cast<std::int64_t>(ahead)) * tick};
    }
    return never;
}

}  // namespace penstock::net
