// Slabs of memory for bytes in flight, one pool per worker and no lock. A reader takes a slab once
// bytes are there and lets go of it when they are gone, so an idle connection holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace penstock::net {

class buffer_pool;

// Owns one slab; returns it to its pool when destroyed. An empty slab has no memory.
class slab {
 public:
    slab() noexcept = default;
    slab(slab&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          pool_(other.pool_) {}
    slab& operator=(slab&& other) noexcept;
    ~slab() { release(); }

    [[nodiscard]] char* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    explicit operator bool() const noexcept { return data_ != nullptr; }
    void release() noexcept;

 private:
    friend class buffer_pool;
    slab(char* data, std::size_t size, buffer_pool* pool) noexcept
        : data_(data), size_(size), pool_(pool) {}

    char* data_ = nullptr;
    std::size_t size_ = 0;
    buffer_pool* pool_ = nullptr;
};

// Keeps a few free slabs of each of its two sizes; the rest goes back to the heap. Below them are
// scraps, about as large as what is in them.
class buffer_pool {
 public:
    static constexpr std::size_t small = 32 * 1024;   // a whole message, mostly
    static constexpr std::size_t large = 256 * 1024;  // a head of the highest limit, bulk bodies
    static constexpr std::size_t scrap_min = 256;
    static constexpr std::size_t scrap_max = 4 * 1024;
    static constexpr std::size_t cached_max = 64;  // small ones; of the others, an eighth

    buffer_pool() = default;
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;
    ~buffer_pool();

    [[nodiscard]] slab take_small() { return take(free_small_, small); }
    [[nodiscard]] slab take_large() { return take(free_large_, large); }
    // For at most `scrap_max` bytes.
    [[nodiscard]] slab take_scrap(std::size_t least);
    // Gives the slabs that nobody uses back to the heap.
    void clear() noexcept;
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }  // bytes handed out

 private:
    friend class slab;
    static constexpr std::size_t cached_max_of(std::size_t size) noexcept {
        return size == small ? cached_max : cached_max / 8;
    }
    slab take(std::vector<char*>& free, std::size_t size);
    void give_back(char* data, std::size_t size) noexcept;

    std::vector<char*> free_small_;
    std::vector<char*> free_large_;
    std::size_t in_use_ = 0;
};

// Received bytes that are not consumed yet: a slab and the filled range in it.
class read_buffer {
 public:
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] const char* data() const noexcept { return slab_.data() + begin_; }
    [[nodiscard]] std::span<char> bytes() noexcept { return {slab_.data() + begin_, size()}; }
    // Room behind the filled range. Takes a slab if there is none, a large one if the latest read
    // filled its slab; moves the bytes to the front if the back is full, and to a large slab if a
    // small one is full. A scrap is read out first, or moves to a small slab once it is full. Size
    // 0 = the large one is full.
    struct room {
        char* data;
        std::size_t size;
    };
    [[nodiscard]] room prepare(buffer_pool& pool);
    void commit(std::size_t count) noexcept {
        end_ += static_cast<std::uint32_t>(count);
        bulk_ = end_ == slab_.size() || count >= buffer_pool::small;
    }
    // Drops bytes from the front; gives the slab back once nothing is left.
    void consume(std::size_t count) noexcept;
    // As `consume`, but keeps the slab while views into it are still read.
    void consume_keep(std::size_t count) noexcept { begin_ += static_cast<std::uint32_t>(count); }
    void release_if_empty() noexcept;
    // What is held will not be looked at soon: if it is little it goes to a scrap, and if there is
    // nothing the slab goes back. Many slabs of which each has a few bytes in front drive each
    // other out of the processor's caches.
    void park(buffer_pool& pool);

 private:
    void make_room(buffer_pool& pool);

    slab slab_;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    bool bulk_ = false;  // the latest read brought as much as a small slab holds
};

}  // namespace penstock::net
