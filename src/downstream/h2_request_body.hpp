// h2_request_body: the body of one stream as a body_source over what its session holds. The
// client's window opens as the bytes are taken, so nobody takes means that nobody sends. What it
// meets is an error for the consumer; it never answers.
#pragma once

#include "downstream/body_pace.hpp"
#include "downstream/body_watch.hpp"
#include "downstream/read_ahead.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h2_server_session.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/stream.hpp"

#include <memory>

namespace penstock::downstream {

// What a stream asks of its connection.
class h2_flusher {
 public:
    // Something is there to send; it leaves at the end of this turn of the loop.
    virtual void flush_soon() noexcept = 0;
    // A stream was given up, since its client took nothing of it for as long as it may.
    virtual void on_stall() noexcept = 0;
    // A request's body was cut for want of connections or memory: this one is to go, too.
    virtual void on_cut() noexcept = 0;
    // What the connection's responses hold ahead of it.
    [[nodiscard]] virtual std::shared_ptr<ahead_account> ahead() = 0;

 protected:
    ~h2_flusher() = default;
};

class h2_request_body final : public exchange::body_source, private watched_body {
 public:
    struct rules {
        std::uint64_t bytes_max = 0;  // 0 = no cap
        milliseconds idle = 30s;
        bool awaits_continue = false;  // the client sends nothing before it sees 100
        bool tunnel = false;           // raw bytes, which belong to nobody before `begin_tunnel`
        bool call = false;             // of gRPC: once it is answered, it may come at any rate
    };
    struct input {
        net::worker& worker;
        http::h2_server_session& session;
        http::h2_server_stream& stream;
        h2_flusher& flusher;
        body_watch& watch;
        const net::stream& connection;
    };
    h2_request_body(const input& from, const rules& by, exchange::record& record);

    [[nodiscard]] result<std::string_view> take(std::size_t max) override;
    [[nodiscard]] net::task<result<void>> wait() override;
    void wake() noexcept override;
    [[nodiscard]] bool finished() const noexcept override;
    [[nodiscard]] bool absent() const noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override {
        return from_.stream.length;
    }
    [[nodiscard]] const http::fields& trailers() const noexcept override {
        return from_.stream.trailers;
    }
    void stop() noexcept override;
    [[nodiscard]] net::task<> close() override { co_return; }

    // The response head has been handed over: waits are not charged to phase body any more.
    void go_quiet() noexcept {
        quiet_ = true;
        if (!rules_.call)
            return;
        // From here on both sides talk as they have something to say, and the exchange looks at
        // the silence of both.
        pace_.relax();
        patience_.disarm();
    }
    // 100 was sent: from now on the client is expected to send, and a wait has its deadline.
    void note_continue() noexcept;
    // The websocket was accepted: what the client sends passes, and it may be silent.
    void begin_tunnel() noexcept;
    // The stream has changed: more came, or it ended.
    void on_change() noexcept;
    [[nodiscard]] error failed() const noexcept { return failed_; }
    [[nodiscard]] bool is_call() const noexcept override { return rules_.call; }

 private:
    [[nodiscard]] std::optional<std::uint64_t> rate(time_point now) const noexcept override;
    [[nodiscard]] const void* connection() const noexcept override { return &from_.connection; }
    void cut() noexcept override;

    class patience final : public net::deadline {
     public:
        explicit patience(h2_request_body& of) noexcept : of_(of) {}

     private:
        void on_expire(error why) noexcept override {
            of_.failed_ = why;
            of_.changed_.set();
        }
        h2_request_body& of_;
    };

    input from_;
    rules rules_;
    exchange::record& record_;
    body_pace pace_;
    patience patience_;
    net::event changed_;
    std::uint64_t seen_ = 0;  // bytes that the pace knows of
    error failed_;
    bool stopped_ = false;
    bool waiting_ = false;
    bool woken_ = false;
    bool quiet_ = false;
    bool tunnelling_ = false;
};

}  // namespace penstock::downstream
