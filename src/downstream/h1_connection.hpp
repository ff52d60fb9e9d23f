// h1_connection: one client connection that speaks HTTP/1, from its TLS handshake to its close.
// One request after another: a client that sends ahead is held back by its own socket.
//
// A client that speaks HTTP/2, by ALPN or by its preface, goes on with an h2_connection.
//   handshake ─► idle ─► busy ─► idle …      idle: no buffer, no serving
//                  │       └──► closing      busy: from a head's first byte to the answer's last
//                  └──────────► closing
//
// Lifetime: owned by the coroutine that serves it, which ends once the socket is closed. What a
// request starts beside it is joined by response.body->close() before the next one.
#pragma once

#include "downstream/connection_home.hpp"
#include "downstream/h1_response_writer.hpp"
#include "downstream/h2_connection.hpp"
#include "downstream/request_rules.hpp"
#include "downstream/response_plan.hpp"
#include "penstock/net/alarm.hpp"
#include "penstock/net/stream.hpp"

#include <memory>
#include <string>

namespace penstock::downstream {

// Keeps a connection for as long as its task lives.
class connection_owner {
 public:
    virtual ~connection_owner() = default;
};

// A client that closes its side with nothing left to read counts as gone, as with a reset: its
// exchange is aborted at once. FIN and close look the same on the wire, and orphan work costs an
// origin more than a client that only half-closes loses. An answer that is there all the same is
// written; what was sent ahead of the FIN is served before it counts.
class h1_connection final : private net::socket_watcher,
                            private exchange::interim_sink,
                            private exchange::client_side,
                            private body_listener {
 public:
    // A connection that has not asked for anything yet gets this long when the server drains.
    static constexpr milliseconds drain_grace = 1s;
    static constexpr milliseconds linger_time = 5s;
    static constexpr std::size_t linger_bytes_max = std::size_t{16} * 1024 * 1024;
    // Requests served without a wait before other connections get their turn.
    static constexpr int requests_in_turn_max = 16;

    struct accepted {
        net::unique_fd fd;
        net::socket_address peer;
        std::shared_ptr<const net::socket_address> local;
    };
    h1_connection(connection_home& home, accepted from);
    ~h1_connection();

    // `owner` keeps this object until the task is destroyed.
    [[nodiscard]] net::task<> serve(std::unique_ptr<connection_owner> owner);
    // Answers without a request, for a connection over the cap, and closes. To wait for a head
    // would hold such connections for as long as their clients like, so the answer has no body: it
    // fits every method. `until` is how long the cap is expected to last.
    struct refusal_of_cap {
        exchange::reason why;
        milliseconds until;
    };
    [[nodiscard]] net::task<> refuse(std::unique_ptr<connection_owner> owner, refusal_of_cap of);
    // When it ends if its client asks for nothing; time_point::max() while it is at work.
    [[nodiscard]] time_point idle_end() const noexcept {
        if (extras_ && extras_->h2 != nullptr)
            return extras_->h2->idle_end();
        return state_ == state::idle && alarm_.armed() ? alarm_.at() : time_point::max();
    }
    [[nodiscard]] const net::socket_address& client() const noexcept { return peer_; }
    // The server goes down: an idle connection ends, a busy one after its response.
    void drain() noexcept;
    // Ends it now.
    void abort() noexcept;

    // Where its server keeps it.
    std::size_t place = 0;

 private:
    enum class state : std::uint8_t { handshake, idle, busy, closing };
    enum class idle_step : std::uint8_t { wait, request, end };
    enum class head_state : std::uint8_t { partial, whole, other_protocol };
    enum class ending : std::uint8_t { keep, close, linger, reset, switch_protocol };

    // The connection (h1_connection.cpp).
    net::task<bool> begin_tls();
    net::task<> end_without_tls(time_point began);
    void report_failed_handshake(time_point began);
    [[nodiscard]] idle_step begin_idle();
    [[nodiscard]] idle_step look_for_request();
    [[nodiscard]] bool takes_too_many_turns() noexcept;
    net::task<> let_others();
    [[nodiscard]] bool idle_is_over() noexcept;
    net::task<> close(ending how);
    [[nodiscard]] result<std::size_t> fill(net::read_buffer& into);
    void enter(state next) noexcept;
    [[nodiscard]] bool agreed_on_h2() const noexcept;
    net::task<> serve_h2();

    // The request (h1_request.cpp).
    void begin_request();
    net::task<ending> serve_request();
    [[nodiscard]] result<head_state> feed_head();
    net::task<result<head_state>> more_head();
    [[nodiscard]] result<head_state> read_more_head();
    [[nodiscard]] bool answerable(error why) const noexcept;
    [[nodiscard]] ending leave_head(error why) noexcept;
    [[nodiscard]] exchange::reason understand_head();
    void start_body(const request_facts& facts, std::uint64_t bytes_max);
    void begin_record();
    void describe();
    void explain_head(error why);
    net::task<ending> refuse_plain();
    void finish_exchange(bool asked);
    void note(exchange::reason why) noexcept;
    void on_peer_closed() noexcept override { look_for_end(); }
    void on_readable() noexcept override { look_for_end(); }
    void on_body_finished() noexcept override { look_for_end(); }
    void look_for_end() noexcept;
    void end_exchange(error why) noexcept;
    [[nodiscard]] bool give_way() noexcept override;

    // The response (h1_reply.cpp).
    net::task<ending> reply(exchange::response with);
    net::task<ending> refuse_request(exchange::reason why);
    [[nodiscard]] exchange::response refusal(exchange::reason why);
    [[nodiscard]] result<void> encode(const exchange::response& with, response_plan& plan);
    [[nodiscard]] bool may_keep(const exchange::response& with) const noexcept;
    [[nodiscard]] bool needs_drain(bool kept) const noexcept;
    [[nodiscard]] ending after(bool kept) const noexcept;
    net::task<ending> drain_request();
    [[nodiscard]] exchange::reason reason_of_body(error why) const noexcept;
    [[nodiscard]] exchange::reason reason_of_end(const h1_response_writer& writer) const noexcept;
    [[nodiscard]] ending broken(const h1_response_writer& writer,
                                const response_plan& plan) const noexcept;
    net::task<> relay_tunnel(h1_response_writer& writer,
                             std::unique_ptr<exchange::body_source>& body);
    net::task<result<void>> send_interim(const http::response_head& head) override;
    void on_tunnel_bytes() noexcept override;

    // What a connection has beside its stream if it speaks TLS or HTTP/2.
    struct extras {
        std::shared_ptr<net::tls_context> context;  // while the stream uses it
        nanoseconds handshake{0};                   // charged to the first request
        h2_connection* h2 = nullptr;                // while it serves
    };
    class h2_activity;

    // Ends a tunnel in which nothing has moved.
    class tunnel_deadline final : public net::deadline {
     public:
        explicit tunnel_deadline(h1_connection& of) noexcept : of_(of) {}

     private:
        void on_expire(error why) noexcept override { of_.end_exchange(why); }
        h1_connection& of_;
    };

    connection_home& home_;
    net::stream stream_;
    net::socket_address peer_;
    std::shared_ptr<const net::socket_address> local_;
    std::uint64_t number_;  // unlike an address, it does not pass to a later connection
    std::unique_ptr<extras> extras_;
    net::read_buffer buffer_;
    net::alarm alarm_;
    std::unique_ptr<serving> serving_;
    // Small, since each of many idle connections has them.
    std::uint32_t served_ = 0;  // stays at its highest value
    std::uint8_t in_turn_ = 0;  // requests since the last wait
    state state_ = state::handshake;
    bool drain_noted_ = false;       // the grace has begun
    bool keeps_alive_ : 1 = false;   // as far as the request says
    bool watched_ : 1 = false;       // the client's leaving ends the exchange
    bool replied_ : 1 = false;       // a final response is being written
    bool half_closed_ : 1 = false;   // we have said that no more will come
    bool line_skipped_ : 1 = false;  // the empty line that may come before a request has come
};

}  // namespace penstock::downstream
