#include "penstock/http/h2_data_queue.hpp"

#include <algorithm>

namespace penstock::http {

void h2_data_queue::append(std::string_view data) {
    while (!data.empty()) {
        const std::size_t used = (begin_ + size_) % block_size;
        if (begin_ + size_ == blocks_.size() * block_size)
            blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size));
        const std::size_t count = std::min(data.size(), block_size - used);
        data.copy(blocks_.back().get() + used, count);
        size_ += count;
        data.remove_prefix(count);
    }
}

std::string_view h2_data_queue::front(std::size_t max) const noexcept {
    if (size_ == 0)
        return {};
    return {blocks_.front().get() + begin_, std::min({size_, block_size - begin_, max})};
}

void h2_data_queue::drop(std::size_t count) noexcept {
    size_ -= count;
    begin_ += count;
    const std::size_t whole = size_ == 0 ? blocks_.size() : begin_ / block_size;
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(whole));
    begin_ = size_ == 0 ? 0 : begin_ % block_size;
}

}  // namespace penstock::http
