#include "proxy/gathered_body.hpp"

#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace penstock::proxy {
namespace {

class gathered_body final : public exchange::body_source {
 public:
    gathered_body(std::unique_ptr<exchange::body_source> inner, const config::flush& by,
                  net::worker& home)
        : inner_(std::move(inner)), by_(by), home_(home), due_(*inner_) {}

    result<std::string_view> take(std::size_t max) override;
    net::task<result<void>> wait() override;
    void wake() noexcept override { inner_->wake(); }
    bool finished() const noexcept override { return held_.size() == given_ && inner_->finished(); }
    std::optional<std::uint64_t> length() const noexcept override { return inner_->length(); }
    const http::fields& trailers() const noexcept override { return inner_->trailers(); }
    void stop() noexcept override { inner_->stop(); }
    bool settled() const noexcept override { return inner_->settled(); }
    net::task<> close() override { return inner_->close(); }

 private:
    // Ends the wait for more, so that what is here goes out.
    class due final : public net::deadline {
     public:
        explicit due(exchange::body_source& of) noexcept : of_(of) {}

     private:
        void on_expire(error) noexcept override { of_.wake(); }
        exchange::body_source& of_;
    };

    [[nodiscard]] bool ripe() const noexcept {
        return inner_->finished() || failed_ || held_.size() >= by_.bytes || home_.now() >= until_;
    }
    std::string_view give(std::size_t max) noexcept;

    std::unique_ptr<exchange::body_source> inner_;
    config::flush by_;
    net::worker& home_;
    due due_;
    std::string held_;
    std::size_t given_ = 0;  // of held_: the view that is out, and those before it
    error failed_;
    time_point until_ = never;
};

std::string_view gathered_body::give(std::size_t max) noexcept {
    const std::string_view left = std::string_view(held_).substr(given_, max);
    given_ += left.size();
    return left;
}

result<std::string_view> gathered_body::take(std::size_t max) {
    if (given_ > 0) {
        // What was out is written. The rest of it, if it was too much at once, goes first.
        if (given_ < held_.size())
            return give(max);
        held_.clear();
        given_ = 0;
        until_ = never;
    }
    while (!failed_ && !inner_->finished() && held_.size() < by_.bytes) {
        const std::size_t room = by_.bytes - held_.size();
        const result<std::string_view> more = inner_->take(std::min(max, room));
        if (!more) {
            failed_ = more.error();
            break;
        }
        if (more->empty())
            break;
        // Enough at once needs no copy.
        if (held_.empty() && (more->size() >= std::min(max, by_.bytes) || inner_->finished()))
            return more;
        if (held_.empty())
            until_ = home_.now() + by_.interval;
        held_.append(*more);
    }
    if (held_.empty() && failed_)
        return failed_;
    return !held_.empty() && ripe() ? give(max) : std::string_view();
}

net::task<result<void>> gathered_body::wait() {
    if (held_.empty())
        co_return co_await inner_->wait();
    due_.arm(home_.deadlines(), until_, net::errc::deadline_exceeded);
    const result<void> waited = co_await inner_->wait();
    due_.disarm();
    // What came before the fault is good and goes first.
    if (!waited)
        failed_ = waited.error();
    co_return result<void>();
}

}  // namespace

std::unique_ptr<exchange::body_source> make_gathered_body(
    std::unique_ptr<exchange::body_source> inner, const config::flush& by, net::worker& home) {
    return std::make_unique<gathered_body>(std::move(inner), by, home);
}

bool wants_every_piece(const http::response_head& head) noexcept {
    const auto type = head.fields.find("content-type");
    if (!type)
        return false;
    const auto begins = [&type](std::string_view with) {
        return http::equal_nocase(type->substr(0, with.size()), with);
    };
    return begins("text/event-stream") || begins("application/grpc");
}

}  // namespace penstock::proxy
