// h1_request_body: the client's body as a body_source over the connection's read buffer. Decodes in
// place without a copy; reads from the stream only when the buffer is empty. After a 101 it is the
// client's raw bytes. It never answers: what it meets is an error for the consumer.
//
//   framed ─► finished
//     │ └──► failed (timeout, too slow, too large, bad chunk, client gone)
//     └─ begin_tunnel ─► raw ─► finished at the client's FIN
//
// Waiting: `wait` has a deadline (idle), the watch may cut the body for its rate; `wake` makes it
// return, `stop` with errc::closed. `drain` is the connection's, once every consumer has let go.
#pragma once

#include "downstream/body_pace.hpp"
#include "downstream/body_watch.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h1_body.hpp"
#include "penstock/net/alarm.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/stream.hpp"

namespace penstock::downstream {

// Told of what happens to the body, by the connection that serves it.
class body_listener {
 public:
    virtual void on_body_finished() noexcept = 0;
    virtual void on_tunnel_bytes() noexcept = 0;

 protected:
    ~body_listener() = default;
};

class h1_request_body final : public exchange::body_source, private watched_body {
 public:
    static constexpr std::size_t drain_max = std::size_t{64} * 1024;
    static constexpr milliseconds drain_time = 1s;

    struct input {
        net::stream& stream;
        net::read_buffer& buffer;
        net::alarm& alarm;
        body_listener& listener;
        body_watch& watch;
    };
    struct rules {
        http::framing framing;
        std::uint64_t bytes_max = 0;  // 0 = no cap
        milliseconds idle = 30s;
        bool awaits_continue = false;  // the client sends nothing before it sees 100
    };
    h1_request_body(const input& from, const rules& by, exchange::record& record);

    [[nodiscard]] result<std::string_view> take(std::size_t max) override;
    [[nodiscard]] std::uint64_t movable() const noexcept override;
    [[nodiscard]] result<std::size_t> move_into(net::pipe& to, std::size_t max) override;
    [[nodiscard]] net::task<result<void>> wait() override;
    void wake() noexcept override;
    [[nodiscard]] bool finished() const noexcept override { return finished_; }
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override;
    [[nodiscard]] const http::fields& trailers() const noexcept override {
        return decoder_.trailers();
    }
    void stop() noexcept override;
    [[nodiscard]] net::task<> close() override { co_return; }

    // The response head has been handed over: waits are not charged to phase body any more.
    void go_quiet() noexcept { quiet_ = true; }
    // 100 was sent: from now on the client is expected to send.
    void note_continue() noexcept;
    void begin_tunnel();
    // Ends the wait for `ended`, whoever consumes the body.
    void interrupt() noexcept { ended_.set(); }
    // co_await: nothing more will be taken from this body.
    [[nodiscard]] net::event& ended() noexcept { return ended_; }
    [[nodiscard]] error failed() const noexcept { return failed_; }

    // True if what is left is known to be small and nobody pulls it: the connection can live on.
    [[nodiscard]] bool drainable() const noexcept;
    // Reads and drops the rest, at most 64 KiB and one second. True if the body's end was reached.
    [[nodiscard]] net::task<bool> drain();

 private:
    [[nodiscard]] result<std::string_view> next(std::size_t max);
    [[nodiscard]] result<std::string_view> decode(std::size_t max);
    [[nodiscard]] result<std::size_t> fill();
    void take_in(std::size_t count) noexcept;
    [[nodiscard]] result<void> end_of_input();
    [[nodiscard]] error fail(error why) noexcept;
    void finish() noexcept;
    void begin_wait() noexcept;
    void begin_clock() noexcept;
    void end_wait() noexcept;
    [[nodiscard]] std::optional<std::uint64_t> rate(time_point now) const noexcept override;
    [[nodiscard]] const void* connection() const noexcept override { return &from_.stream; }
    [[nodiscard]] bool is_call() const noexcept override { return false; }
    void cut() noexcept override;

    input from_;
    rules rules_;
    exchange::record& record_;
    http::h1_body_decoder decoder_;
    body_pace pace_;
    net::event ended_;
    error failed_;
    bool finished_ = false;
    bool touched_ = false;
    bool stopped_ = false;
    bool waiting_ = false;
    bool timed_ = false;  // the present wait has a deadline and is charged
    bool quiet_ = false;
    bool tunnel_ = false;
    bool awaits_continue_ = false;
};

}  // namespace penstock::downstream
