// The second half of an exchange: the response's body, and what becomes of the connection.
#include "penstock/net/error.hpp"
#include "upstream/counting.hpp"
#include "upstream/h1_exchange.hpp"
#include "upstream/phase_wait.hpp"

#include <span>
#include <utility>

namespace penstock::upstream {

std::optional<std::uint64_t> h1_exchange::length() const noexcept {
    switch (framing_.kind) {
        case http::framing_kind::none:
            return 0;
        case http::framing_kind::length:
            return framing_.length;
        case http::framing_kind::chunked:
        case http::framing_kind::until_close:
            break;
    }
    return std::nullopt;
}

const http::fields& h1_exchange::trailers() const noexcept { return decoder_.trailers(); }

result<std::size_t> h1_exchange::fill() {
    const net::read_buffer::room room = buffer_.prepare(around_.home.buffers());
    if (room.size == 0)
        return error(net::errc::too_large);
    const result<std::size_t> got = stream().read(std::span<char>(room.data, room.size));
    if (got) {
        buffer_.commit(*got);
    } else {
        buffer_.release_if_empty();
    }
    return got;
}

result<std::string_view> h1_exchange::take(std::size_t max) {
    if (upgraded_)
        start_tunnel();
    while (!finished_ && max > 0) {
        if (failed_)
            return failed_;
        if (!buffer_.empty()) {
            const result<std::string_view> data = decode(max);
            if (!data)
                return fail(data.error());
            if (!data->empty())
                return data;
            continue;
        }
        if (!stream().aborted() && !stream().maybe_readable())
            break;
        const result<std::size_t> got = fill();
        if (got && *got > 0)
            continue;
        if (!got && got.error() == net::errc::would_block)
            break;
        if (!got)
            return fail(stream().aborted() ? got.error() : http::errc::truncated);
        const result<void> ended = end_of_input();
        if (!ended)
            return ended.error();
    }
    return std::string_view();
}

result<void> h1_exchange::end_of_input() {
    const error end = decoder_.end_of_input();
    if (end)
        return fail(end);
    end_of_body(false);
    return {};
}

// Of a body whose end only a close shows, nobody knows whether there is enough to be worth it.
std::uint64_t h1_exchange::movable() const noexcept {
    if (finished_ || failed_ || upgraded_ || !buffer_.empty() ||
        framing_.kind == http::framing_kind::until_close || connection_->stream().is_tls())
        return 0;
    return decoder_.remaining_run();
}

result<std::size_t> h1_exchange::move_into(net::pipe& to, std::size_t max) {
    if (failed_)
        return failed_;
    // No view is in use any more, and what comes now needs no slab.
    buffer_.release_if_empty();
    if (!stream().aborted() && !stream().maybe_readable())
        return std::size_t{0};
    const result<std::size_t> moved = stream().read_into(to, max);
    if (!moved && moved.error() == net::errc::would_block)
        return std::size_t{0};
    if (!moved)
        return fail(stream().aborted() ? moved.error() : http::errc::truncated);
    if (*moved == 0) {
        const result<void> ended = end_of_input();
        if (!ended)
            return ended.error();
        return std::size_t{0};
    }
    decoder_.skip(*moved);
    if (decoder_.finished())
        end_of_body(true);
    return moved;
}

// One run of body bytes out of the buffer; the body's end shows with its last bytes.
result<std::string_view> h1_exchange::decode(std::size_t max) {
    const auto [data, used, fault] = decoder_.read(buffer_.bytes(), max);
    buffer_.consume_keep(used);
    if (fault && data.empty())
        return fault;
    // These bytes are good; the next call is told of the fault.
    if (fault)
        (void)fail(fault);
    if (decoder_.finished())
        end_of_body(true);
    return data;
}

net::task<result<void>> h1_exchange::wait() {
    if (upgraded_)
        start_tunnel();
    if (failed_)
        co_return failed_;
    if (finished_ || !buffer_.empty())
        co_return result<void>();
    buffer_.release_if_empty();
    if (!upgraded_)
        sender_.begin_body_wait();
    error waited;
    {
        const phase_wait charged(from_.record->ledger, exchange::phase::response, around_.home);
        waited = co_await stream().readable();
    }
    sender_.end_body_wait();
    if (waited)
        co_return fail(waited);
    co_return result<void>();
}

void h1_exchange::wake() noexcept {
    if (connection_)
        stream().wake_reader();
}

// The client sees a body that breaks off; the stream is of no further use.
error h1_exchange::fail(error why) noexcept {
    const error of_client = sender_.client_failure();
    failed_ = of_client ? of_client : why;
    stream().abort(failed_);
    return failed_;
}

// `clean` says that the message's own framing ended it.
void h1_exchange::end_of_body(bool clean) {
    finished_ = true;
    keeps_alive_ = keeps_alive_ && clean;
    // With a pump that still runs, close() has to stop it first.
    if (beside_.running() == 0)
        settle(reusable());
}

void h1_exchange::start_tunnel() {
    if (std::exchange(tunnelling_, true))
        return;
    beside_.start(sender_.tunnel());
}

bool h1_exchange::reusable() {
    if (!finished_ || !keeps_alive_ || failed_ || !buffer_.empty() || !sender_.complete())
        return false;
    const connection::condition seen = connection_->look(connection::source::memory);
    // It said that it would stay.
    if (seen == connection::condition::closed) {
        const time_point now = around_.home.now();
        around_.pool.age_of(endpoint_).closed({now, now}, now);
    }
    return seen == connection::condition::quiet;
}

net::task<> h1_exchange::close() {
    if (!connection_)
        co_return;
    if (beside_.running() > 0) {
        // Once something of a response has come, the request is not sent again.
        sender_.stop(response_begun_ ? h1_sender::body_after::unwanted
                                     : h1_sender::body_after::wanted);
        stream().abort(net::errc::closed);
        co_await beside_.join();
    }
    if (drainable())
        co_await drain();
    if (connection_)
        settle(reusable());
}

// What is left may be worth reading when its length is known and small: a connection is worth it.
bool h1_exchange::drainable() const noexcept {
    return !finished_ && !failed_ && keeps_alive_ && !connection_->stream().aborted() &&
           framing_.kind == http::framing_kind::length && decoder_.remaining_run() <= drain_max;
}

net::task<> h1_exchange::drain() {
    stream().read_deadline(around_.home.now() + drain_time, net::errc::closed);
    for (;;) {
        const result<std::string_view> dropped = take(drain_max);
        if (!dropped || finished_)
            break;
        if (!dropped->empty())
            continue;
        const error waited = co_await stream().readable();
        if (waited)
            break;
    }
    if (connection_)
        stream().read_deadline_off();
}

void h1_exchange::settle(bool reuse) {
    attached_.reset();
    subtract(around_.counters.active);
    stream().read_deadline_off();
    stream().write_deadline_off();
    unheard_ = reused_ && !response_begun_ && stream().unconfirmed();
    connection_->end_exchange(around_.home.now());
    share_.end();
    around_.pool.give_back(std::move(connection_), reuse);
    load_.end();
}

}  // namespace penstock::upstream
