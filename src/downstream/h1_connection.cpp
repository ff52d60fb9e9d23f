// From the accepted socket to its close; what happens in between is a request after another.
#include "downstream/h1_connection.hpp"

#include "downstream/counting.hpp"
#include "penstock/base/log.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace penstock::downstream {

h1_connection::h1_connection(connection_home& home, accepted from)
    : home_(home),
      stream_(home.worker, std::move(from.fd)),
      peer_(from.peer),
      local_(std::move(from.local)),
      number_(home.worker.next_number()),
      alarm_(stream_) {
    add(home_.counters.idle);
    stream_.watch(this);
}

h1_connection::~h1_connection() {
    subtract(state_ == state::busy ? home_.counters.active : home_.counters.idle);
}

void h1_connection::enter(state next) noexcept {
    const bool was_busy = state_ == state::busy;
    const bool is_busy = next == state::busy;
    state_ = next;
    if (was_busy == is_busy)
        return;
    add(is_busy ? home_.counters.active : home_.counters.idle);
    subtract(is_busy ? home_.counters.idle : home_.counters.active);
}

// Few frames stand while a connection is idle, since there may be tens of thousands: the wait for
// a request is part of this one.
net::task<> h1_connection::serve(std::unique_ptr<connection_owner>) {
    ending how = ending::close;
    if (co_await begin_tls())
        how = agreed_on_h2() ? ending::switch_protocol : ending::keep;
    while (how == ending::keep) {
        enter(state::idle);
        if (takes_too_many_turns())
            co_await let_others();
        idle_step next = begin_idle();
        while (next == idle_step::wait) {
            const error waited = co_await stream_.readable();
            next = waited ? idle_step::end : look_for_request();
        }
        how = ending::close;
        if (next == idle_step::request) {
            begin_request();
            how = co_await serve_request();
            finish_exchange(serving_->parser.started());
        }
    }
    co_await close(how);
}

bool h1_connection::agreed_on_h2() const noexcept {
    if (!home_.state->settings.http1)
        return true;
    return stream_.is_tls() && stream_.tls().alpn == "h2";
}

class h1_connection::h2_activity final : public activity_listener {
 public:
    explicit h2_activity(h1_connection& of) noexcept : of_(of) {}
    void on_activity(bool busy) noexcept override { of_.enter(busy ? state::busy : state::idle); }

 private:
    h1_connection& of_;
};

net::task<> h1_connection::serve_h2() {
    enter(state::idle);
    if (!extras_)
        extras_ = std::make_unique<extras>();
    const nanoseconds handshake = std::exchange(extras_->handshake, nanoseconds{0});
    h2_activity activity(*this);
    h2_connection speaks({home_, stream_, peer_, *local_, activity, number_, handshake});
    extras_->h2 = &speaks;
    co_await speaks.serve(std::move(buffer_));
    extras_->h2 = nullptr;
}

net::task<> h1_connection::refuse(std::unique_ptr<connection_owner>, refusal_of_cap of) {
    ending how = ending::close;
    // There is no stream yet on which an HTTP/2 client could be told.
    if (co_await begin_tls() && !agreed_on_h2()) {
        begin_request();
        serving_->request.retry_after = of.until;
        how = co_await refuse_request(of.why);
        finish_exchange(true);
    }
    co_await close(how);
}

net::task<bool> h1_connection::begin_tls() {
    // A reload may replace the listener's state while the handshake waits.
    const std::shared_ptr<const listener_state> listening = home_.state;
    if (!listening->tls)
        co_return !stream_.aborted();
    extras_ = std::make_unique<extras>();
    extras_->context = listening->tls;
    const config::listener& settings = listening->settings;
    const time_point began = home_.worker.now();
    stream_.read_deadline(began + settings.timeouts.tls_handshake, net::errc::handshake_timeout);
    const result<void> done = co_await stream_.accept_tls(*extras_->context);
    stream_.read_deadline_off();
    server_counters& counters = home_.counters;
    if (!done) {
        co_await end_without_tls(began);
        co_return false;
    }
    extras_->handshake = net::worker::clock() - began;
    // It may outlive many reloads, and what they have replaced with them.
    if (!stream_.uses_tls_context())
        extras_->context.reset();
    const net::tls_facts& facts = stream_.tls();
    add(counters.handshakes_ok[facts.resumed ? 1 : 0][facts.version == "TLSv1.3" ? 1 : 0]);
    counters.handshake_times[facts.resumed ? server_counters::resumed : server_counters::full]
        .observe(extras_->handshake);
    co_return true;
}

