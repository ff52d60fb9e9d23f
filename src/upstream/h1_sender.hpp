// The request half of one exchange: serialises the head, pulls the request's body and writes both.
// Head and the first body bytes that are here leave in one write.
//
// Flow: `begin` writes what the kernel takes without waiting. If that was not all, `pump` runs
// beside the reader of the response. After a 101, `tunnel` passes the client's raw bytes on. Until
// `go_quiet` the pump keeps the ledger right while it waits: the client's bytes are phase body, the
// origin's socket is phase send.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h1_body.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/connection.hpp"

#include <array>
#include <string>

namespace penstock::upstream {

class h1_sender {
 public:
    static constexpr std::size_t take_max = std::size_t{64} * 1024;
    // Writes without a wait before other connections of the worker get their turn.
    static constexpr int writes_in_turn_max = 16;
    // From so many bytes on a body goes from socket to socket, where both are plain.
    static constexpr std::uint64_t move_min = std::uint64_t{64} * 1024;

    h1_sender(connection& over, exchange::request& from, const config::upstream_timeouts& limits)
        : stream_(over.stream()), scratch_(over.scratch()), from_(from), limits_(limits) {}

    // `host` is sent if the request came without one. Fails only if the head cannot be serialised.
    [[nodiscard]] result<void> begin(std::string_view host);
    // Runs to the end: everything sent, an error met, or stopped.
    [[nodiscard]] net::task<> pump();
    [[nodiscard]] net::task<> tunnel();
    // Makes the pump end soon; its stream is aborted by the caller. The body stays as it is, unless
    // nobody wants it any more.
    enum class body_after : std::uint8_t { wanted, unwanted };
    void stop(body_after body) noexcept;
    // The pump charges no phase and sets no first-byte deadline any more.
    void go_quiet() noexcept { quiet_ = true; }
    // 100 came: a client that waited for it may send now.
    void note_continue() noexcept { continued_ = true; }

    // The key of our own in a websocket's handshake; empty if the client's own was sent.
    [[nodiscard]] const std::string& key() const noexcept { return key_; }

    // Every byte of the request is with the kernel.
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    // Nothing more will be written, for whatever reason.
    [[nodiscard]] bool over() const noexcept { return complete_ || stopping_ || failed_; }
    [[nodiscard]] bool sent_any() const noexcept { return sent_any_; }
    [[nodiscard]] bool body_used() const noexcept { return body_used_; }
    // The error with which the client's side ended the request, if it did.
    [[nodiscard]] error client_failure() const noexcept { return client_failure_; }
    // What a reader that waits for the response head really waits for.
    [[nodiscard]] exchange::phase waits_for() const noexcept { return phase_; }
    // The first-byte clock runs while nothing is to be sent: after the whole request, or while the
    // origin is to say 100.
    void start_first_byte_clock() noexcept;
    // Between the two the reader waits for bytes of the response's body. The idle clock runs in the
    // same way: an origin that answered early may be silent for as long as an upload moves.
    void begin_body_wait() noexcept;
    void end_body_wait() noexcept;

 private:
    [[nodiscard]] http::framing choose_framing() const;
    [[nodiscard]] exchange::phase client_phase() const noexcept;
    void add_part(std::string_view bytes) noexcept;
    bool load();
    void load_end();
    void write_pending();
    [[nodiscard]] bool movable() const noexcept;
    net::task<> move();
    bool fill(net::pipe& into);
    net::task<> after_write();
    net::task<> wait_for_origin();
    net::task<> wait_for_client();
    void fail_client(error why) noexcept;
    void finish() noexcept;
    void start_idle_clock() noexcept;
    void charge(exchange::phase waits_in) noexcept;
    void charge_loop() noexcept;

    net::stream& stream_;
    std::string& scratch_;
    exchange::request& from_;
    const config::upstream_timeouts& limits_;

    http::framing framing_;
    std::uint64_t length_left_ = 0;
    std::array<iovec, 5> parts_{};  // head, chunk size, data, CRLF, end
    std::size_t part_first_ = 0;
    std::size_t part_end_ = 0;
    http::chunk_size_line size_line_{};
    std::string trailer_;
    std::string key_;

    int writes_in_turn_ = 0;
    exchange::phase phase_ = exchange::phase::send;
    error failed_;
    error client_failure_;
    bool ended_ = false;  // the body's end is among the parts or was sent
    bool complete_ = false;
    bool raw_ = false;
    bool sent_any_ = false;
    bool body_used_ = false;
    bool continued_ = false;
    bool quiet_ = false;
    bool awaits_body_ = false;
    bool stopping_ = false;
    bool waits_for_client_ = false;
};

}  // namespace penstock::upstream
