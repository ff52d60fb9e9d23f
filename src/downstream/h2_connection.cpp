#include "downstream/h2_connection.hpp"

#include "downstream/counting.hpp"
#include "penstock/base/log.hpp"
#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace penstock::downstream {
namespace {

// What the session gives is written at once, mostly to its end: one buffer serves all connections
// of a thread, and only what is left over is kept by one.
std::string& scratch() {
    static thread_local std::string text;
    text.clear();
    return text;
}

}  // namespace

http::h2_limits h2_limits_of(const listener_state& state) noexcept {
    const config::listener& settings = state.settings;
    http::h2_limits limits;
    limits.streams = settings.http2.streams;
    limits.stream_window = static_cast<std::uint32_t>(settings.http2.stream_window);
    limits.connection_window = static_cast<std::uint32_t>(settings.http2.connection_window);
    limits.head = head_limits_of(settings.limit);
    limits.extended_connect = state.handler->takes_websockets();
    return limits;
}

h2_connection::h2_connection(const place& in)
    : in_(in),
      windows_(in.home.counts.ahead, in.home.state->settings.buffer.total),
      session_(h2_limits_of(*in.home.state)),
      children_(in.home.worker),
      flush_(in.home.worker),
      alarm_(in.stream),
      began_(in.home.worker.now()),
      idle_since_(began_) {
    session_.use_account(&windows_);
    in_.peer.print(peer_text_);
}

net::task<> h2_connection::serve(net::read_buffer first) {
    buffer_ = std::move(first);
    children_.start(write_loop());
    flush_soon();
    if (in_.stream.is_tls() && !in_.stream.tls().suits_http2)
        terminate(http::h2_breach::inadequate_security);
    if (in_.home.draining)
        drain();
    int reads = 0;
    while (!over()) {
        const bool more = read_once();
        while (take_up()) {
            net::next_turn others(in_.home.worker);
            co_await others;
        }
        keep_limits();
        if (over())
            break;
        if (more) {
            if (++reads < reads_in_turn_max)
                continue;
            reads = 0;
            net::next_turn others(in_.home.worker);
            co_await others;
            continue;
        }
        reads = 0;
        // Judged once all that has come is read: the process may have stood still, and then what a
        // limit waits for lies in the socket.
        if (alarm_.rung()) {
            alarm_.off();
            look_at_time();
            continue;
        }
        set_alarm();
        const error waited = co_await in_.stream.readable();
        if (waited)
            failed_ = waited;
    }
    co_await end();
}

// One read, into a slab that is held for no longer than the session looks at it. False: nothing is
// there now.
bool h2_connection::read_once() {
    if (buffer_.empty()) {
        if (failed_ || !in_.stream.maybe_readable())
            return false;
        const net::read_buffer::room room = buffer_.prepare(in_.home.worker.buffers());
        const result<std::size_t> got = in_.stream.read(std::span<char>(room.data, room.size));
        if (!got || *got == 0) {
            buffer_.release_if_empty();
            if (got || got.error() != net::errc::would_block)
                failed_ = net::errc::peer_gone;
            return false;
        }
        buffer_.commit(*got);
    }
    session_.receive({buffer_.data(), buffer_.size()}, in_.home.worker.now());
    buffer_.consume(buffer_.size());
    if (session_.wants_window())
        session_.grow_windows(in_.stream.round_trip());
    flush_soon();
    note_end();
    if (!session_.within_head())
        head_since_ = never;
    else if (head_since_ == never)
        head_since_ = in_.home.worker.now();
    return true;
}

// True if there is more to take up in the next turn.
bool h2_connection::take_up() {
    int started = 0;
    while (started < requests_in_turn_max) {
        http::h2_server_stream* const stream = session_.next_changed();
        if (stream == nullptr)
            return false;
        if (auto* const exchange = static_cast<h2_exchange*>(stream->owner)) {
            exchange->on_change();
        } else if (stream->closed) {
            session_.release(*stream);
        } else {
            start(*stream);
            ++started;
        }
    }
    return true;
}

void h2_connection::start(http::h2_server_stream& of) {
    const h2_exchange::place where{
        in_.home,   session_,   *this,
        in_.peer,   peer_text_, in_.local,
        in_.stream, in_.number, std::exchange(in_.handshake, nanoseconds{0}),
        served_};
    auto made = std::make_unique<h2_exchange>(where, of);
    of.owner = made.get();
    made->place_in_list = exchanges_.size();
    exchanges_.push_back(made.get());
    add(in_.home.counters.streams);
    if (exchanges_.size() == 1)
        in_.listener.on_activity(true);
    children_.start(run(std::move(made), of));
}

