// h2_connection: one client connection that speaks HTTP/2, from its preface to its GOAWAY. Reads
// and feeds the session, starts an exchange for every request, and writes what the session has to
// say once per turn of the loop, so that the answers of a turn leave together.
//
//   serving ─► announced (first GOAWAY) ─► refusing (second) ─► over, once every exchange is done
//      └────────────────────────────────────────────────────► over: a breach, a deadline, a lost
//      peer
//
// Lifetime: a local of the coroutine that owns the stream; `serve` returns once every exchange has
// ended. The stream is closed by the owner.
#pragma once

#include "downstream/connection_home.hpp"
#include "downstream/h2_exchange.hpp"
#include "penstock/http/h2_server_session.hpp"
#include "penstock/net/alarm.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/task_group.hpp"

#include <memory>
#include <string>
#include <vector>

namespace penstock::downstream {

// Told when a connection goes from idle to busy and back.
class activity_listener {
 public:
    virtual void on_activity(bool busy) noexcept = 0;

 protected:
    ~activity_listener() = default;
};

class h2_connection final : private h2_flusher {
 public:
    // The grace between the two GOAWAYs, for requests that are under way.
    static constexpr milliseconds drain_grace = 1s;
    static constexpr milliseconds settings_limit = 10s;
    // For the last GOAWAY to leave.
    static constexpr milliseconds end_limit = 1s;
    static constexpr milliseconds linger_time = 1s;
    static constexpr std::size_t linger_bytes_max = std::size_t{1} * 1024 * 1024;
    // How long a client may take to end a request that was answered before it was whole.
    static constexpr milliseconds early_time = 1s;
    // Requests taken up before other connections get their turn.
    static constexpr int requests_in_turn_max = 16;
    // What is written, or read, at once and in one turn.
    static constexpr std::size_t write_size = std::size_t{64} * 1024;
    static constexpr int reads_in_turn_max = 4;

    struct place {
        connection_home& home;
        net::stream& stream;
        const net::socket_address& peer;
        const net::socket_address& local;
        activity_listener& listener;
        std::uint64_t number;  // of the connection, as worker::next_number gives it
        nanoseconds handshake;
    };
    explicit h2_connection(const place& in);
    h2_connection(const h2_connection&) = delete;
    h2_connection& operator=(const h2_connection&) = delete;

    // `first` is what was read already, from the preface on.
    [[nodiscard]] net::task<> serve(net::read_buffer first);
    // The server goes down: no more requests, and the end once those that run are done.
    void drain() noexcept;
    // When it ends if its client asks for nothing; time_point::max() while it is at work.
    [[nodiscard]] time_point idle_end() const noexcept;

 private:
    enum class stage : std::uint8_t { serving, announced, refusing };
    enum class outcome : std::uint8_t { done, blocked, turn_over };

    [[nodiscard]] bool read_once();
    [[nodiscard]] bool take_up();
    void start(http::h2_server_stream& of);
    net::task<> run(std::unique_ptr<h2_exchange> exchange, http::h2_server_stream& of);
    void let_go(http::h2_server_stream& of);
    void reset_early() noexcept;
    void look_at_time() noexcept;
    [[nodiscard]] milliseconds idle_limit() const noexcept;
    void set_alarm() noexcept;
    void terminate(http::h2_breach why) noexcept;
    void keep_limits() noexcept;
    void refuse_new() noexcept;
    bool note_end() noexcept;
    [[nodiscard]] bool over() const noexcept;
    net::task<> end();

    void flush_soon() noexcept override { flush_.set(); }
    void on_stall() noexcept override;
    void on_cut() noexcept override { drain(); }
    [[nodiscard]] std::shared_ptr<ahead_account> ahead() override;
    net::task<> write_loop();
    [[nodiscard]] outcome write_some();

    place in_;
    std::string peer_text_;  // once for all its exchanges
    http::h2_window_account windows_;
    http::h2_server_session session_;
    net::task_group children_;
    net::event flush_;
    net::alarm alarm_;
    net::read_buffer buffer_;
    std::vector<h2_exchange*> exchanges_;
    // Streams that were answered early, and when each is reset.
    struct early {
        http::h2_stream_id stream;
        time_point until;
    };
    std::vector<early> early_;
    std::shared_ptr<ahead_account> ahead_;  // once some stream is slow
    std::string pending_;                   // what the kernel did not take
    time_point began_;
    time_point idle_since_;
    time_point head_since_ = never;  // that a head is incomplete
    time_point drain_since_ = never;
    time_point ended_since_ = never;
    time_point stalled_since_ = never;  // the first stall behind which nothing moved
    std::uint64_t moved_ = 0;           // as of then
    error failed_;
    stage stage_ = stage::serving;
    bool served_ = false;  // a whole response
    bool quit_ = false;
};

// What the listener's settings mean for a session.
[[nodiscard]] http::h2_limits h2_limits_of(const listener_state& state) noexcept;

}  // namespace penstock::downstream
