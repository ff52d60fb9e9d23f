// h1_response_writer: writes one response. Head and first body bytes leave in one write; chunk
// framing is written around the handler's bytes by writev, without a copy; what is long and needs
// no framing goes from socket to socket through a pipe. It doesn't decide about framing
// (response_plan) nor about the connection's future.
//
// Flow: encode the head into `text`, then `relay` a body or `write_head`. Afterwards `body_failed`
// and `client_failed` tell what went wrong, at most one of them. A body that fails before anything
// was written leaves the client untouched (`begun` is false), so another response can take its
// place.
#pragma once

#include "downstream/h1_request_body.hpp"
#include "downstream/read_ahead.hpp"
#include "penstock/exchange/exchange.hpp"
#include "penstock/http/h1_body.hpp"
#include "penstock/http/h1_head.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/stream.hpp"

#include <array>
#include <span>
#include <string>

namespace penstock::downstream {

class h1_response_writer {
 public:
    static constexpr std::size_t take_max = net::buffer_pool::large;
    // From so many bytes on it is worth the calls to move a body through a pipe.
    static constexpr std::size_t move_min = std::size_t{64} * 1024;
    // After this many bytes without a wait, other connections of the worker get their turn.
    static constexpr std::size_t turn_max = std::size_t{256} * 1024;
    // What a small write counts for, since it costs a system call as well.
    static constexpr std::size_t write_cost_min = turn_max / 16;

    // `text` holds the encoded head and, later, the trailers.
    h1_response_writer(net::stream& to, exchange::record& record, std::string& text,
                       milliseconds idle) noexcept
        : to_(to), record_(record), text_(text), idle_(idle) {}

    // The connection ends behind the response, so its end may leave with its last bytes.
    void close_behind() noexcept { closes_behind_ = true; }
    // Bytes of a tunnel are told to `listener`, which watches over its idle time.
    void tell(body_listener& listener) noexcept { listener_ = &listener; }
    // What a slow client does not take may be held here, below these caps.
    void hold_for_slow(const config::buffer_limits& most,
                       std::atomic<std::uint64_t>& all) noexcept {
        ahead_most_ = &most;
        ahead_all_ = &all;
    }
    [[nodiscard]] net::task<> write_head();
    // `trailers` says that the client wants them; they only exist with chunked framing. For a slow
    // client a read_ahead takes the place of `body`.
    [[nodiscard]] net::task<> relay(std::unique_ptr<exchange::body_source>& body,
                                    http::framing framing, bool trailers);

    // Some byte of the head was handed to the kernel.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] error body_failed() const noexcept { return body_failed_; }
    [[nodiscard]] error client_failed() const noexcept { return client_failed_; }
    [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
    void add_head() noexcept;
    void add_part(std::string_view bytes) noexcept;
    [[nodiscard]] bool add_data(std::string_view data);
    [[nodiscard]] bool add_end(const http::fields& trailers, bool wanted);
    [[nodiscard]] result<void> try_write();
    enum class outcome : std::uint8_t { done, blocked, turn_over };
    [[nodiscard]] outcome write_parts();
    net::task<> write_later(outcome so_far);
    enum class move_step : std::uint8_t { moved, starved, blocked, failed };
    [[nodiscard]] bool movable(const exchange::body_source& body) const noexcept;
    net::task<> move(std::unique_ptr<exchange::body_source>& body);
    [[nodiscard]] move_step move_once(exchange::body_source& body, net::pipe& through);
    [[nodiscard]] move_step fill(exchange::body_source& body, net::pipe& into);

    // The client has taken nothing for as long as a fast one may.
    class slow_client final : public net::deadline {
     public:
        explicit slow_client(h1_response_writer& of) noexcept : of_(of) {}

     private:
        void on_expire(error) noexcept override { of_.on_slow(); }
        h1_response_writer& of_;
    };
    void begin_block();
    void end_block() noexcept;
    void on_slow() noexcept;

    net::stream& to_;
    exchange::record& record_;
    std::string& text_;
    milliseconds idle_;
    http::framing framing_;
    std::uint64_t left_ = 0;        // of framing_kind::length
    std::array<iovec, 5> parts_{};  // head, chunk size, data, CRLF, end
    std::size_t part_count_ = 0;
    std::size_t part_first_ = 0;
    http::chunk_size_line size_line_{};
    std::size_t unpaused_ = 0;
    error body_failed_;
    error client_failed_;
    body_listener* listener_ = nullptr;
    slow_client slow_{*this};
    std::unique_ptr<exchange::body_source>* body_ = nullptr;  // while it is relayed
    const config::buffer_limits* ahead_most_ = nullptr;
    std::atomic<std::uint64_t>* ahead_all_ = nullptr;
    std::string rest_;  // what the parts point to while the body is read ahead
    bool ahead_ = false;
    bool head_pending_ = true;
    bool begun_ = false;
    bool complete_ = false;
    bool closes_behind_ = false;
};

}  // namespace penstock::downstream