net::task<> h2_connection::run(std::unique_ptr<h2_exchange> exchange, http::h2_server_stream& of) {
    co_await exchange->run();
    served_ = served_ || exchange->served();
    h2_exchange* const last = exchanges_.back();
    last->place_in_list = exchange->place_in_list;
    exchanges_[exchange->place_in_list] = last;
    exchanges_.pop_back();
    let_go(of);
    subtract(in_.home.counters.streams);
    flush_soon();
    if (!exchanges_.empty())
        co_return;
    idle_since_ = in_.home.worker.now();
    in_.listener.on_activity(false);
    // The reader's deadline is another one now.
    in_.stream.wake_reader();
}

// A client that is told at once that the rest of its request is of no use may lose the response
// over that (curl 7.88 does). So it gets a while to read it and to end its request by itself.
void h2_connection::let_go(http::h2_server_stream& of) {
    if (!of.protocol.empty() || !session_.pass_over(of))
        return session_.release(of);
    early_.push_back({of.id, in_.home.worker.now() + early_time});
    // The reader's deadline may be another one now.
    if (early_.size() == 1)
        in_.stream.wake_reader();
}

void h2_connection::reset_early() noexcept {
    const auto late = [&](const early& each) { return in_.home.worker.now() >= each.until; };
    const auto rest = std::find_if_not(early_.begin(), early_.end(), late);
    for (auto each = early_.begin(); each != rest; ++each) {
        if (http::h2_stream* const stream = session_.passed_over(each->stream))
            session_.release(*stream);
    }
    early_.erase(early_.begin(), rest);
}

milliseconds h2_connection::idle_limit() const noexcept {
    const config::listener_timeouts& limits = in_.home.state->settings.timeouts;
    if (session_.opened() == 0)
        return limits.head;
    return session_.holds_scarce_window() ? std::min(limits.keepalive, http::h2_scarce_idle)
                                          : limits.keepalive;
}

time_point h2_connection::idle_end() const noexcept {
    return exchanges_.empty() ? idle_since_ + idle_limit() : time_point::max();
}

void h2_connection::set_alarm() noexcept {
    const config::listener_timeouts& limits = in_.home.state->settings.timeouts;
    time_point next = never;
    if (!session_.settings_acknowledged())
        next = std::min(next, began_ + settings_limit);
    next = std::min(next, idle_end());
    // Room may become scarce meanwhile.
    if (exchanges_.empty() && session_.has_grown())
        next = std::min(next, in_.home.worker.now() + http::h2_scarce_idle);
    if (head_since_ != never)
        next = std::min(next, head_since_ + limits.head);
    if (stage_ == stage::announced)
        next = std::min(next, drain_since_ + drain_grace);
    if (!early_.empty())
        next = std::min(next, early_.front().until);
    if (session_.ended())
        next = std::min(next, ended_since_ + end_limit);
    if (next == never)
        alarm_.off();
    else
        alarm_.set(next, net::errc::keepalive_timeout);
}

void h2_connection::look_at_time() noexcept {
    const config::listener_timeouts& limits = in_.home.state->settings.timeouts;
    const time_point now = in_.home.worker.now();
    if (session_.ended()) {
        // The client does not even take the GOAWAY.
        if (now >= ended_since_ + end_limit && !failed_)
            failed_ = net::errc::write_timeout;
        return;
    }
    reset_early();
    if (!session_.settings_acknowledged() && now >= began_ + settings_limit)
        terminate(http::h2_breach::settings_timeout);
    if (head_since_ != never && now >= head_since_ + limits.head)
        terminate(http::h2_breach::head_timeout);
    const bool retired = now >= idle_end();
    if (retired || (stage_ == stage::announced && now >= drain_since_ + drain_grace))
        refuse_new();
    flush_soon();
}

void h2_connection::terminate(http::h2_breach why) noexcept {
    session_.terminate(why);
    ended_since_ = in_.home.worker.now();
}

// Streams that stall cost each other nothing, but a client that has no others, and of which none
// moves for two of their deadlines, has come for nothing else.
void h2_connection::on_stall() noexcept {
    if (session_.ended())
        return flush_soon();
    const time_point now = in_.home.worker.now();
    // What the socket has not taken yet has a deadline of its own.
    const bool all =
        pending_.empty() && std::all_of(exchanges_.begin(), exchanges_.end(),
                                        [](const h2_exchange* each) { return each->stalls(); });
    if (!all || stalled_since_ == never || moved_ != session_.progress()) {
        stalled_since_ = now;
        moved_ = session_.progress();
    } else if (now - stalled_since_ >= in_.home.state->settings.timeouts.write_idle) {
        terminate(http::h2_breach::stalled);
        // The reader's deadline is another one now.
        in_.stream.wake_reader();
    }
    flush_soon();
}

