// Finds where a response ends, of servers that behave: Content-Length or chunked, nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace penstock::bench {

class response_end {
 public:
    void start() {
        state_ = state::head;
        text_.clear();
        left_ = 0;
        good_ = false;
    }
    // Status 200, and nothing was malformed. Counts once feed() was true.
    [[nodiscard]] bool good() const noexcept { return good_; }

    // True once the response is complete, or broken.
    bool feed(std::string_view bytes) {
        while (!bytes.empty()) {
            if (state_ == state::body || state_ == state::chunk) {
                const auto taken = std::min<std::uint64_t>(left_, bytes.size());
                left_ -= taken;
                bytes.remove_prefix(static_cast<std::size_t>(taken));
                if (left_ > 0)
                    return false;
                if (state_ == state::body)
                    return bytes.empty() || broken();
                state_ = state::size;
                continue;
            }
            if (take_line(bytes) && end_of_line())
                return bytes.empty() || broken();
        }
        return false;
    }

 private:
    enum class state { head, body, size, chunk, trailer };

    bool broken() {
        good_ = false;
        return true;
    }
    // Moves bytes to text_ until the head, or a line of the chunked framing, is complete.
    bool take_line(std::string_view& bytes) {
        const std::string_view mark = state_ == state::head ? "\r\n\r\n" : "\r\n";
        const std::size_t before = text_.size() < mark.size() ? 0 : text_.size() - mark.size();
        text_.append(bytes);
        const std::size_t at = text_.find(mark, before);
        if (at == std::string::npos) {
            bytes = {};
            return false;
        }
        const std::size_t surplus = text_.size() - (at + mark.size());
        bytes.remove_prefix(bytes.size() - surplus);
        text_.resize(at);
        return true;
    }
    // True if that was the end.
    bool end_of_line() {
        const std::string line = std::move(text_);
        text_.clear();
        if (state_ == state::head)
            return end_of_head(line);
        if (state_ == state::trailer) {
            return line.empty();
        }
        const std::uint64_t size = std::strtoull(line.c_str(), nullptr, 16);
        state_ = size > 0 ? state::chunk : state::trailer;
        left_ = size + 2;
        return false;
    }
    bool end_of_head(const std::string& head) {
        good_ = head.compare(0, 12, "HTTP/1.1 200") == 0;
        std::string lower(head);
        for (char& c : lower)
            c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        const std::size_t length = lower.find("\r\ncontent-length:");
        if (length != std::string::npos) {
            left_ = std::strtoull(lower.c_str() + length + 17, nullptr, 10);
            state_ = state::body;
            return left_ == 0;
        }
        state_ = state::size;
        if (lower.find("\r\ntransfer-encoding: chunked") == std::string::npos)
            return broken();
        return false;
    }

    state state_ = state::head;
    std::string text_;
    std::uint64_t left_ = 0;
    bool good_ = false;
};

}  // namespace penstock::bench
