// h2_exchange: one request and its response on a stream of an h2_connection. Runs as a child of its
// connection; while it runs, its stream counts against the limit of concurrent streams.
//
//   head ─► handle() ─► response head ─► body, as fast as the client's window allows ─► done
//      └──► refused           any reset, deadline or end of the connection ─► aborted ─► done
#pragma once

#include "downstream/connection_home.hpp"
#include "downstream/h2_request_body.hpp"
#include "downstream/response_plan.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h2_server_session.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task.hpp"

#include <memory>
#include <optional>

namespace penstock::downstream {

class h2_exchange final : private http::h2_outgoing,
                          private exchange::interim_sink,
                          private exchange::client_side {
 public:
    struct place {
        connection_home& home;
        http::h2_server_session& session;
        h2_flusher& flusher;
        const net::socket_address& peer;
        const std::string& peer_text;
        const net::socket_address& local;
        const net::stream& stream;
        std::uint64_t connection;  // its number (worker::next_number)
        nanoseconds handshake;     // of TLS, charged to the connection's first request
        bool served_before;        // the connection has taken a whole response
    };
    h2_exchange(const place& in, http::h2_server_stream& of);
    ~h2_exchange();
    h2_exchange(const h2_exchange&) = delete;
    h2_exchange& operator=(const h2_exchange&) = delete;
    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }

    // Returns once nothing of it is left but the stream, which the caller releases.
    [[nodiscard]] net::task<> run();
    // More of the body came, the response's last frame left, or the stream was reset.
    void on_change() noexcept;
    // The connection ends.
    void abort(error why, std::string_view detail = {}) noexcept;

    // It waits for its client to take something, or is over for want of that.
    [[nodiscard]] bool stalls() const noexcept { return ended_ || stall_.armed(); }
    // Its client has the whole response; after `run`.
    [[nodiscard]] bool served() const noexcept { return record_.response_complete; }

    // Where its connection keeps it.
    std::size_t place_in_list = 0;

 private:
    // The client takes nothing of what is there for it.
    class stall final : public net::deadline {
     public:
        explicit stall(h2_exchange& of) noexcept : of_(of) {}

     private:
        void on_expire(error why) noexcept override { of_.on_stall(why); }
        h2_exchange& of_;
    };

    class tunnel_idle final : public net::deadline {
     public:
        explicit tunnel_idle(h2_exchange& of) noexcept : of_(of) {}

     private:
        void on_expire(error why) noexcept override { of_.on_tunnel_idle(why); }
        h2_exchange& of_;
    };

    // The client has not taken for a while what is there for it.
    class slow_client final : public net::deadline {
     public:
        explicit slow_client(h2_exchange& of) noexcept : of_(of) {}

     private:
        void on_expire(error) noexcept override { of_.on_slow(); }
        h2_exchange& of_;
    };

    void begin();
    [[nodiscard]] exchange::reason understand();
    void explain_head();
    net::task<exchange::response> answer();
    [[nodiscard]] exchange::response refusal(exchange::reason why);
    net::task<> reply(exchange::response with);
    [[nodiscard]] bool is_gone(const exchange::response& with) noexcept;
    [[nodiscard]] exchange::reason begin_response(exchange::response& with);
    [[nodiscard]] bool send_head(exchange::response& with);
    [[nodiscard]] bool gather();
    [[nodiscard]] result<std::string_view> next_data(std::size_t max);
    [[nodiscard]] bool begin_tunnel(exchange::response& with);
    void arm_idle() noexcept;
    void on_tunnel_idle(error why) noexcept;
    net::task<> send_rest();
    void begin_block();
    void end_block() noexcept;
    void on_slow() noexcept;
    [[nodiscard]] bool failed_by_client() const noexcept;
    [[nodiscard]] exchange::reason reason_of_body() const noexcept;
    void judge_end();
    void finish();
    void note(exchange::reason why) noexcept;
    void note_end() noexcept;
    void on_stall(error why) noexcept;
    [[nodiscard]] bool give_way() noexcept override;

    [[nodiscard]] piece take(std::size_t max) override;
    [[nodiscard]] const http::fields* trailers() const noexcept override;
    net::task<result<void>> send_interim(const http::response_head& head) override;

    place in_;
    http::h2_server_stream& stream_;
    std::shared_ptr<const listener_state> state_;  // that the head was read under
    exchange::request request_;
    std::unique_ptr<exchange::record> recycled_;
    exchange::record& record_;
    exchange::abort_signal aborted_;
    std::optional<h2_request_body> body_;
    exchange::body_source* outgoing_ = nullptr;
    std::unique_ptr<exchange::body_source>* outgoing_place_ = nullptr;  // where it is kept
    net::slab first_;  // of its bytes, those that go in front
    std::size_t first_size_ = 0;
    std::size_t first_given_ = 0;
    http::method verb_ = http::method::get;  // as asked; the handler may edit the head
    std::optional<std::uint64_t> length_;    // as announced
    std::uint64_t left_ = 0;                 // of it
    stall stall_;
    slow_client slow_;
    std::uint64_t slow_at_ = 0;  // body bytes that had left when it was last looked at
    bool ahead_ = false;
    tunnel_idle idle_;  // while a tunnel or a quiet call runs
    std::uint64_t tunnel_moved_ = 0;
    bool websocket_ = false;
    net::event changed_;
    std::uint64_t stalled_at_ = 0;  // body bytes that had left when the stall was last looked at
    error ended_;                   // why it ended early, by our doing
    error body_failed_;             // the response's; set only if nothing had ended it before
};

}  // namespace penstock::downstream
