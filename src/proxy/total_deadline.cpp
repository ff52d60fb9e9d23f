#include "proxy/total_deadline.hpp"

#include "penstock/net/error.hpp"

#include <utility>

namespace penstock::proxy {
namespace {

class timed_body final : public exchange::body_source {
 public:
    timed_body(std::unique_ptr<exchange::body_source> inner, std::unique_ptr<total_deadline> until)
        : until_(std::move(until)), inner_(std::move(inner)) {}

    result<std::string_view> take(std::size_t max) override { return inner_->take(max); }
    std::uint64_t movable() const noexcept override { return inner_->movable(); }
    result<std::size_t> move_into(net::pipe& to, std::size_t max) override {
        return inner_->move_into(to, max);
    }
    net::task<result<void>> wait() override { return inner_->wait(); }
    void park() override { inner_->park(); }
    void wake() noexcept override { inner_->wake(); }
    bool finished() const noexcept override { return inner_->finished(); }
    std::optional<std::uint64_t> length() const noexcept override { return inner_->length(); }
    const http::fields& trailers() const noexcept override { return inner_->trailers(); }
    bool settled() const noexcept override { return inner_->settled(); }
    void stop() noexcept override { inner_->stop(); }
    net::task<> close() override {
        until_->disarm();
        return inner_->close();
    }

 private:
    std::unique_ptr<total_deadline> until_;
    std::unique_ptr<exchange::body_source> inner_;
};

}  // namespace

total_deadline::total_deadline(net::worker& home, exchange::abort_signal& aborted,
                               time_point at) noexcept
    : aborted_(aborted) {
    arm(home.deadlines(), at, net::errc::deadline_exceeded);
}

std::unique_ptr<exchange::body_source> make_timed_body(std::unique_ptr<exchange::body_source> inner,
                                                       std::unique_ptr<total_deadline> until) {
    return std::make_unique<timed_body>(std::move(inner), std::move(until));
}

}  // namespace penstock::proxy
