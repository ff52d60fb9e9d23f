// Deadlines: a store, not a timer. Setting one writes a time; one coarse wheel per worker looks at
// the entry when its slot comes round, moves it on if its time was put off meanwhile, and else
// expires it. Resolution is the wheel's tick (20 ms); an expiry is never early.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/base/error.hpp"
#include "penstock/net/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace penstock::net {

class deadline_wheel;

// Base of what can expire. Intrusive; leaves the wheel when destroyed.
class deadline {
 public:
    deadline() noexcept = default;
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;
    virtual ~deadline();

    // Expires with `why` once `at` has passed, replacing an earlier setting.
    void arm(deadline_wheel& wheel, time_point at, errc why) noexcept;
    // A store only; the entry leaves the wheel when its slot comes round.
    void disarm() noexcept { at_ = never; }
    [[nodiscard]] bool armed() const noexcept { return at_ != never; }
    [[nodiscard]] time_point at() const noexcept { return at_; }

 protected:
    // Called once from the wheel with the deadline disarmed; no error for errc{}. May destroy
    // *this.
    virtual void on_expire(error why) noexcept = 0;

 private:
    friend class deadline_wheel;
    time_point at_ = never;
    std::int64_t tick_ = 0;  // the tick whose visit finds it
    errc why_{};
    std::uint16_t slot_ = 0;
    deadline* previous_ = nullptr;
    deadline* next_ = nullptr;
    deadline_wheel* wheel_ = nullptr;
};

// Hashed wheel of 512 slots of 20 ms (10.24 s a round); far deadlines are visited once a round.
class deadline_wheel {
 public:
    static constexpr std::size_t slots = 512;
    static constexpr nanoseconds tick = 20ms;

    explicit deadline_wheel(time_point now) noexcept;

    // Visits every slot passed since the last call. Returns how many deadlines expired.
    std::size_t advance(time_point now);
    // When `advance` has something to look at next; `never` if the wheel is empty.
    [[nodiscard]] time_point next_visit() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
    friend class deadline;
    static constexpr std::size_t aside = slots;  // the list of the slot that is being visited

    void link(deadline& entry, std::int64_t at_tick) noexcept;
    void link_slot(deadline& entry, std::size_t slot) noexcept;
    void unlink(deadline& entry) noexcept;
    std::size_t visit(std::size_t slot, time_point now);
    [[nodiscard]] static std::int64_t tick_before(time_point at) noexcept;
    [[nodiscard]] static std::int64_t tick_after(time_point at) noexcept;

    std::array<deadline*, slots + 1> heads_{};
    std::array<std::uint64_t, slots / 64> occupied_{};  // a bit for each slot with an entry
    std::int64_t current_;                              // the tick that is visited next
    std::size_t size_ = 0;
};

}  // namespace penstock::net
