// Per-thread free lists for the short-lived objects of a request: coroutine frames, bodies, the
// text of heads. Blocks of one size class are handed out again in the order of a stack, so that a
// request in steady state takes nothing from the heap and finds its memory in the cache.
//
// A block may be released on another thread than it came from. Under ASan every block is its own,
// so that uses after the end show.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define PENSTOCK_RECYCLE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PENSTOCK_RECYCLE 0
#endif
#endif
#ifndef PENSTOCK_RECYCLE
#define PENSTOCK_RECYCLE 1
#endif

namespace penstock {

inline constexpr bool recycles_memory = PENSTOCK_RECYCLE != 0;

// Sizes above 4 KiB go to the heap. `size` has to be the same at both.
[[nodiscard]] void* allocate_recycled(std::size_t size);
void release_recycled(void* block, std::size_t size) noexcept;

// Gives all that this thread keeps back to the heap.
void release_recycled_lists() noexcept;

// For containers of the standard library.
template <class T>
struct recycling_allocator {
    using value_type = T;

    recycling_allocator() noexcept = default;
    template <class Other>
    recycling_allocator(const recycling_allocator<Other>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t count) {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
        return static_cast<T*>(allocate_recycled(count * sizeof(T)));
    }
    void deallocate(T* block, std::size_t count) noexcept {
        release_recycled(block, count * sizeof(T));
    }
    bool operator==(const recycling_allocator&) const noexcept = default;
};

}  // namespace penstock
