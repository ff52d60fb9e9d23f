// h2_session: one side of an HTTP/2 connection (RFC 9113) over nghttp2, as far as both sides are
// the same: streams, their bodies, flow control, and the end. Bytes and the time in, streams that
// changed and bytes out; no sockets, no waits. h2_server_session and h2_client_session add the
// heads.
//
// Flow: `receive` what came; take each stream of `next_changed` and act on it (`take_data`,
// `reset` …); then `send` for as long as it gives bytes. Nothing here calls back, except for
// `h2_outgoing::take`, out of `send`.
//
// Ownership: streams are the session's. Outgoing bodies are the owner's, and live until `release`.
#pragma once

#include "penstock/base/recycled.hpp"
#include "penstock/http/h2.hpp"
#include "penstock/http/h2_data_queue.hpp"
#include "penstock/http/h2_windows.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

// A message's body as its owner can give it.
class h2_outgoing {
 public:
    struct piece {
        std::string_view data;  // valid until the next call
        bool end = false;       // nothing follows
        bool failed = false;    // the message stays incomplete
    };
    // At most `max` bytes. Nothing and no end: `resume` tells when there is more.
    [[nodiscard]] virtual piece take(std::size_t max) = 0;
    // Sent behind the end.
    [[nodiscard]] virtual const fields* trailers() const noexcept = 0;

 protected:
    ~h2_outgoing() = default;
};

// The peer's half goes from its head over data and trailers to `ended`, ours to `sent`; `closed`
// once both are over or either side has reset it. It lives until it is closed and its owner has
// called `release`. If it was reset it counts against the limit of concurrent streams until then:
// work for a request that was given up is still work.
struct h2_stream {
    virtual ~h2_stream() = default;
    // Recycled per thread, like everything that lives as long as a request.
    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }

    h2_stream_id id = 0;
    std::optional<std::uint64_t> length;  // of the peer's body, as its head says
    fields trailers;
    time_point opened{};
    bool head_complete = false;
    bool bodiless = false;        // END_STREAM came with the head
    bool ended = false;           // the peer's half is over
    bool closed = false;          // no more of it can be sent or received
    bool closed_by_peer = false;  // by its RST_STREAM
    bool head_sent = false;       // a final response's head was given to `send`'s caller
    bool sent = false;            // our half is over
    h2_code code = h2_code::no_error;
    std::uint64_t data_sent = 0;  // body bytes that left for the peer
    void* owner = nullptr;

 private:
    friend class h2_session;
    h2_data_queue data_;
    std::size_t taken_ = 0;       // of data_, still read by the owner
    std::size_t credit_ = 0;      // of its window, not said yet
    std::size_t charged_ = 0;     // to the account, of what waits
    std::uint64_t received_ = 0;  // of the peer's body
    std::size_t trailer_count_ = 0;
    std::size_t trailer_bytes_ = 0;
    h2_outgoing* body_ = nullptr;
    h2_outgoing::piece pending_;
    std::size_t place_ = 0;
    bool changed_ = false;
    bool released_ = false;
    bool reset_ = false;  // by us, whether or not it has left
    bool bad_trailers_ = false;
    bool over_ = false;    // takes no place any more
    bool passed_ = false;  // what comes for it is dropped
    bool waits_ = false;   // the outgoing body had nothing
};

class h2_session {
 public:
    h2_session(const h2_session&) = delete;
    h2_session& operator=(const h2_session&) = delete;

    // A breach of the rules ends the session: what comes behind it is not looked at, and `send`
    // gives a GOAWAY as the last thing.
    void receive(std::string_view bytes, time_point now);
    [[nodiscard]] bool has_changed() const noexcept { return changed_first_ < changed_.size(); }

    // At most `max` bytes of the body. The view stays until the next call, which also opens the
    // peer's window for what the last one gave.
    [[nodiscard]] std::string_view take_data(h2_stream& of, std::size_t max);
    [[nodiscard]] static std::size_t data_waiting(const h2_stream& of) noexcept {
        return of.data_.size() - of.taken_;
    }

    // From now on windows grow, out of this account, which outlives the session; null = they don't.
    void use_account(h2_window_account* account) noexcept;
    // DATA comes so fast that a window may be too small for the distance: `grow_windows` decides.
    [[nodiscard]] bool wants_window() const noexcept;
    // `delay`: the round trip as TCP has measured it.
    void grow_windows(nanoseconds delay);
    // The connection's window is larger than at first.
    [[nodiscard]] bool has_grown() const noexcept;
    // It is, and the account has little left for others.
    [[nodiscard]] bool holds_scarce_window() const noexcept;
    // Where windows were made smaller for want of room, and there is room again.
    void restore_windows();
    [[nodiscard]] std::uint32_t connection_window() const noexcept;
    [[nodiscard]] std::uint32_t stream_window() const noexcept;

