// OpenSSL's memory out of the free lists of base/recycled, and a few buffers for records. A
// handshake takes and gives back hundreds of small blocks, a connection that stays OpenSSL's a
// buffer for each record. In steady state all of these come from lists of their thread, and the
// heap is neither asked nor cut up.
#pragma once

#include <cstddef>

namespace penstock::net {

// Before anything else is asked of OpenSSL, or it is too late: false, and the heap stays in use.
bool recycle_openssl_memory() noexcept;

// The functions themselves. Blocks may be given back by another thread than took them. A size of 0
// gives null.
struct openssl_memory_functions {
    void* (*take)(std::size_t size, const char* file, int line) noexcept;
    void* (*resize)(void* block, std::size_t size, const char* file, int line) noexcept;
    void (*give_back)(void* block, const char* file, int line) noexcept;
};
[[nodiscard]] openssl_memory_functions openssl_memory() noexcept;

}  // namespace penstock::net
