#include "http/h2_memory.hpp"

#include "penstock/base/recycled.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

namespace penstock::http {
namespace {

constexpr std::size_t large = std::size_t{16} * 1024;

// In front of every block, since the library does not say how large what it frees is.
struct alignas(std::max_align_t) header {
    std::size_t size;  // with the header
};

void* take(std::size_t size, void*) {
    const std::size_t whole = size + sizeof(header);
    if (whole < size)
        return nullptr;
    void* block = nullptr;
    if (whole >= large) {
        block = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
            return nullptr;
    } else {
        try {
            block = allocate_recycled(whole);
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }
    return ::new (block) header{whole} + 1;
}

void give_back(void* memory, void*) {
    if (memory == nullptr)
        return;
    header* const block = static_cast<header*>(memory) - 1;
    const std::size_t whole = block->size;
    if (whole >= large)
        ::munmap(block, whole);
    else
        release_recycled(block, whole);
}

void* take_zeroed(std::size_t count, std::size_t each, void* user) {
    std::size_t size = 0;
    if (__builtin_mul_overflow(count, each, &size))
        return nullptr;
    void* const memory = take(size, user);
    return memory != nullptr ? std::memset(memory, 0, size) : nullptr;
}

void* resize(void* memory, std::size_t size, void* user) {
    if (memory == nullptr)
        return take(size, user);
    const std::size_t held = (static_cast<header*>(memory) - 1)->size - sizeof(header);
    void* const other = take(size, user);
    if (other == nullptr)
        return nullptr;
    std::memcpy(other, memory, std::min(held, size));
    give_back(memory, user);
    return other;
}

}  // namespace

nghttp2_mem* h2_memory() noexcept {
    static nghttp2_mem table{nullptr, take, give_back, take_zeroed, resize};
    return &table;
}

}  // namespace penstock::http