    // The outgoing body has more.
    void resume(h2_stream& of) noexcept;
    // True if it waits for its body, and not for the peer's window or for its turn.
    [[nodiscard]] static bool starved(const h2_stream& of) noexcept { return of.waits_; }
    // The first one counts. A stream of ours whose head has not left is never seen by the peer.
    void reset(h2_stream& of, h2_code code) noexcept;
    // The owner is done with it. A stream that is not closed is reset. So a message of ours is
    // whole only if `sent` was waited for.
    void release(h2_stream& of) noexcept;
    // The same where our half has left and the peer's is still to come, but for the reset: a peer
    // that hears of it at once may drop the message that it is about to read. What comes is
    // dropped, the stream's window stays as it is, and of all changes only its end is told. False,
    // and nothing has happened, where there is nothing to wait for.
    [[nodiscard]] bool pass_over(h2_stream& of) noexcept;
    // That stream, while it lives; null if there is none.
    [[nodiscard]] h2_stream* passed_over(h2_stream_id id) const noexcept;

    // Appends whole frames until there are at least `max` bytes or nothing is left.
    void send(std::string& out, std::size_t max);
    [[nodiscard]] bool wants_to_send() const noexcept;
    // Both sides have said that they are done, or the session has ended.
    [[nodiscard]] bool over() const noexcept;
    // True from `terminate`, or the library's own decision, on.
    [[nodiscard]] bool ended() const noexcept;
    // A frame or a header block has begun to arrive and is not whole.
    [[nodiscard]] bool within_head() const noexcept;
    // What we have ended it with; known once the GOAWAY was given to `send`'s caller.
    [[nodiscard]] h2_code ended_by() const noexcept;
    // Why; `none` for an end that no breach has caused.
    [[nodiscard]] h2_breach breach() const noexcept;
    // The connection ends now: for a breach, or for none.
    void terminate(h2_breach why) noexcept;

    [[nodiscard]] bool settings_acknowledged() const noexcept { return acknowledged_; }
    // Streams that their owner has not released.
    [[nodiscard]] std::size_t active() const noexcept { return active_; }
    // Of those the ones that still take one of the places that one side grants the other: not
    // any more once both halves are whole.
    [[nodiscard]] std::size_t live() const noexcept { return active_ - over_; }
    [[nodiscard]] std::vector<h2_stream*> unreleased() const;
    [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }
    // Grows with every byte of DATA that leaves or is taken, and every end of a message of ours.
    [[nodiscard]] std::uint64_t progress() const noexcept;

 protected:
    enum class role : std::uint8_t { server, client };
    enum class verdict : std::uint8_t { good, end_connection };
    struct implementation;
    struct callbacks;

    h2_session(role as, const h2_limits& limits);
    virtual ~h2_session();

    [[nodiscard]] h2_stream* next_changed_stream() noexcept;
    void mark_changed(h2_stream& of);
    void adopt(std::unique_ptr<h2_stream> made);
    void set_body(h2_stream& of, h2_outgoing* body) noexcept { of.body_ = body; }
    [[nodiscard]] h2_stream* find(h2_stream_id id) const noexcept;
    // Up to the GOAWAY that was submitted, whatever `send` is told of the socket's room: what it
    // gives next begins with that.
    void send_goaway_ahead();
    // A stream that was closed without having been told to its owner is nobody's.
    void close_stream(h2_stream& of, h2_code code);

    std::unique_ptr<implementation> impl_;

 private:
    // A header block begins: the peer has opened a stream, if `opens`. One that is not adopted is
    // refused.
    virtual void begin_head(h2_stream_id id, bool opens) = 0;
    [[nodiscard]] virtual verdict add_head_field(h2_stream& of, const fields::field& one) = 0;
    virtual void finish_head(h2_stream& of, bool ended) = 0;
    virtual void on_priority_update(h2_stream_id) noexcept {}
    virtual void on_reset_by_peer(h2_stream*) noexcept {}
    virtual void on_reset_by_us(h2_code) noexcept {}
    // What a stream is reset with that its owner gives up.
    [[nodiscard]] virtual h2_code release_code(const h2_stream& of) const noexcept = 0;
    // The connection's window is for all of its streams: it opens as they are read, and for so many
    // bytes that still wait in them before that, so that one that is not read holds up no other.
    [[nodiscard]] virtual std::size_t ahead_max() const noexcept = 0;
    void give_window(std::size_t read);
    void give_credit(std::size_t count);
    void give_credit(h2_stream& of, std::size_t count);
    void hold_data(h2_stream& of, std::string_view data);
    // True where what waits in streams is not within the connection's window.
    [[nodiscard]] virtual bool counts_waiting() const noexcept = 0;
    void charge(h2_stream& of);
    void widen(h2_stream& of);
    void settle_charge(h2_stream& of) noexcept;
    void set_stream_window(std::uint32_t to);
    [[nodiscard]] verdict add_trailer(h2_stream& of, const fields::field& one);
    void finish_frame(h2_stream& of, bool is_head, bool ended);
    [[nodiscard]] bool keeps_to_length(h2_stream& of, bool whole) noexcept;
    void erase(h2_stream& of) noexcept;
    void let_go(h2_stream& of) noexcept;
    [[nodiscard]] bool send_frame(std::string& out);
    void end(h2_breach why, h2_code code) noexcept;

    std::vector<std::unique_ptr<h2_stream>> streams_;
    std::vector<h2_stream*> changed_;  // null = released meanwhile
    std::size_t changed_first_ = 0;
    std::size_t active_ = 0;
    std::size_t over_ = 0;  // of active_, but not of live()
    std::uint64_t opened_ = 0;
    bool acknowledged_ = false;
};

}  // namespace penstock::http
