// One exchange over a stream of an h2_client, and the response body that comes of it.
// Flow: `perform` opens the stream and waits until a final head has come; then the object is the
// response's body. `close` ends what still runs. A failed `perform` needs `close` too.
//
//   perform ─► head ─► body (take/wait) ─► finished ─► settled
//                └─► upgraded: raw bytes both ways ─► settled
//
// Lifetime: the request outlives it. Its pump runs in its group until close() joins it.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h2_client_session.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task_group.hpp"
#include "upstream/h2_client.hpp"
#include "upstream/held_share.hpp"
#include "upstream/interim_limit.hpp"
#include "upstream/load.hpp"

#include <memory>
#include <optional>

namespace penstock::upstream {

class h2_exchange final : public exchange::body_source,
                          private exchange::abort_listener,
                          private h2_stream_owner {
 public:
    struct surroundings {
        net::worker& home;
        upstream::contention& contention;
        const config::upstream_timeouts& timeouts;
        const shared_endpoint& endpoint;
        bool fresh;  // the connection was made for this exchange
    };
    h2_exchange(const surroundings& around, exchange::request& from,
                std::shared_ptr<h2_client> over, load carried);
    ~h2_exchange() override;

    // Returns once a final head (or an accepted websocket) is in `into`. The body is not set there.
    [[nodiscard]] net::task<result<void>> perform(exchange::response& into);
    // Why `perform` failed, in the terms of the retry decision. Before close(), which leaves the
    // request's body as it was judged here.
    [[nodiscard]] attempt_failure failure(error why) const noexcept;
    [[nodiscard]] bool settled() const noexcept override { return stream_ == nullptr; }

    [[nodiscard]] result<std::string_view> take(std::size_t max) override;
    [[nodiscard]] net::task<result<void>> wait() override;
    void wake() noexcept override;
    [[nodiscard]] bool finished() const noexcept override;
    [[nodiscard]] bool absent() const noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override { return length_; }
    [[nodiscard]] const http::fields& trailers() const noexcept override;
    void stop() noexcept override {}
    [[nodiscard]] net::task<> close() override;

 private:
    // Nothing moves for too long.
    class patience final : public net::deadline {
     public:
        explicit patience(h2_exchange& of) noexcept : of_(of) {}

     private:
        void on_expire(error why) noexcept override { of_.on_expire(why); }
        h2_exchange& of_;
    };

    [[nodiscard]] result<void> open();
    net::task<> wait_for_head();
    net::task<result<void>> pass_interims();
    [[nodiscard]] bool take_interims(std::size_t count) noexcept;
    [[nodiscard]] result<void> accept_head(exchange::response& into);
    [[nodiscard]] exchange::phase waits_for() const noexcept;
    void set_clock(exchange::phase waits_in) noexcept;
    void on_expire(error why) noexcept;
    void on_abort(error why) noexcept override;
    void on_change() noexcept override;
    void cancel(error why) noexcept;
    [[nodiscard]] error closed_by() const noexcept;

    // The request's body.
    [[nodiscard]] http::h2_outgoing::piece take_request(std::size_t max);
    net::task<> pump();
    [[nodiscard]] bool pump_is_over() const noexcept;
    void settle() noexcept;

    // As the source of the stream's DATA.
    class upload final : public http::h2_outgoing {
     public:
        explicit upload(h2_exchange& of) noexcept : of_(of) {}
        [[nodiscard]] piece take(std::size_t max) override { return of_.take_request(max); }
        [[nodiscard]] const http::fields* trailers() const noexcept override;

     private:
        h2_exchange& of_;
    };
    friend class upload;

    surroundings around_;
    exchange::request& from_;
    upload upload_;
    std::shared_ptr<h2_client> client_;
    load load_;
    held_share share_;
    http::h2_client_stream* stream_ = nullptr;
    net::task_group beside_;
    net::event changed_;
    net::event starved_;
    patience patience_;
    std::optional<exchange::abort_signal::attachment> attached_;
    std::optional<std::uint64_t> announced_;  // of the request's body
    std::uint64_t left_ = 0;                  // of it
    std::optional<std::uint64_t> length_;     // of the response's
    std::uint64_t stalled_at_ = 0;            // bytes sent when the patience began
    error failed_;
    error client_failure_;
    interim_limit interims_;
    std::size_t interim_bytes_ = 0;  // counted already
    bool reused_ = false;
    bool begun_ = false;
    bool body_used_ = false;
    bool continued_ = false;
    bool upgraded_ = false;
    bool call_ = false;  // of gRPC, and answered as such
    bool stopping_ = false;
    bool finished_ = false;
    bool woken_ = false;
    bool waits_for_client_ = false;
};

}  // namespace penstock::upstream
