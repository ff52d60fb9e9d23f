// A ring of messages between one writing and one reading thread, without a lock. The writer never
// waits: a message that finds no room is dropped and counted. Carries access-log entries off the
// workers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace penstock {

class byte_ring {
 public:
    // `capacity` is a power of two, in bytes; a message takes its size + 4.
    explicit byte_ring(std::size_t capacity);

    // Writer: the parts become one message. False = dropped.
    bool push(std::span<const std::span<const char>> parts) noexcept;
    // Reader: the next message into `out`, replacing what it held. False = nothing is there.
    bool pop(std::string& out);
    // From any thread.
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }
    // Bytes that wait to be read, from any thread. The tail is read first, so that a message that
    // passes through meanwhile counts twice at worst and never as less than nothing.
    [[nodiscard]] std::size_t used() const noexcept {
        const std::size_t tail = tail_.load(std::memory_order_acquire);
        return head_.load(std::memory_order_acquire) - tail;
    }

 private:
    void copy_in(std::size_t at, const char* from, std::size_t count) noexcept;
    void copy_out(std::size_t at, char* to, std::size_t count) const noexcept;

    std::size_t capacity_;
    std::unique_ptr<char[]> bytes_;
    alignas(64) std::atomic<std::size_t> head_{0};  // written by the writer
    alignas(64) std::atomic<std::size_t> tail_{0};  // written by the reader
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace penstock
