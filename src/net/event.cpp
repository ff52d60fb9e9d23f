#include "penstock/net/event.hpp"

#include "penstock/net/worker.hpp"

#include <utility>

namespace penstock::net {

void ready_queue::push(ready_hook& hook, std::coroutine_handle<> handle) noexcept {
    if (hook.queued())
        return;
    hook.handle_ = handle;
    hook.previous_ = ring_.previous_;
    hook.next_ = &ring_;
    ring_.previous_->next_ = &hook;
    ring_.previous_ = &hook;
}

bool ready_queue::run() {
    // What is queued while this runs waits for the next turn, so that sockets get theirs in
    // between. A mark in the ring shows where this turn ends, whoever leaves meanwhile.
    ready_hook mark;
    push(mark, nullptr);
    while (ring_.next_ != &mark) {
        ready_hook& hook = *ring_.next_;
        const std::coroutine_handle<> handle = std::exchange(hook.handle_, nullptr);
        hook.unlink();
        handle.resume();
    }
    return mark.next_ != &ring_;
}

void ready_queue::run_one() {
    if (empty())
        return;
    ready_hook& hook = *ring_.next_;
    const std::coroutine_handle<> handle = std::exchange(hook.handle_, nullptr);
    hook.unlink();
    handle.resume();
}

std::size_t ready_queue::size() const noexcept {
    std::size_t count = 0;
    for (const ready_hook* at = ring_.next_; at != &ring_; at = at->next_)
        ++count;
    return count;
}

void event::set() noexcept {
    set_ = true;
    if (waiter_)
        home_.ready().push(hook_, std::exchange(waiter_, nullptr));
}

void next_turn::await_suspend(std::coroutine_handle<> waiter) noexcept {
    home_.ready().push(hook_, waiter);
}

void heavy_turn::await_suspend(std::coroutine_handle<> waiter) noexcept {
    home_.heavy().push(hook_, waiter);
}

}  // namespace penstock::net
