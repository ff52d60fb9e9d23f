// event: one coroutine waits, somebody on the same worker sets. The waiter is resumed from the
// worker's ready queue, never inside `set`, so a setter cannot be re-entered.
#pragma once

#include "penstock/base/check.hpp"
#include "penstock/base/error.hpp"

#include <coroutine>
#include <cstddef>

namespace penstock::net {

class worker;

// A coroutine in the ready queue of its worker. Intrusive; leaves the queue when it is destroyed.
class ready_hook {
 public:
    ready_hook() noexcept = default;
    ready_hook(const ready_hook&) = delete;
    ready_hook& operator=(const ready_hook&) = delete;
    ~ready_hook();

    [[nodiscard]] bool queued() const noexcept { return queue_ != nullptr; }

 private:
    friend class ready_queue;
    std::coroutine_handle<> handle_;
    class ready_queue* queue_ = nullptr;
    ready_hook* previous_ = nullptr;
    ready_hook* next_ = nullptr;
};

class ready_queue {
 public:
    void push(ready_hook& hook, std::coroutine_handle<> handle) noexcept;
    void erase(ready_hook& hook) noexcept;
    // Resumes what was queued when it was called, in order. True if something still waits.
    bool run();
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

 private:
    ready_hook* first_ = nullptr;
    ready_hook* last_ = nullptr;
    std::size_t size_ = 0;
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

}  // namespace penstock::net
