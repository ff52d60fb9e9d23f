// tls_record_source: gathers the next record's worth of plaintext out of a list of buffers. A
// buffer that fills a record, or is the last one, is used where it lies; small ones (a head, chunk
// sizes) are copied together.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace penstock::net {

class tls_record_source {
 public:
    static constexpr std::size_t record_max = std::size_t{16} * 1024;

    explicit tls_record_source(std::span<const iovec> from, std::size_t most = record_max) noexcept
        : from_(from), most_(std::min(most, record_max)) {}

    // At most `most` bytes; empty at the end. `room` is called for where to copy as many to, if
    // need be.
    template <class Room>
    std::string_view next(Room room) {
        skip_empty();
        if (from_.empty())
            return {};
        const std::string_view first = rest();
        if (first.size() >= most_ || from_.size() == 1) {
            offset_ += std::min(first.size(), most_);
            return first.substr(0, most_);
        }
        return gather(room());
    }

 private:
    std::string_view rest() const noexcept {
        return {static_cast<const char*>(from_[0].iov_base) + offset_, from_[0].iov_len - offset_};
    }
    void skip_empty() noexcept {
        while (!from_.empty() && offset_ == from_[0].iov_len) {
            from_ = from_.subspan(1);
            offset_ = 0;
        }
    }
    std::string_view gather(char* into) noexcept {
        std::size_t size = 0;
        for (skip_empty(); !from_.empty() && size < most_; skip_empty()) {
            const std::string_view part = rest().substr(0, most_ - size);
            std::memcpy(into + size, part.data(), part.size());
            size += part.size();
            offset_ += part.size();
        }
        return {into, size};
    }

    std::span<const iovec> from_;
    std::size_t most_;
    std::size_t offset_ = 0;
};

}  // namespace penstock::net
