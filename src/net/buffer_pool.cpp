#include "penstock/net/buffer_pool.hpp"

#include "penstock/base/check.hpp"
#include "penstock/base/recycled.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace penstock::net {

slab& slab::operator=(slab&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        pool_ = other.pool_;
    }
    return *this;
}

void slab::release() noexcept {
    if (data_ == nullptr)
        return;
    pool_->give_back(data_, size_);
    data_ = nullptr;
    size_ = 0;
}

buffer_pool::~buffer_pool() {
    PENSTOCK_CHECK(in_use_ == 0);
    clear();
}

void buffer_pool::clear() noexcept {
    for (char* data : free_small_)
        ::operator delete(data);
    for (char* data : free_large_)
        ::operator delete(data);
    free_small_.clear();
    free_large_.clear();
}

slab buffer_pool::take(std::vector<char*>& free, std::size_t size) {
    char* data = nullptr;
    if (free.empty()) {
        // Room for its return is made here, so that giving back never allocates; and first, so that
        // nothing is lost where there is none.
        if (free.capacity() == 0)
            free.reserve(cached_max_of(size));
        data = static_cast<char*>(::operator new(size));
    } else {
        data = free.back();
        free.pop_back();
    }
    in_use_ += size;
    return {data, size, this};
}

// A few sizes only, whatever peers send.
slab buffer_pool::take_scrap(std::size_t least) {
    const std::size_t size = std::bit_ceil(std::max(least, scrap_min));
    char* const data = static_cast<char*>(allocate_recycled(size));
    in_use_ += size;
    return {data, size, this};
}

void buffer_pool::give_back(char* data, std::size_t size) noexcept {
    in_use_ -= size;
    if (size <= scrap_max)
        return release_recycled(data, size);
    std::vector<char*>& free = size == small ? free_small_ : free_large_;
    if (free.size() >= cached_max_of(size) || free.size() == free.capacity()) {
        ::operator delete(data);
        return;
    }
    free.push_back(data);
}

read_buffer::room read_buffer::prepare(buffer_pool& pool) {
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (!slab_ || slab_.size() < buffer_pool::small ||
            (bulk_ && slab_.size() == buffer_pool::small))
            slab_ = bulk_ ? pool.take_large() : pool.take_small();
    } else if (end_ == slab_.size()) {
        make_room(pool);
    }
    return {slab_.data() + end_, slab_.size() - end_};
}

void read_buffer::make_room(buffer_pool& pool) {
    const std::size_t held = size();
    const bool scrap = slab_.size() < buffer_pool::small;
    if (begin_ > 0 && !scrap) {
        std::memmove(slab_.data(), slab_.data() + begin_, held);
    } else if (slab_.size() < buffer_pool::large) {
        slab larger = scrap ? pool.take_small() : pool.take_large();
        std::memcpy(larger.data(), slab_.data() + begin_, held);
        slab_ = std::move(larger);
    }
    begin_ = 0;
    end_ = static_cast<std::uint32_t>(held);
}

void read_buffer::park(buffer_pool& pool) {
    const std::size_t held = size();
    release_if_empty();
    if (held == 0 || held > buffer_pool::scrap_max || slab_.size() < buffer_pool::small)
        return;
    slab scrap = pool.take_scrap(held);
    std::memcpy(scrap.data(), slab_.data() + begin_, held);
    slab_ = std::move(scrap);
    begin_ = 0;
    end_ = static_cast<std::uint32_t>(held);
}

void read_buffer::consume(std::size_t count) noexcept {
    begin_ += static_cast<std::uint32_t>(count);
    release_if_empty();
}

void read_buffer::release_if_empty() noexcept {
    if (begin_ == end_)
        slab_.release();
}

}  // namespace penstock::net