std::shared_ptr<ahead_account> h2_connection::ahead() {
    if (!ahead_)
        ahead_ =
            std::make_shared<ahead_account>(in_.home.state->settings.buffer, in_.home.counts.ahead);
    return ahead_;
}

// Of requests on one connection, and of the process's memory.
void h2_connection::keep_limits() noexcept {
    const std::uint64_t requests_max = in_.home.state->settings.limit.requests;
    if (requests_max != 0 && session_.opened() >= requests_max)
        refuse_new();
    if (in_.home.worker.memory() != net::memory_level::normal)
        drain();
}

void h2_connection::drain() noexcept {
    if (stage_ != stage::serving)
        return;
    stage_ = stage::announced;
    drain_since_ = in_.home.worker.now();
    session_.announce_end();
    flush_soon();
    in_.stream.wake_reader();
}

void h2_connection::refuse_new() noexcept {
    if (stage_ == stage::refusing)
        return;
    stage_ = stage::refusing;
    session_.refuse_new();
    note_end();
    flush_soon();
}

// True if it has just ended. The library may have found the breach, and tells of it as its GOAWAY
// is taken out.
bool h2_connection::note_end() noexcept {
    if (!session_.ended() || ended_since_ != never)
        return false;
    ended_since_ = in_.home.worker.now();
    return true;
}

bool h2_connection::over() const noexcept {
    if (failed_)
        return true;
    if (session_.wants_to_send() || !pending_.empty())
        return false;
    if (session_.ended())
        return true;
    return exchanges_.empty() &&
           (stage_ == stage::refusing || (stage_ == stage::serving && session_.over()));
}

// What the session said last has been written, or cannot be any more.
net::task<> h2_connection::end() {
    error why = failed_ ? failed_ : error(net::errc::peer_gone);
    std::string detail;
    alarm_.off();
    if (const http::h2_breach breach = session_.breach(); breach != http::h2_breach::none) {
        why = http::errc::connection_breach;
        detail.append("HTTP/2 connection: ").append(http::name(breach));
        add(in_.home.counters.breaches[static_cast<std::size_t>(breach)]);
        log_debug("{}: HTTP/2 connection of {} ended: {}, {}", in_.home.state->settings.name,
                  in_.peer.to_string(), http::name(breach), http::name(session_.ended_by()));
    }
    const std::vector<h2_exchange*> running = exchanges_;
    for (h2_exchange* const each : running)
        each->abort(why, detail);
    quit_ = true;
    flush_soon();
    const bool alerted = in_.stream.alerted();
    if (alerted)
        in_.stream.wake_writer();
    else if (failed_)
        in_.stream.abort(failed_);
    co_await children_.join();
    if (alerted || !failed_)
        co_await net::lingering_close(in_.stream, linger_time, linger_bytes_max);
}

net::task<> h2_connection::write_loop() {
    while (!quit_ && !failed_) {
        const outcome so_far = write_some();
        if (so_far == outcome::turn_over) {
            net::next_turn others(in_.home.worker);
            co_await others;
            continue;
        }
        if (so_far == outcome::blocked) {
            iovec rest{pending_.data(), pending_.size()};
            const std::span<iovec> parts(&rest, 1);
            const milliseconds idle = in_.home.state->settings.timeouts.write_idle;
            const result<void> written =
                co_await in_.stream.write_all(parts, idle, net::errc::write_timeout);
            pending_ = std::string();
            if (!written && !failed_)
                failed_ = written.error();
            continue;
        }
        // The reader is the one who tells the exchanges, and who leaves.
        if (session_.has_changed() || over())
            in_.stream.wake_reader();
        flush_.reset();
        co_await flush_;
    }
    in_.stream.wake_reader();
}

// Writes until nothing is left, the kernel takes no more, or others should have their turn.
h2_connection::outcome h2_connection::write_some() {
    for (std::size_t written = 0; written < 4 * write_size;) {
        std::string& text = scratch();
        session_.send(text, write_size);
        if (note_end())
            in_.stream.wake_reader();
        if (text.empty())
            return outcome::done;
        iovec part{text.data(), text.size()};
        const result<std::size_t> taken = in_.stream.write(std::span<const iovec>(&part, 1));
        if (!taken && taken.error() != net::errc::would_block) {
            failed_ = taken.error();
            return outcome::done;
        }
        const std::size_t count = taken ? *taken : 0;
        if (count < text.size() || !in_.stream.flush()) {
            pending_.assign(text, count);
            return outcome::blocked;
        }
        written += count;
    }
    return outcome::turn_over;
}

}  // namespace penstock::downstream
