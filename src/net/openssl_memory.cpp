#include "penstock/net/openssl_memory.hpp"

#include "penstock/base/recycled.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <new>

namespace penstock::net {
namespace {

// In front of every block, since OpenSSL does not say how large what it frees is.
struct alignas(std::max_align_t) header {
    std::size_t size;  // with the header
};

// Buffers for records: a connection that OpenSSL keeps takes one for each read and each write, and
// gives it back at once (SSL_MODE_RELEASE_BUFFERS). They are above what base/recycled keeps.
constexpr std::size_t record_min = std::size_t{16} * 1024;
constexpr std::size_t record_max = std::size_t{20} * 1024;

struct record_buffers {
    static constexpr std::size_t kept_max = 8;
    std::array<void*, kept_max> kept{};
    std::size_t count = 0;
    bool over = false;  // the thread ends: OpenSSL's own clean-up comes behind ours
};
constinit thread_local record_buffers records;

// Touched by every thread that may come to keep some.
struct record_cleaner {
    record_cleaner() = default;
    record_cleaner(const record_cleaner&) = delete;
    record_cleaner& operator=(const record_cleaner&) = delete;
    ~record_cleaner() {
        while (records.count > 0)
            ::operator delete(records.kept[--records.count]);
        records.over = true;
    }
    bool used = false;
};
thread_local record_cleaner cleaner;

void* take_record() {
    if (records.count > 0)
        return records.kept[--records.count];
    cleaner.used = true;
    return ::operator new(record_max);
}

void give_back_record(void* block) noexcept {
    if (records.over || records.count == record_buffers::kept_max) {
        ::operator delete(block);
        return;
    }
    cleaner.used = true;
    records.kept[records.count++] = block;
}

bool is_record(std::size_t whole) noexcept {
    return recycles_memory && whole >= record_min && whole <= record_max;
}

void* take(std::size_t size, const char*, int) noexcept {
    const std::size_t whole = size + sizeof(header);
    if (size == 0 || whole < size)
        return nullptr;
    try {
        void* const block = is_record(whole) ? take_record() : allocate_recycled(whole);
        return ::new (block) header{whole} + 1;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void give_back(void* memory, const char*, int) noexcept {
    if (memory == nullptr)
        return;
    header* const block = static_cast<header*>(memory) - 1;
    if (is_record(block->size))
        give_back_record(block);
    else
        release_recycled(block, block->size);
}

void* resize(void* memory, std::size_t size, const char* file, int line) noexcept {
    if (memory == nullptr)
        return take(size, file, line);
    if (size == 0) {
        give_back(memory, file, line);
        return nullptr;
    }
    const std::size_t held = (static_cast<header*>(memory) - 1)->size - sizeof(header);
    void* const other = take(size, file, line);
    if (other == nullptr)
        return nullptr;
    std::memcpy(other, memory, std::min(held, size));
    give_back(memory, file, line);
    return other;
}

}  // namespace

openssl_memory_functions openssl_memory() noexcept { return {take, resize, give_back}; }

bool recycle_openssl_memory() noexcept {
    return CRYPTO_set_mem_functions(take, resize, give_back) == 1;
}

}  // namespace penstock::net
