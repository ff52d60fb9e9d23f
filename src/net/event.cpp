#include "penstock/net/event.hpp"

#include "penstock/net/worker.hpp"

#include <utility>

namespace penstock::net {

ready_hook::~ready_hook() {
    if (queue_ != nullptr)
        queue_->erase(*this);
}

void ready_queue::push(ready_hook& hook, std::coroutine_handle<> handle) noexcept {
    if (hook.queue_ != nullptr)
        return;
    hook.handle_ = handle;
    hook.queue_ = this;
    hook.previous_ = last_;
    hook.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &hook;
    last_ = &hook;
    ++size_;
}

void ready_queue::erase(ready_hook& hook) noexcept {
    (hook.previous_ != nullptr ? hook.previous_->next_ : first_) = hook.next_;
    (hook.next_ != nullptr ? hook.next_->previous_ : last_) = hook.previous_;
    hook.queue_ = nullptr;
    hook.previous_ = hook.next_ = nullptr;
    --size_;
}

bool ready_queue::run() {
    // What is queued while this runs waits for the next turn, so that sockets get theirs in
    // between.
    for (std::size_t left = size_; left > 0 && first_ != nullptr; --left) {
        ready_hook& hook = *first_;
        const std::coroutine_handle<> handle = std::exchange(hook.handle_, nullptr);
        erase(hook);
        handle.resume();
    }
    return first_ != nullptr;
}

void event::set() noexcept {
    set_ = true;
    if (waiter_)
        home_.ready().push(hook_, std::exchange(waiter_, nullptr));
}

void next_turn::await_suspend(std::coroutine_handle<> waiter) noexcept {
    home_.ready().push(hook_, waiter);
}

}  // namespace penstock::net
