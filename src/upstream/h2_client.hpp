// h2_client: one connection to an endpoint that speaks HTTP/2 and carries many exchanges. Reads and
// feeds the session, tells each stream's owner what has changed, and writes once per turn of the
// loop what the session has to say.
//
//   open ─► retiring (GOAWAY of either side, idle for too long, removed) ─► over, without streams
//     └───► failed: a lost peer, an unanswered PING, a breach of the rules
//
// Lifetime: `run` owns it while it is connected; exchanges own it for as long as they have a stream
// of it. Its pool hears of its end and is never used after `abandon`.
#pragma once

#include "penstock/http/h2_client_session.hpp"
#include "penstock/net/alarm.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task_group.hpp"
#include "penstock/net/tls.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/connection.hpp"

#include <memory>
#include <optional>
#include <string>

namespace penstock::upstream {

class h2_client;

// Owns a stream: http::h2_stream::owner points to it.
class h2_stream_owner {
 public:
    virtual void on_change() noexcept = 0;

 protected:
    ~h2_stream_owner() = default;
};

class h2_client_owner {
 public:
    // A stream may be free, because one has ended or the origin allows more.
    virtual void on_slot(h2_client& of) noexcept = 0;
    // It takes no new streams any more; not called after `abandon`.
    virtual void on_end(h2_client& of) noexcept = 0;

 protected:
    ~h2_client_owner() = default;
};

class h2_client final {
 public:
    static constexpr std::size_t write_size = std::size_t{64} * 1024;
    static constexpr int reads_in_turn_max = 4;
    // The interval of PINGs does not grow beyond this, nor is it doubled more often.
    static constexpr nanoseconds ping_interval_max = std::chrono::hours{24};
    static constexpr std::uint32_t calm_max = 16;
    // So many PINGs that a connection's origin has answered without complaint show that it may be
    // asked more often.
    static constexpr std::uint32_t pings_to_vouch = 8;
    // Of a response's head.
    static constexpr http::head_limits head_limits{
        .head = 64 * 1024, .line = 8 * 1024, .field = 64 * 1024, .count = 128};

    struct place {
        net::worker& home;
        std::shared_ptr<shared_upstream> shared;
        std::shared_ptr<net::tls_context> tls;
    };
    h2_client(place in, std::unique_ptr<connection> over, h2_client_owner& owner,
              cluster_counters& counters);
    h2_client(const h2_client&) = delete;
    h2_client& operator=(const h2_client&) = delete;

    // Until nothing of the connection is left.
    [[nodiscard]] static net::task<> run(std::shared_ptr<h2_client> self);

    [[nodiscard]] http::h2_client_session& session() noexcept { return session_; }
    // Streams that may be opened now; none before the origin's SETTINGS, which say how many.
    [[nodiscard]] std::size_t slots() const noexcept {
        const bool open = !retiring_ && !failed_ && session_.settings_received();
        return open ? session_.slots() : 0;
    }
    [[nodiscard]] std::size_t endpoint() const noexcept { return over_->endpoint(); }
    [[nodiscard]] bool is_tls() const noexcept { return over_->stream().is_tls(); }
    [[nodiscard]] bool idle() const noexcept { return session_.active() == 0; }
    [[nodiscard]] std::size_t streams() const noexcept { return session_.active(); }
    // The origin's SETTINGS have not come yet.
    [[nodiscard]] bool opening() const noexcept {
        return !retiring_ && !failed_ && !session_.settings_received();
    }
    // Why it failed, if it did.
    [[nodiscard]] error failed() const noexcept { return failed_; }
    // It has carried exchanges and carries none now: since when. Else nothing.
    [[nodiscard]] std::optional<idle_period> idled() const noexcept;
    // The idle time that the origin has ended by leaving, unless it left for another reason.
    [[nodiscard]] std::optional<idle_period> ended_idling() const noexcept;

    // Asks the kernel, whatever it said last, and takes up what has come: then `slots` knows.
    void look();

    void flush_soon() noexcept { flush_.set(); }
    void count_stream() noexcept;
    // The owner of a stream is done with it.
    void release(http::h2_client_stream& of) noexcept;
    // No new streams; over once there are none.
    void retire() noexcept;
    // Closes it, while it is idle, so that another connection can have its place.
    [[nodiscard]] upstream::place give_up_place() noexcept;
    // Its pool goes: as retire, and nobody is told any more.
    void abandon() noexcept;

 private:
    // What it is counted as.
    enum class standing : std::uint8_t { gone, idle, busy };
    enum class outcome : std::uint8_t { done, blocked, turn_over };

    net::task<> serve();
    [[nodiscard]] bool read_once();
    void deliver();
    void fail(error why) noexcept;
    void note_end() noexcept;
    void note_calm() noexcept;
    void vouch() noexcept;
    [[nodiscard]] nanoseconds ping_interval() const noexcept;
    [[nodiscard]] milliseconds idle_limit() const noexcept;
    void set_alarm() noexcept;
    void look_at_time() noexcept;
    [[nodiscard]] bool over() const noexcept;
    void count_as(standing now) noexcept;
    void tell_streams() noexcept;
    net::task<> write_loop();
    [[nodiscard]] outcome write_some();

    place in_;
    std::unique_ptr<connection> over_;
    h2_client_owner* owner_;
    cluster_counters* counters_;
    http::h2_window_account windows_;
    http::h2_client_session session_;
    net::task_group children_;
    net::event flush_;
    net::alarm alarm_;
    net::read_buffer buffer_;
    std::string pending_;  // what the kernel did not take
    time_point began_;
    time_point heard_;  // from the origin, at last
    time_point pinged_ = never;
    time_point idle_since_;
    idle_period idled_;  // before the streams of now
    time_point ended_since_ = never;
    std::uint32_t calm_;       // doublings of the interval of PINGs
    std::uint32_t pings_ = 0;  // sent
    error failed_;
    standing counted_ = standing::gone;
    bool retiring_ = false;
    bool end_noted_ = false;
    bool quit_ = false;
    bool calmed_ = false;
};

// What the configuration means for a session.
[[nodiscard]] http::h2_limits h2_limits_of(const config::upstream& settings) noexcept;

}  // namespace penstock::upstream
