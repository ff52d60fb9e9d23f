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

template <class T>
class task;

namespace detail {

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
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failure = std::current_exception(); }

    std::coroutine_handle<> awaiter;
    std::exception_ptr failure;
    bool awaiter_sleeps = false;
    bool done = false;
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
