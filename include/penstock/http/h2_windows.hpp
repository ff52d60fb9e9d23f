// How large the windows are that we grant to a peer of HTTP/2 (RFC 9113 §6.9): what it may send
// before it has to hear from us. Pure decisions; the session counts, and its connection asks the
// kernel for the delay.
//
//   first ─► grown: DATA comes so fast that the window would run out before credit for it is back
//     └──►◄── small: too much waits here unread, so each stream gets no more than the least, and an
//             origin's streams twice what was read of them
#pragma once

#include "penstock/base/clock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace penstock::http {

// What a stream may always have waiting here, whatever others have.
inline constexpr std::uint32_t h2_window_least = 64 * 1024;
inline constexpr std::uint32_t h2_window_first = 1024 * 1024;
inline constexpr std::uint32_t h2_window_most = 24 * 1024 * 1024;
// What of responses waits here beyond the least, on one connection to an origin, before its streams
// begin with small windows: so many of the first windows.
inline constexpr std::size_t h2_held_windows = 4;
// How long a connection with grown windows may idle while room for windows is scarce. A window that
// was granted cannot be taken back; the connection can.
inline constexpr milliseconds h2_scarce_idle = 10s;

// The windows that one side grants beyond the first ones, and what waits in them, over all
// connections and workers of a listener or an upstream. Where it is known that a client has more
// memory of others here, the same count has that too.
class h2_window_account {
 public:
    // `held` outlives it. 0 = no window grows.
    h2_window_account(std::atomic<std::uint64_t>& held, std::uint64_t total) noexcept
        : held_(&held), total_(total) {}
    h2_window_account(const h2_window_account&) = delete;
    h2_window_account& operator=(const h2_window_account&) = delete;
    ~h2_window_account() { give_back(charged_); }

    // Up to so many bytes, of which nobody gets more than half of what is free below three quarters
    // of all: what the first ones leave is still enough for others.
    [[nodiscard]] std::uint64_t take_up_to(std::uint64_t wanted) noexcept;
    // False, and nothing is charged, if there are not as many.
    [[nodiscard]] bool take(std::uint64_t bytes) noexcept;
    void give_back(std::uint64_t bytes) noexcept;
    // Less than half of it is in use.
    [[nodiscard]] bool relaxed() const noexcept;

 private:
    std::atomic<std::uint64_t>* held_;
    std::uint64_t total_;
    std::uint64_t charged_ = 0;
};

// Of one connection: how fast DATA comes that belongs to large bodies.
class h2_window_sample {
 public:
    // What comes first of a stream does not count: small messages cost no more than this look.
    static constexpr std::uint64_t small = std::uint64_t{64} * 1024;
    // So much makes a sample.
    static constexpr std::uint64_t size = std::uint64_t{128} * 1024;
    // A delay that TCP does not see, since a balancer or a relay stands between, is at most this.
    static constexpr nanoseconds hidden_delay = 100ms;

    // `all` of a stream's bytes have come by now, `count` of them just now.
    void add(std::uint64_t all, std::size_t count, time_point now) noexcept {
        if (all > small)
            add_large(count, now);
    }
    // Bytes a second, once there is a whole sample; the next one begins.
    [[nodiscard]] std::optional<std::uint64_t> take() noexcept;
    // A whole sample is there.
    [[nodiscard]] bool whole() const noexcept { return bytes_ >= size; }

    // The window that such a rate takes over such a distance: twice bandwidth × delay, so that it
    // does not run out while credit is on its way. Between first and most.
    [[nodiscard]] static std::uint32_t window_for(std::uint64_t rate, nanoseconds delay) noexcept;

 private:
    void add_large(std::size_t count, time_point now) noexcept;

    std::uint64_t bytes_ = 0;
    time_point began_{};
    time_point latest_{};
};

}  // namespace penstock::http
