// h2_session: the server's side of one HTTP/2 connection (RFC 9113) over nghttp2. Bytes and the
// time in, streams that changed and bytes out; no sockets, no waits.
//
// Flow: `receive` what came; take each stream of `next_changed` and act on it (`respond`, `reset`,
// `take_data` …); then `send` for as long as it gives bytes. Nothing here calls back, except for
// `h2_outgoing::take`, out of `send`.
//
// Ownership: streams are the session's. Outgoing bodies are the owner's, and live until `release`.
#pragma once

#include "penstock/http/h2.hpp"
#include "penstock/http/h2_data_queue.hpp"
#include "penstock/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

// The client's half goes from its head over data and trailers to `ended`, ours from `respond` to
// `sent`; `closed` once both are over or either side has reset it. It lives until it is closed and
// its owner has called `release`, and counts against the limit of concurrent streams until then:
// work for a request that was given up is still work.
struct h2_stream {
    h2_stream_id id = 0;
    request_head head;
    std::string protocol;  // of an extended CONNECT (RFC 8441)
    error refused;         // the head could not be accepted: an answer of our own
    std::optional<std::uint64_t> length;
    fields trailers;
    time_point opened{};
    bool head_complete = false;
    bool ended = false;           // the client's half is over
    bool closed = false;          // no more of it can be sent or received
    bool closed_by_peer = false;  // by its RST_STREAM
    bool answered = false;        // a final response was submitted
    bool sent = false;            // our half is over
    h2_code code = h2_code::no_error;
    std::uint64_t data_sent = 0;  // body bytes that left for the client
    void* owner = nullptr;

 private:
    friend class h2_session;
    h2_data_queue data_;
    std::size_t taken_ = 0;  // of data_, still read by the owner
    h2_outgoing* body_ = nullptr;
    h2_outgoing::piece pending_;
    std::size_t place_ = 0;
    bool changed_ = false;
    bool released_ = false;
    bool malformed_ = false;
    bool waits_ = false;  // the outgoing body had nothing
};

class h2_session {
 public:
    explicit h2_session(const h2_limits& limits);
    ~h2_session();
    h2_session(const h2_session&) = delete;
    h2_session& operator=(const h2_session&) = delete;

    // From the preface's first byte on. A breach of the rules ends the session: what comes behind
    // it is not looked at, and `send` gives a GOAWAY as the last thing.
    void receive(std::string_view bytes, time_point now);
    // A stream that has changed since it was last returned; null if there is none.
    [[nodiscard]] h2_stream* next_changed() noexcept;
    [[nodiscard]] bool has_changed() const noexcept { return changed_first_ < changed_.size(); }

    // At most `max` bytes of the body. The view stays until the next call, which also opens the
    // client's window for what the last one gave.
    [[nodiscard]] std::string_view take_data(h2_stream& of, std::size_t max);
    [[nodiscard]] static std::size_t data_waiting(const h2_stream& of) noexcept {
        return of.data_.size() - of.taken_;
    }

    // A head that can't be written is an error, and nothing is sent. No body: the head is all.
    // `length` is announced; the body has to keep to it.
    [[nodiscard]] result<void> respond(h2_stream& to, const response_head& head,
                                       std::optional<std::uint64_t> length, h2_outgoing* body);
    [[nodiscard]] result<void> send_interim(h2_stream& to, const response_head& head);
    // The outgoing body has more.
    void resume(h2_stream& of) noexcept;
    // True if it waits for its body, and not for the client's window or for its turn.
    [[nodiscard]] static bool starved(const h2_stream& of) noexcept { return of.waits_; }
    void reset(h2_stream& of, h2_code code) noexcept;
    // The owner is done with it. A stream that is not closed is reset: with no_error if our half is
    // over and only the client's is missing (RFC 9113 §8.1). So a response is whole only if `sent`
    // was waited for.
    void release(h2_stream& of) noexcept;

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

    // GOAWAY in two steps (RFC 9113 §6.8): no new streams, please; then what was taken up so far.
    void announce_end() noexcept;
    void refuse_new() noexcept;
    // The connection ends now.
    void terminate(h2_code code) noexcept;
    [[nodiscard]] bool settings_acknowledged() const noexcept { return acknowledged_; }
    // Streams that their owner has not released.
    [[nodiscard]] std::size_t active() const noexcept { return active_; }
    [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }

 private:
    struct callbacks;
    struct implementation;
    void mark_changed(h2_stream& of);
    void erase(h2_stream& of) noexcept;

    std::unique_ptr<implementation> impl_;
    std::vector<std::unique_ptr<h2_stream>> streams_;
    std::vector<h2_stream*> changed_;  // null = released meanwhile
    std::size_t changed_first_ = 0;
    std::size_t active_ = 0;
    std::uint64_t opened_ = 0;
    bool acknowledged_ = false;
};

}  // namespace penstock::http
