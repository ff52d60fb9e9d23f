// The received bytes of one HTTP/2 stream that nobody has taken yet. The flow-control window of the
// stream is their cap.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace penstock::http {

// They stay where they are until they were taken, however much comes behind them; small frames
// share a block.
class h2_data_queue {
 public:
    static constexpr std::size_t block_size = 16 * 1024;

    void append(std::string_view data);
    // The next bytes in one piece, at most `max`; they stay until `drop`.
    [[nodiscard]] std::string_view front(std::size_t max) const noexcept;
    void drop(std::size_t count) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Bytes of memory that it takes.
    [[nodiscard]] std::size_t allocated() const noexcept { return blocks_.size() * block_size; }

 private:
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t begin_ = 0;  // in the first block
    std::size_t size_ = 0;
};

}  // namespace penstock::http
