// The decisions of a connection pool without its sockets: counted places below a cap that all
// workers share, how long a connection may idle, and who gets one that became free.
// connection_pool performs what is decided here.
#pragma once

#include "penstock/base/clock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace penstock::upstream {

// One place of a count that must never pass its cap, over all workers; given back when destroyed.
class place {
 public:
    place() noexcept = default;
    place(place&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    place& operator=(place&& other) noexcept;
    ~place() { release(); }

    // Empty if the count has reached `cap`.
    [[nodiscard]] static place try_take(std::atomic<std::uint32_t>& count,
                                        std::uint32_t cap) noexcept;
    explicit operator bool() const noexcept { return count_ != nullptr; }
    void release() noexcept;

 private:
    explicit place(std::atomic<std::uint32_t>& count) noexcept : count_(&count) {}
    std::atomic<std::uint32_t>* count_ = nullptr;
};

// A time in which a connection idled.
struct idle_period {
    time_point since{};
    time_point until{};
    [[nodiscard]] nanoseconds length() const noexcept { return until - since; }
};

// Learns how long an endpoint lets a connection idle. The Keep-Alive field states it; else the
// closes of idle connections show it, at any scale of time.
//
// A restart closes connections of every age at once, so a close counts only if its connection began
// to idle after the one that counted before it. Of the latest closes the earliest may be a stray
// one: the second earliest stands for the least age. How far it lies below the middle says how
// irregular the origin is, and by twice as much it may close sooner still.
//
// What was observed is believed for ten minutes only, because an origin can be configured anew. And
// it is unlearnt as connections idle for several times as long, one after the other, and stay open:
// `outlivers` of them without a close in between take one close back.
class idle_age {
 public:
    static constexpr std::size_t closes_max = 8;
    static constexpr int outlived_times = 4;
    static constexpr std::uint32_t outlivers = 4;
    static constexpr milliseconds observed_for = 10min;
    // Two closes within this time are not those of two restarts.
    static constexpr milliseconds restarts_apart = 1s;
    // A request that is on its way meets what the origin does meanwhile.
    static constexpr milliseconds flight = 5ms;

    // `Keep-Alive: timeout=N` of a response.
    void announced(std::chrono::seconds timeout) noexcept { announced_ = timeout; }
    // The origin closed a connection that had idled for this long; it was noticed at `seen`.
    void closed(const idle_period& of, time_point seen) noexcept;
    // A connection has idled for so long and is still open.
    void outlived(const idle_period& of) noexcept;
    // How long a connection may idle before it is retired, at most `limit`.
    [[nodiscard]] nanoseconds usable(nanoseconds limit) const noexcept;
    // A connection that has idled for less may carry a request that can't be repeated. At most
    // `limit`; zero if the origin may close at any moment.
    [[nodiscard]] nanoseconds safe(nanoseconds limit, time_point now) const noexcept;

    // While this is true `outlived` is worth being told, of periods that began at `proven_at` or
    // later.
    [[nodiscard]] bool suspects() const noexcept { return count_ > 0; }
    [[nodiscard]] time_point proven_at() const noexcept { return proven_at_; }

 private:
    void forget_oldest(std::size_t count) noexcept;
    [[nodiscard]] std::size_t expired(time_point now) const noexcept;

    std::optional<nanoseconds> announced_;
    // Of the closes that count, in the order in which they were seen.
    std::array<nanoseconds, closes_max> ages_{};
    std::array<time_point, closes_max> seen_{};
    std::size_t count_ = 0;
    std::uint32_t outlived_ = 0;  // since the latest close
    time_point proven_at_{};
};

// What is to become of a connection, or of its place, when its exchange is over.
enum class freed_use {
    local,  // the first exchange that waits on this worker
    other,  // given up, so that another worker's can have the place
    idle,   // nobody waits
};

// Serves this worker first, because a handed-over connection costs nothing; but after
// `local_run_max` in a row while others wait, another worker gets the place.
class freed_decision {
 public:
    static constexpr std::uint32_t local_run_max = 16;

    [[nodiscard]] freed_use decide(bool waits_here, bool waits_elsewhere) noexcept;

 private:
    std::uint32_t local_run_ = 0;
};

}  // namespace penstock::upstream
