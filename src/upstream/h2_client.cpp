#include "upstream/h2_client.hpp"

#include "penstock/base/log.hpp"
#include "penstock/net/error.hpp"
#include "penstock/upstream/failure.hpp"
#include "upstream/connector.hpp"
#include "upstream/counting.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace penstock::upstream {
namespace {

// One buffer serves all connections of a thread; only what the kernel does not take is kept by one.
std::string& scratch() {
    static thread_local std::string text;
    text.clear();
    return text;
}

}  // namespace

http::h2_limits h2_limits_of(const config::upstream& settings) noexcept {
    http::h2_limits limits;
    limits.streams = settings.http2.streams;
    limits.stream_window = static_cast<std::uint32_t>(settings.http2.stream_window);
    // It opens as bytes arrive, so a response which nobody reads never holds up another one.
    limits.connection_window = std::max(limits.stream_window, http::h2_window_first);
    limits.head = h2_client::head_limits;
    // An origin is no attacker that has not been let in; it may measure its path with PINGs.
    limits.floods.control = 10'000;
    // Nor can it help that its responses cross with our resets.
    limits.floods.ignored = 16 * 1024 * 1024;
    limits.floods.block = 2 * h2_client::head_limits.head;
    return limits;
}

h2_client::h2_client(place in, std::unique_ptr<connection> over, h2_client_owner& owner,
                     cluster_counters& counters)
    : in_(std::move(in)),
      over_(std::move(over)),
      owner_(&owner),
      counters_(&counters),
      windows_(in_.shared->windows, in_.shared->settings.buffer.total),
      session_(h2_limits_of(in_.shared->settings)),
      children_(in_.home),
      flush_(in_.home),
      alarm_(over_->stream()),
      began_(in_.home.now()),
      heard_(began_),
      idle_since_(began_),
      calm_(in_.shared->endpoints[endpoint()]->calm.load(std::memory_order_relaxed)) {
    session_.use_account(&windows_);
    net::set_user_timeout(over_->stream().fd(), user_timeout_of(in_.shared->settings));
    count_as(standing::idle);
}

net::task<> h2_client::run(std::shared_ptr<h2_client> self) { co_await self->serve(); }

net::task<> h2_client::serve() {
    net::stream& stream = over_->stream();
    children_.start(write_loop());
    flush_soon();
    int reads = 0;
    while (!over()) {
        if (read_once()) {
            deliver();
            if (++reads >= reads_in_turn_max) {
                reads = 0;
                net::next_turn others(in_.home);
                co_await others;
                // Nobody could be woken meanwhile.
                deliver();
            }
            continue;
        }
        if (over())
            break;
        reads = 0;
        // Judged once all that has come is read: the process may have stood still, and then the
        // answer to a PING lies in the socket.
        if (alarm_.rung()) {
            alarm_.off();
            look_at_time();
            deliver();
            continue;
        }
        set_alarm();
        const error waited = co_await stream.readable();
        if (waited)
            fail(waited);
        deliver();
    }
    alarm_.off();
    note_end();
    count_as(standing::gone);
    tell_streams();
    quit_ = true;
    flush_soon();
    if (failed_)
        stream.abort(failed_);
    co_await children_.join();
    if (!failed_)
        stream.shutdown_write();
    over_->close();
}

// One read, into a slab that is held for no longer than the session looks at it. False: nothing is
// there now.
bool h2_client::read_once() {
    net::stream& stream = over_->stream();
    if (failed_ || !stream.maybe_readable())
        return false;
    const net::read_buffer::room room = buffer_.prepare(in_.home.buffers());
    const result<std::size_t> got = stream.read(std::span<char>(room.data, room.size));
    if (!got || *got == 0) {
        buffer_.release_if_empty();
        if (got)
            fail(net::errc::end_of_stream);
        else if (got.error() != net::errc::would_block)
            fail(got.error());
        return false;
    }
    buffer_.commit(*got);
    heard_ = in_.home.now();
    pinged_ = never;
    session_.receive({buffer_.data(), buffer_.size()}, heard_);
    buffer_.consume(buffer_.size());
    if (session_.wants_window())
        session_.grow_windows(stream.round_trip());
    flush_soon();
    return true;
}

void h2_client::look() {
    over_->stream().ask_again();
    bool came = false;
    for (int reads = 0; reads < reads_in_turn_max && read_once(); ++reads)
        came = true;
    if (came)
        deliver();
    // What came of it is the reader's to see to.
    if (came || failed_)
        over_->stream().wake_reader();
}

