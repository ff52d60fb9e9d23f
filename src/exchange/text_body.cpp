#include "penstock/exchange/text_body.hpp"

#include <utility>

namespace penstock::exchange {
namespace {

class text_body final : public body_source {
 public:
    text_body(std::string text, http::fields trailers) noexcept
        : text_(std::move(text)), trailers_(std::move(trailers)) {}

    result<std::string_view> take(std::size_t max) override {
        const std::string_view left = std::string_view(text_).substr(taken_, max);
        taken_ += left.size();
        return left;
    }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return taken_ == text_.size(); }
    std::optional<std::uint64_t> length() const noexcept override { return text_.size(); }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override { taken_ = text_.size(); }
    net::task<> close() override { co_return; }

 private:
    std::string text_;
    std::size_t taken_ = 0;
    http::fields trailers_;
};

}  // namespace

std::unique_ptr<body_source> make_text_body(std::string text, http::fields trailers) {
    if (text.empty() && trailers.empty())
        return nullptr;
    return std::make_unique<text_body>(std::move(text), std::move(trailers));
}

}  // namespace penstock::exchange
