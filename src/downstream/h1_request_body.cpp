#include "downstream/h1_request_body.hpp"

#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <span>
#include <utility>

namespace penstock::downstream {
namespace {

// Whatever the kernel or TLS calls it, there will be no more bytes of this body. Reasons of our own
// (a deadline, an abort) stay.
error client_error(error why) noexcept {
    const bool of_peer = why.category() != net::category() || why == net::errc::end_of_stream ||
                         why == net::errc::tls_failed;
    return of_peer ? error(net::errc::peer_gone) : why;
}

}  // namespace

h1_request_body::h1_request_body(const input& from, const rules& by, exchange::record& record)
    : from_(from),
      rules_(by),
      record_(record),
      decoder_(by.framing),
      pace_(by.idle),
      ended_(from.stream.home()),
      finished_(decoder_.finished()),
      awaits_continue_(by.awaits_continue) {}

std::optional<std::uint64_t> h1_request_body::length() const noexcept {
    if (tunnel_ || rules_.framing.kind == http::framing_kind::chunked)
        return std::nullopt;
    return rules_.framing.length;
}

result<std::string_view> h1_request_body::take(std::size_t max) {
    touched_ = true;
    if (stopped_)
        return error(net::errc::closed);
    return next(max);
}

result<std::string_view> h1_request_body::next(std::size_t max) {
    while (!finished_ && max > 0) {
        if (failed_)
            return failed_;
        if (!from_.buffer.empty()) {
            const result<std::string_view> data = decode(max);
            if (!data)
                return fail(data.error());
            if (!data->empty())
                return data;
            continue;
        }
        if (!from_.stream.aborted() && !from_.stream.maybe_readable())
            break;
        const result<std::size_t> got = fill();
        if (got && *got > 0)
            continue;
        if (!got && got.error() == net::errc::would_block)
            break;
        if (!got)
            return fail(client_error(got.error()));
        const result<void> end = end_of_input();
        if (!end)
            return fail(end.error());
    }
    return std::string_view();
}

// One run of body bytes out of the buffer. What follows it is looked at already, so that the body's
// end shows with its last bytes and not one call later.
result<std::string_view> h1_request_body::decode(std::size_t max) {
    const auto [data, used, fault] = decoder_.read(from_.buffer.bytes(), max);
    from_.buffer.consume_keep(used);
    if (fault && data.empty())
        return fault;
    // These bytes are good; the next call is told of the fault.
    if (fault)
        (void)fail(fault);
    record_.request_bytes += data.size();
    if (rules_.bytes_max != 0 && !tunnel_ && record_.request_bytes > rules_.bytes_max) {
        return error(net::errc::too_large);
    }
    if (decoder_.finished())
        finish();
    return data;
}

result<std::size_t> h1_request_body::fill() {
    const net::read_buffer::room room = from_.buffer.prepare(from_.stream.home().buffers());
    const result<std::size_t> got = from_.stream.read(std::span<char>(room.data, room.size));
    if (!got || *got == 0) {
        from_.buffer.release_if_empty();
        return got;
    }
    from_.buffer.commit(*got);
    take_in(*got);
    return got;
}

void h1_request_body::take_in(std::size_t count) noexcept {
    awaits_continue_ = false;
    if (tunnel_)
        from_.listener.on_tunnel_bytes();
    else
        pace_.take_in(count, from_.stream.home().now());
}

// Only a body whose length is known, and so was held against the cap before it was accepted.
std::uint64_t h1_request_body::movable() const noexcept {
    if (finished_ || failed_ || stopped_ || tunnel_ || !from_.buffer.empty() ||
        rules_.framing.kind != http::framing_kind::length || from_.stream.is_tls())
        return 0;
    return decoder_.remaining_run();
}

result<std::size_t> h1_request_body::move_into(net::pipe& to, std::size_t max) {
    touched_ = true;
    // No view is in use any more, and what comes now needs no slab.
    from_.buffer.release_if_empty();
    if (!from_.stream.aborted() && !from_.stream.maybe_readable())
        return std::size_t{0};
    const result<std::size_t> moved = from_.stream.read_into(to, max);
    if (!moved && moved.error() == net::errc::would_block)
        return std::size_t{0};
    if (!moved)
        return fail(client_error(moved.error()));
    if (*moved == 0)
        return fail(net::errc::peer_gone);
    take_in(*moved);
    decoder_.skip(*moved);
    record_.request_bytes += *moved;
    if (decoder_.finished())
        finish();
    return moved;
}

// FIN: the end of a tunnel's direction, but never of a framed body.
result<void> h1_request_body::end_of_input() {
    if (!tunnel_)
        return error(net::errc::peer_gone);
    finish();
    return {};
}

error h1_request_body::fail(error why) noexcept {
    if (!failed_)
        failed_ = why;
    ended_.set();
    return failed_;
}

void h1_request_body::finish() noexcept {
    finished_ = true;
    unwatch();
    ended_.set();
    from_.listener.on_body_finished();
}

net::task<result<void>> h1_request_body::wait() {
    touched_ = true;
    if (stopped_)
        co_return error(net::errc::closed);
    if (failed_)
        co_return failed_;
    if (finished_ || !from_.buffer.empty())
        co_return result<void>();
    from_.buffer.release_if_empty();
    begin_wait();
    const error waited = co_await from_.stream.readable();
    const error late = from_.alarm.rung();
    end_wait();
    if (stopped_)
        co_return error(net::errc::closed);
    if (waited)
        co_return fail(client_error(waited));
    if (late)
        co_return fail(late);
    co_return result<void>();
}

void h1_request_body::begin_wait() noexcept {
    waiting_ = true;
    if (!tunnel_ && !awaits_continue_)
        begin_clock();
}

void h1_request_body::begin_clock() noexcept {
    timed_ = true;
    const time_point latest = pace_.begin_wait(from_.stream.home().now());
    from_.alarm.set(latest, net::errc::body_timeout);
    from_.watch.add(*this);
    if (!quiet_)
        record_.ledger.enter(exchange::phase::body, net::worker::clock());
}

void h1_request_body::end_wait() noexcept {
    const time_point now = from_.stream.home().now();
    waiting_ = false;
    if (!std::exchange(timed_, false))
        return;
    pace_.end_wait(now);
    from_.alarm.off();
    if (!quiet_)
        record_.ledger.enter(exchange::phase::loop, now);
}

std::optional<std::uint64_t> h1_request_body::rate(time_point now) const noexcept {
    return timed_ && !stopped_ && !failed_ ? pace_.rate(now) : std::nullopt;
}

void h1_request_body::cut() noexcept {
    (void)fail(net::errc::body_timeout);
    wake();
}

void h1_request_body::note_continue() noexcept {
    if (!std::exchange(awaits_continue_, false))
        return;
    if (waiting_)
        begin_clock();
}

void h1_request_body::wake() noexcept {
    if (waiting_)
        from_.stream.wake_reader();
}

void h1_request_body::stop() noexcept {
    stopped_ = true;
    ended_.set();
    wake();
}

void h1_request_body::begin_tunnel() {
    decoder_ = http::h1_body_decoder(http::framing{http::framing_kind::until_close, 0});
    tunnel_ = true;
    finished_ = stopped_ = false;
    ended_.reset();
}

bool h1_request_body::drainable() const noexcept {
    if (finished_)
        return true;
    const bool unused = !touched_ || stopped_;
    return unused && !failed_ && !awaits_continue_ &&
           rules_.framing.kind == http::framing_kind::length &&
           decoder_.remaining_run() <= drain_max;
}

net::task<bool> h1_request_body::drain() {
    stopped_ = quiet_ = true;
    from_.alarm.set(from_.stream.home().now() + drain_time, net::errc::closed);
    for (std::size_t dropped = 0; dropped <= drain_max && !finished_;) {
        const result<std::string_view> data = next(drain_max);
        if (!data)
            break;
        dropped += data->size();
        if (!data->empty() || finished_)
            continue;
        from_.buffer.release_if_empty();
        const error waited = co_await from_.stream.readable();
        if (waited || from_.alarm.rung())
            break;
    }
    from_.alarm.off();
    co_return finished_;
}

}  // namespace penstock::downstream