std::optional<idle_period> h2_client::idled() const noexcept {
    if (!idle() || session_.opened() == 0)
        return std::nullopt;
    return idle_period{idle_since_, in_.home.now()};
}

std::optional<idle_period> h2_client::ended_idling() const noexcept {
    if (!failed_ && !session_.going_away())
        return std::nullopt;
    if (idle())
        return idled();
    if (idled_.length() == nanoseconds{0})
        return std::nullopt;
    // Requests that have not been heard crossed the origin's word on their way.
    const auto streams = session_.unreleased();
    const auto unheard = [](const http::h2_stream* each) {
        return static_cast<const http::h2_client_stream*>(each)->unprocessed();
    };
    const bool crossed = failed_ ? heard_ == idled_.until && over_->stream().unconfirmed()
                                 : std::any_of(streams.begin(), streams.end(), unheard);
    return crossed ? std::optional(idled_) : std::nullopt;
}

void h2_client::deliver() {
    while (http::h2_client_stream* const stream = session_.next_changed()) {
        if (stream->owner != nullptr)
            static_cast<h2_stream_owner*>(stream->owner)->on_change();
    }
    if (session_.ended() && ended_since_ == never) {
        ended_since_ = in_.home.now();
        log_warn("{}: HTTP/2 connection ended: {}", in_.shared->endpoints[endpoint()]->name,
                 http::name(session_.breach()));
        // The origin is told, if its socket takes it at once.
        if (pending_.empty())
            (void)write_some();
        fail(errc::connection_broken);
    }
    note_calm();
    if (session_.going_away())
        note_end();
    else if (owner_ != nullptr && !opening())
        owner_->on_slot(*this);
}

// The first reason stays.
void h2_client::fail(error why) noexcept {
    if (!failed_)
        failed_ = why;
}

void h2_client::note_end() noexcept {
    retiring_ = true;
    if (!std::exchange(end_noted_, true) && owner_ != nullptr)
        owner_->on_end(*this);
}

// An origin that is asked too often whether it is there says so with its GOAWAY. It has other
// reasons to ask for calm, as many streams that clients cancel, where it was never asked.
// Connections that were made before it said that add nothing.
void h2_client::note_calm() noexcept {
    if (calmed_ || pings_ == 0 || session_.goaway_code() != http::h2_code::enhance_your_calm)
        return;
    calmed_ = true;
    std::uint32_t before = calm_;
    calm_ = std::min(before + 1, calm_max);
    in_.shared->endpoints[endpoint()]->calm.compare_exchange_strong(before, calm_,
                                                                    std::memory_order_relaxed);
}

// Takes one doubling back for the connections to come. This one keeps its interval, which its
// streams are known to live with; and it does so once, so that an interval which is too short is
// tried again only by connections that have lived through the longer one.
void h2_client::vouch() noexcept {
    if (calm_ == 0 || pings_ != pings_to_vouch)
        return;
    std::uint32_t before = calm_;
    in_.shared->endpoints[endpoint()]->calm.compare_exchange_strong(before, calm_ - 1,
                                                                    std::memory_order_relaxed);
}

// Only silence of a connection with streams is asked about, and rarely: a stream that is quiet is
// in order, and servers of gRPC end a connection that asks more often than once in five minutes. A
// peer that is gone is first of all a matter of TCP (keepalive and TCP_USER_TIMEOUT).
nanoseconds h2_client::ping_interval() const noexcept {
    const nanoseconds once = in_.shared->settings.http2.ping_interval;
    return std::min(once * (std::int64_t{1} << calm_), ping_interval_max);
}

void h2_client::count_stream() noexcept {
    session_.restore_windows();
    if (counters_ != nullptr)
        add(counters_->streams);
    if (session_.active() != 1)
        return;
    count_as(standing::busy);
    idled_ = session_.opened() > 1 ? idle_period{idle_since_, in_.home.now()} : idle_period{};
    // The silence before the first request was nobody's fault.
    heard_ = in_.home.now();
    over_->stream().wake_reader();
}

void h2_client::release(http::h2_client_stream& of) noexcept {
    session_.release(of);
    flush_soon();
    if (counters_ != nullptr)
        subtract(counters_->streams);
    if (session_.active() == 0) {
        if (counted_ != standing::gone)
            count_as(standing::idle);
        idle_since_ = in_.home.now();
        over_->stream().wake_reader();
    }
    if (owner_ != nullptr && slots() > 0)
        owner_->on_slot(*this);
}