// A health check that connects and says nothing is no failure. A client that speaks HTTP is told
// so in HTTP; whatever else came is left alone.
net::task<> h1_connection::end_without_tls(time_point began) {
    if (stream_.silent()) {
        add(home_.counters.probes);
        co_return;
    }
    report_failed_handshake(began);
    if (stream_.tls_failed() != net::tls_failure::not_tls || stream_.aborted())
        co_return;
    const std::string said = stream_.go_plain();
    const char first = said.empty() ? '\0' : said.front();
    const bool text = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    if (!text)
        co_return;
    const net::read_buffer::room room = buffer_.prepare(home_.worker.buffers());
    const std::size_t size = std::min(room.size, said.size());
    std::copy_n(said.data(), size, room.data);
    buffer_.commit(size);
    begin_request();
    const ending how = co_await refuse_plain();
    finish_exchange(true);
    if (how == ending::linger)
        co_await net::lingering_close(stream_, linger_time, linger_bytes_max);
}

// One event for each, as long as they are not so many that the log is what suffers.
void h1_connection::report_failed_handshake(time_point began) {
    const net::tls_failure why = stream_.tls_failed();
    add(home_.counters.handshakes_failed[static_cast<std::size_t>(why)]);
    const nanoseconds spent = net::worker::clock() - began;
    home_.counters.handshake_times[server_counters::failed].observe(spent);
    const std::optional<std::uint64_t> left_out = home_.failed_handshakes.take(home_.worker.now());
    if (!left_out)
        return;
    const net::tls_facts& facts = stream_.tls();
    const auto or_none = [](const std::string& text) { return text.empty() ? "-" : text.c_str(); };
    const std::chrono::duration<double, std::milli> took = spent;
    log_info(
        "TLS handshake failed: listener={} client={} sni={} alpn={} version={} reason={} phase={} "
        "ms={:.1f} left_out={} detail=\"{}\"",
        home_.state->settings.name, peer_.to_string(), or_none(facts.server_name),
        or_none(facts.alpn), or_none(facts.version), net::name(why), stream_.handshake_phase(),
        took.count(), *left_out, stream_.tls_failure_text());
}

result<std::size_t> h1_connection::fill(net::read_buffer& into) {
    const net::read_buffer::room room = into.prepare(home_.worker.buffers());
    if (room.size == 0)
        return error(net::errc::too_large);
    const result<std::size_t> got = stream_.read(std::span<char>(room.data, room.size));
    if (got)
        into.commit(*got);
    into.release_if_empty();
    return got;
}

// A coroutine of its own, so that the one that stays while idle has no room for it.
net::task<> h1_connection::let_others() {
    net::next_turn others(home_.worker);
    co_await others;
}

bool h1_connection::takes_too_many_turns() noexcept {
    if (++in_turn_ <= requests_in_turn_max)
        return false;
    in_turn_ = 1;
    return true;
}

h1_connection::idle_step h1_connection::begin_idle() {
    // Some clients end a body with a line end that belongs to nothing; it begins no request.
    line_skipped_ = served_ > 0 && std::string_view(buffer_.data(), buffer_.size()) == "\r\n";
    if (line_skipped_)
        buffer_.consume(2);
    if (!buffer_.empty())
        return idle_step::request;
    const config::listener_timeouts& limits = home_.state->settings.timeouts;
    const milliseconds patience = served_ == 0 ? limits.head : limits.keepalive;
    alarm_.set(home_.worker.now() + patience, net::errc::keepalive_timeout);
    return look_for_request();
}

// Before a connection is given up the kernel is asked even if it has not said anything: the client
// may just have sent its request.
h1_connection::idle_step h1_connection::look_for_request() {
    const bool over = idle_is_over();
    if (over || stream_.maybe_readable()) {
        const result<std::size_t> got = fill(buffer_);
        if (got || got.error() != net::errc::would_block) {
            alarm_.off();
            return got && *got > 0 ? idle_step::request : idle_step::end;
        }
    }
    in_turn_ = 0;
    return over ? idle_step::end : idle_step::wait;
}

bool h1_connection::idle_is_over() noexcept {
    if (alarm_.rung())
        return true;
    if (!home_.draining)
        return false;
    if (served_ > 0)
        return true;
    if (!std::exchange(drain_noted_, true))
        alarm_.set(std::min(alarm_.at(), home_.worker.now() + drain_grace), net::errc::draining);
    return false;
}

net::task<> h1_connection::close(ending how) {
    if (how == ending::switch_protocol)
        co_await serve_h2();
    enter(state::closing);
    alarm_.off();
    buffer_ = net::read_buffer();
    stream_.watch(nullptr);
    if ((how == ending::linger || stream_.alerted()) && !stream_.aborted())
        co_await net::lingering_close(stream_, linger_time, linger_bytes_max);
    else if (how == ending::reset)
        stream_.reset_on_close();
    else if (stream_.is_tls() && !stream_.aborted())
        stream_.shutdown_write();
    stream_.close();
    home_.bodies.note_closed(&stream_);
}

void h1_connection::drain() noexcept {
    if (extras_ && extras_->h2 != nullptr)
        extras_->h2->drain();
    else if (state_ == state::idle)
        stream_.wake_reader();
}

void h1_connection::abort() noexcept {
    if (state_ == state::busy)
        stream_.reset_on_close();
    end_exchange(net::errc::draining);
    stream_.abort(net::errc::draining);
}

}  // namespace penstock::downstream
