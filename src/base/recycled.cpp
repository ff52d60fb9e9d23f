#include "penstock/base/recycled.hpp"

#include <array>
#include <cstdint>
#include <new>

namespace penstock {
namespace {

// Classes of 16 bytes, as fine as the heap's own, up to 4 KiB; a block beyond that is rare and goes
// to the heap.
constexpr std::size_t class_bytes = 16;
constexpr std::size_t classes = 256;
// Of each class, what is beyond this goes back to the heap.
constexpr std::size_t cached_bytes_max = std::size_t{512} * 1024;
constexpr std::uint32_t cached_all = ~std::uint32_t{0};

struct free_block {
    free_block* next;
};

struct free_lists {
    std::array<free_block*, classes> first{};
    std::array<std::uint32_t, classes> count{};
};

constinit thread_local free_lists lists;

// Frees the lists when their thread ends. Touched on the slow path only, so that the fast path has
// no guard of a thread-local destructor to check.
struct list_cleaner {
    list_cleaner() = default;
    list_cleaner(const list_cleaner&) = delete;
    list_cleaner& operator=(const list_cleaner&) = delete;
    ~list_cleaner() {
        release_recycled_lists();
        // A block released after this point must not be kept: nobody would free it.
        lists.count.fill(cached_all);
    }
    bool used = false;
};

thread_local list_cleaner cleaner;

std::size_t class_of(std::size_t size) noexcept {
    return (size + class_bytes - 1) / class_bytes - 1;
}

void* allocate_slowly(std::size_t size) {
    cleaner.used = true;
    return ::operator new(size);
}

}  // namespace

void* allocate_recycled(std::size_t size) {
    const std::size_t index = class_of(size);
    // ASan has to see every block as its own to find uses after the end.
    if (!recycles_memory || index >= classes)
        return ::operator new(size);
    free_block* first = lists.first[index];
    if (first == nullptr)
        return allocate_slowly((index + 1) * class_bytes);
    lists.first[index] = first->next;
    // The next block of this class has left the cache if many are in use at once.
    __builtin_prefetch(first->next, 1);
    --lists.count[index];
    return first;
}

void release_recycled(void* block, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (!recycles_memory || index >= classes ||
        lists.count[index] >= cached_bytes_max / ((index + 1) * class_bytes)) {
        ::operator delete(block);
        return;
    }
    lists.first[index] = ::new (block) free_block{lists.first[index]};
    ++lists.count[index];
}

void release_recycled_lists() noexcept {
    for (std::size_t i = 0; i < classes; ++i) {
        while (free_block* const first = lists.first[i]) {
            lists.first[i] = first->next;
            ::operator delete(first);
        }
        lists.count[i] = 0;
    }
}

}  // namespace penstock