void h2_client::retire() noexcept {
    note_end();
    over_->stream().wake_reader();
}

// The reader, which the closing wakes, sees to the rest.
upstream::place h2_client::give_up_place() noexcept {
    note_end();
    upstream::place freed = over_->give_up_place();
    over_->close();
    return freed;
}

void h2_client::count_as(standing now) noexcept {
    const standing before = std::exchange(counted_, now);
    if (counters_ == nullptr || before == now)
        return;
    if (before != standing::gone)
        subtract(before == standing::idle ? counters_->idle : counters_->active);
    if (now != standing::gone)
        add(now == standing::idle ? counters_->idle : counters_->active);
}

void h2_client::abandon() noexcept {
    count_as(standing::gone);
    counters_ = nullptr;
    owner_ = nullptr;
    retire();
}

milliseconds h2_client::idle_limit() const noexcept {
    const milliseconds limit = in_.shared->settings.pool.idle_timeout;
    return session_.holds_scarce_window() ? std::min(limit, http::h2_scarce_idle) : limit;
}

void h2_client::set_alarm() noexcept {
    const config::upstream& settings = in_.shared->settings;
    time_point next = never;
    if (!session_.settings_received())
        next = began_ + settings.timeouts.connect;
    else if (idle())
        next = idle_since_ + idle_limit();
    else if (pinged_ != never)
        next = pinged_ + settings.http2.ping_timeout;
    else
        next = heard_ + ping_interval();
    // Room may become scarce meanwhile.
    if (idle() && session_.has_grown())
        next = std::min(next, in_.home.now() + http::h2_scarce_idle);
    alarm_.set(next, net::errc::keepalive_timeout);
}

void h2_client::look_at_time() noexcept {
    const config::upstream& settings = in_.shared->settings;
    const time_point now = in_.home.now();
    if (failed_)
        return;
    if (!session_.settings_received()) {
        if (now >= began_ + settings.timeouts.connect)
            fail(net::errc::connect_timeout);
    } else if (idle()) {
        if (now >= idle_since_ + idle_limit())
            note_end();
    } else if (pinged_ != never && now >= pinged_ + settings.http2.ping_timeout) {
        fail(net::errc::upstream_idle_timeout);
    } else if (pinged_ == never && now >= heard_ + ping_interval()) {
        // All earlier ones were answered.
        vouch();
        ++pings_;
        pinged_ = now;
        session_.ping();
        flush_soon();
    }
}

bool h2_client::over() const noexcept { return failed_ || (retiring_ && idle()); }

// Each stream's owner finds out by itself what is left for it.
void h2_client::tell_streams() noexcept {
    session_.terminate(http::h2_breach::none);
    for (http::h2_stream* const each : session_.unreleased())
        static_cast<h2_stream_owner*>(each->owner)->on_change();
}

net::task<> h2_client::write_loop() {
    while (!failed_) {
        const outcome so_far = write_some();
        if (so_far == outcome::turn_over) {
            net::next_turn others(in_.home);
            co_await others;
            continue;
        }
        if (so_far == outcome::blocked) {
            iovec rest{pending_.data(), pending_.size()};
            const std::span<iovec> parts(&rest, 1);
            const result<void> written = co_await over_->stream().write_all(
                parts, in_.shared->settings.timeouts.idle, net::errc::write_timeout);
            pending_ = std::string();
            if (!written)
                fail(written.error());
            continue;
        }
        if (quit_)
            break;
        if (session_.has_changed() || over())
            over_->stream().wake_reader();
        flush_.reset();
        co_await flush_;
    }
    over_->stream().wake_reader();
}

// Writes until nothing is left, the kernel takes no more, or others should have their turn.
h2_client::outcome h2_client::write_some() {
    for (std::size_t written = 0; written < 4 * write_size;) {
        std::string& text = scratch();
        session_.send(text, write_size);
        // The library may have found the breach; the reader is the one who ends it.
        if (session_.ended() && ended_since_ == never)
            over_->stream().wake_reader();
        if (text.empty())
            return outcome::done;
        iovec part{text.data(), text.size()};
        const result<std::size_t> taken = over_->stream().write(std::span<const iovec>(&part, 1));
        if (!taken && taken.error() != net::errc::would_block) {
            fail(taken.error());
            return outcome::done;
        }
        const std::size_t count = taken ? *taken : 0;
        if (count < text.size() || !over_->stream().flush()) {
            pending_.assign(text, count);
            return outcome::blocked;
        }
        written += count;
    }
    return outcome::turn_over;
}

}  // namespace penstock::upstream
