// The decisions of a connection pool without its sockets: counted places below a cap that all
// workers share, how long a connection may idle, and who gets one that became free.
// connection_pool performs what is decided here.
#pragma once

#include "penstock/base/clock.hpp"

#include <atomic>
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

// Learns how long an endpoint lets a connection idle, and says how long we may: a little less.
// The Keep-Alive field states it; else two closes at about the same age show it. A lone early close
// shows nothing (a restart closes connections of every age), and what was observed is believed for
// ten minutes only, because an origin can be configured anew.
class idle_age {
 public:
    static constexpr milliseconds observed_min = 1s;
    static constexpr milliseconds observed_for = 10min;

    // `Keep-Alive: timeout=N` of a response.
    void announced(std::chrono::seconds timeout) noexcept { announced_ = timeout; }
    // The origin closed a connection that had idled for `age`.
    void closed(nanoseconds age, time_point now) noexcept;
    // How long a connection may idle before it is retired, at most `limit`.
    [[nodiscard]] nanoseconds usable(nanoseconds limit, time_point now) const noexcept;

 private:
    std::optional<nanoseconds> announced_;
    std::optional<nanoseconds> observed_;
    time_point observed_until_{};
    nanoseconds latest_{0};
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
