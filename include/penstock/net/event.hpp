// event: one coroutine waits, somebody on the same worker sets. The waiter is resumed from the
// worker's ready queue, never inside `set`, so a setter cannot be re-entered.
#pragma once

#include "penstock/base/check.hpp"
#include "penstock/base/clock.hpp"
#include "penstock/base/error.hpp"

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>

namespace penstock::net {

class worker;

// A coroutine in the ready queue of its worker. Intrusive; leaves the queue when it is destroyed.
class ready_hook {
 public:
    ready_hook() noexcept = default;
    ready_hook(const ready_hook&) = delete;
    ready_hook& operator=(const ready_hook&) = delete;
    ~ready_hook() { unlink(); }

    [[nodiscard]] bool queued() const noexcept { return next_ != nullptr; }

 private:
    friend class ready_queue;
    friend class socket;
    void unlink() noexcept {
        if (next_ == nullptr)
            return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

    std::coroutine_handle<> handle_;
    ready_hook* previous_ = nullptr;  // in a ring that its queue closes
    ready_hook* next_ = nullptr;
};

class ready_queue {
 public:
    ready_queue() noexcept { ring_.next_ = ring_.previous_ = &ring_; }
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;

    // Does nothing if it is queued already.
    void push(ready_hook& hook, std::coroutine_handle<> handle) noexcept;
    // Resumes what was queued when it was called, in order. True if something still waits.
    bool run();
    // The first that is queued, if there is one.
    void run_one();
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return ring_.next_ == &ring_; }

 private:
    ready_hook ring_;
};

class event {
 public:
    explicit event(worker& home) noexcept : home_(home) {}

    void set() noexcept;
    void reset() noexcept { set_ = false; }
    [[nodiscard]] bool is_set() const noexcept { return set_; }

    // co_await event: returns once it is set. At most one waiter.
    bool await_ready() const noexcept { return set_; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
        PENSTOCK_CHECK(!waiter_ && !hook_.queued());
        waiter_ = waiter;
    }
    void await_resume() const noexcept {}

 private:
    worker& home_;
    ready_hook hook_;
    std::coroutine_handle<> waiter_;
    bool set_ = false;
};

// co_await next_turn(home): goes on after every socket and every other ready coroutine had its
// turn. For loops that could keep the worker to themselves.
class next_turn {
 public:
    explicit next_turn(worker& home) noexcept : home_(home) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    void await_resume() const noexcept {}

 private:
    worker& home_;
    ready_hook hook_;
};

// co_await heavy_turn(home): goes on at the end of a turn of the worker's loop, which does only so
// much of what is heavy, first come, first served. For handshakes, of which a storm must not hold
// up what is served.
class heavy_turn {
 public:
    // In a turn, after one that took so long. A handshake takes some hundred microseconds, as long
    // as many requests; where turns are long by other work, new clients get their share of them.
    static constexpr std::size_t most_at_once = 64;
    [[nodiscard]] static constexpr std::size_t most_after(nanoseconds busy) noexcept {
        const auto share = static_cast<std::size_t>(std::max<std::int64_t>(busy / 2ms, 0));
        return std::min(1 + share, most_at_once);
    }

    explicit heavy_turn(worker& home) noexcept : home_(home) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    void await_resume() const noexcept {}

 private:
    worker& home_;
    ready_hook hook_;
};

}  // namespace penstock::net
