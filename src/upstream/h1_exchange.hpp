// One exchange over a leased HTTP/1 connection, and the response body that comes of it. It owns the
// connection until the message is over; only one about which nothing is in doubt is used again.
// Flow: `perform` sends the request and reads heads until a final one; then the object is the
// response's body. `close` ends what still runs. A failed `perform` needs `close` too.
//
//   perform ─► head read ─► body (take/wait) ─► finished ─► settled
//                  └─► upgraded: raw bytes both ways ─► settled
//
// Lifetime: the request outlives it. The sender's pump runs in its group until close() joins it.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h1_body.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/task_group.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/h1_sender.hpp"
#include "upstream/held_share.hpp"
#include "upstream/interim_limit.hpp"
#include "upstream/load.hpp"

#include <memory>
#include <optional>

namespace penstock::upstream {

class h1_exchange final : public exchange::body_source, private exchange::abort_listener {
 public:
    static constexpr std::size_t drain_max = std::size_t{64} * 1024;
    static constexpr milliseconds drain_time = 1s;

    // What it lives among; all of it belongs to the cluster.
    struct surroundings {
        net::worker& home;
        connection_pool& pool;
        upstream::contention& contention;
        cluster_counters& counters;
        const config::upstream_timeouts& timeouts;
        const shared_endpoint& endpoint;
    };
    h1_exchange(const surroundings& around, exchange::request& from,
                std::unique_ptr<connection> over, load carried);
    ~h1_exchange() override;

    // Returns once a final head (or an accepted 101) is in `into`. The body is not set there.
    [[nodiscard]] net::task<result<void>> perform(exchange::response& into);
    // Why `perform` failed, in the terms of the retry decision. After close().
    [[nodiscard]] attempt_failure failure(error why) const noexcept;
    // True once the response needs this object no more: no body and nothing that still runs.
    [[nodiscard]] bool settled() const noexcept override { return connection_ == nullptr; }

    [[nodiscard]] result<std::string_view> take(std::size_t max) override;
    [[nodiscard]] std::uint64_t movable() const noexcept override;
    [[nodiscard]] result<std::size_t> move_into(net::pipe& to, std::size_t max) override;
    [[nodiscard]] net::task<result<void>> wait() override;
    void park() override { buffer_.park(around_.home.buffers()); }
    void wake() noexcept override;
    [[nodiscard]] bool finished() const noexcept override { return finished_; }
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override;
    [[nodiscard]] const http::fields& trailers() const noexcept override;
    // What is left is drained or cut by close().
    void stop() noexcept override {}
    [[nodiscard]] net::task<> close() override;

 private:
    enum class step { wait, interim, final };

    void on_abort(error why) noexcept override;
    [[nodiscard]] net::stream& stream() noexcept { return connection_->stream(); }
    [[nodiscard]] result<step> read_head(http::response_head& into);
    [[nodiscard]] result<step> classify(const http::response_head& head, std::size_t bytes);
    net::task<result<void>> pass_interim(http::response_head& head);
    [[nodiscard]] exchange::phase awaited_phase() const noexcept;
    [[nodiscard]] result<void> accept_head(exchange::response& into);
    void learn(const http::response_head& head);
    [[nodiscard]] result<std::size_t> fill();
    [[nodiscard]] result<std::string_view> decode(std::size_t max);
    [[nodiscard]] result<void> end_of_input();
    [[nodiscard]] error fail(error why) noexcept;
    void end_of_body(bool clean);
    void start_tunnel();
    [[nodiscard]] bool reusable();
    [[nodiscard]] bool drainable() const noexcept;
    net::task<> drain();
    void settle(bool reuse);

    surroundings around_;
    exchange::request& from_;
    std::unique_ptr<connection> connection_;
    load load_;
    held_share share_;
    h1_sender sender_;
    net::task_group beside_;
    std::optional<exchange::abort_signal::attachment> attached_;

    net::read_buffer buffer_;
    http::h1_response_parser parser_;
    http::h1_body_decoder decoder_;
    http::framing framing_;
    std::size_t endpoint_;
    idle_period idled_;
    error failed_;
    interim_limit interims_;
    bool reused_;
    bool response_begun_ = false;
    bool keeps_alive_ = false;
    bool upgraded_ = false;
    bool tunnelling_ = false;
    bool finished_ = false;
    bool client_failed_ = false;  // the client did not take an interim head
    bool unheard_ = false;        // the request came to a connection that had been closed
};

}  // namespace penstock::upstream
