// task<T>: a lazy coroutine for one thread. It starts when it is awaited and its awaiter goes on
// when it ends; a task that ends without waiting costs no suspension of its awaiter.
//
// Lifetime: the task object owns the frame; destroying a suspended task destroys what it awaits.
// Frames are recycled per thread (base/recycled), so steady-state requests allocate nothing.
//
// Symmetric transfer is avoided on purpose: GCC 12 does not make it a tail call under sanitizers or
// -O0, and a loop over tasks that end at once would then grow the stack. Here such a loop stays
// flat.
#pragma once

#include "penstock/base/check.hpp"
#include "penstock/base/recycled.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace penstock::net {

class worker;

template <class T>
class task;

namespace detail {

// A task that nobody awaits has ended, and its frame is gone.
void detached_ended(worker& home, std::exception_ptr failure) noexcept;

struct promise_base {
    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        release_recycled(frame, size);
    }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            promise_base& promise = self.promise();
            promise.done = true;
            // The awaiter is resumed only if it really went to sleep; else await_suspend below sees
            // `done` and lets it run on. Resuming may destroy this frame, so nothing follows it.
            if (promise.awaiter_sleeps)
                promise.awaiter.resume();
            else if (promise.detached)
                end_detached(self, promise);
        }
        template <class Promise>
        static void end_detached(std::coroutine_handle<Promise> self,
                                 promise_base& promise) noexcept {
            worker& home = *static_cast<worker*>(promise.awaiter.address());
            const std::exception_ptr failure = promise.failure;
            self.destroy();
            detached_ended(home, failure);
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failure = std::current_exception(); }

    std::coroutine_handle<> awaiter;  // the worker's address, if detached
    std::exception_ptr failure;
    bool awaiter_sleeps = false;
    bool done = false;
    bool detached = false;  // its frame is its own to destroy
};

template <class T>
struct promise : promise_base {
    task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& given) {
        value.emplace(std::forward<U>(given));
    }
    std::optional<T> value;
};

template <>
struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] task {
 public:
    using promise_type = detail::promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    task() noexcept = default;
    explicit task(handle frame) noexcept : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            if (frame_)
                frame_.destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() {
        if (frame_)
            frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }

    bool await_suspend(std::coroutine_handle<> awaiter) noexcept {
        promise_type& promise = frame_.promise();
        promise.awaiter = awaiter;
        frame_.resume();
        if (promise.done)
            return false;
        promise.awaiter_sleeps = true;
        return true;
    }

    // Runs it without an awaiter; for worker::spawn, which counts it.
    void detach(worker& home) && {
        handle frame = std::exchange(frame_, nullptr);
        frame.promise().awaiter = std::coroutine_handle<>::from_address(&home);
        frame.promise().detached = true;
        frame.resume();
    }

    T await_resume() {
        promise_type& promise = frame_.promise();
        if (promise.failure)
            std::rethrow_exception(promise.failure);
        if constexpr (!std::is_void_v<T>)
            return std::move(*promise.value);
    }

 private:
    handle frame_ = nullptr;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}

inline task<void> promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

}  // namespace detail

}  // namespace penstock::net
