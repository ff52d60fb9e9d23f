// The coroutine type that owns a task nobody awaits: it starts at once and frees itself at its end.
// Behind task_group::start, and nowhere else.
#pragma once

#include "penstock/net/task.hpp"

#include <coroutine>
#include <exception>

namespace penstock::net {

struct runner {
    struct promise_type {
        static void* operator new(std::size_t size) { return allocate_recycled(size); }
        static void operator delete(void* frame, std::size_t size) noexcept {
            release_recycled(frame, size);
        }
        runner get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        // The bodies of runners catch everything themselves.
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
};

}  // namespace penstock::net
