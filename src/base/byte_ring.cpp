#include "penstock/base/byte_ring.hpp"

#include "penstock/base/check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace penstock {
namespace {

using length_type = std::uint32_t;

}  // namespace

byte_ring::byte_ring(std::size_t capacity)
    : capacity_(capacity), bytes_(std::make_unique<char[]>(capacity)) {
    PENSTOCK_CHECK(std::has_single_bit(capacity));
}

void byte_ring::copy_in(std::size_t at, const char* from, std::size_t count) noexcept {
    if (count == 0)
        return;
    const std::size_t begin = at & (capacity_ - 1);
    const std::size_t first = std::min(count, capacity_ - begin);
    std::memcpy(bytes_.get() + begin, from, first);
    std::memcpy(bytes_.get(), from + first, count - first);
}

void byte_ring::copy_out(std::size_t at, char* to, std::size_t count) const noexcept {
    const std::size_t begin = at & (capacity_ - 1);
    const std::size_t first = std::min(count, capacity_ - begin);
    std::memcpy(to, bytes_.get() + begin, first);
    std::memcpy(to + first, bytes_.get(), count - first);
}

bool byte_ring::push(std::span<const std::span<const char>> parts) noexcept {
    std::size_t size = 0;
    for (const std::span<const char> part : parts)
        size += part.size();
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t free = capacity_ - (head - tail_.load(std::memory_order_acquire));
    if (size + sizeof(length_type) > free) {
        dropped_.store(dropped() + 1, std::memory_order_relaxed);
        return false;
    }
    const auto length = static_cast<length_type>(size);
    char prefix[sizeof length];
    std::memcpy(prefix, &length, sizeof length);
    copy_in(head, prefix, sizeof length);
    std::size_t at = head + sizeof length;
    for (const std::span<const char> part : parts) {
        copy_in(at, part.data(), part.size());
        at += part.size();
    }
    head_.store(at, std::memory_order_release);
    return true;
}

bool byte_ring::pop(std::string& out) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (head_.load(std::memory_order_acquire) == tail)
        return false;
    char prefix[sizeof(length_type)];
    length_type length = 0;
    copy_out(tail, prefix, sizeof prefix);
    std::memcpy(&length, prefix, sizeof length);
    out.resize(length);
    copy_out(tail + sizeof prefix, out.data(), length);
    tail_.store(tail + sizeof prefix + length, std::memory_order_release);
    return true;
}

}  // namespace penstock
