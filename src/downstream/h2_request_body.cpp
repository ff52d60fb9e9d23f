#include "downstream/h2_request_body.hpp"

#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <utility>

namespace penstock::downstream {

h2_request_body::h2_request_body(const input& from, const rules& by, exchange::record& record)
    : from_(from),
      rules_(by),
      record_(record),
      pace_(by.idle),
      patience_(*this),
      changed_(from.worker) {}

bool h2_request_body::finished() const noexcept {
    // A request for a websocket has no body.
    if (rules_.tunnel && !tunnelling_)
        return true;
    return from_.stream.ended && http::h2_server_session::data_waiting(from_.stream) == 0;
}

bool h2_request_body::absent() const noexcept {
    return rules_.tunnel ? !tunnelling_ : from_.stream.bodiless;
}

result<std::string_view> h2_request_body::take(std::size_t max) {
    if (stopped_)
        return error(net::errc::closed);
    if (failed_)
        return failed_;
    if (rules_.tunnel && !tunnelling_)
        return std::string_view();
    const std::string_view data = from_.session.take_data(from_.stream, max);
    // What was taken before has opened the client's window.
    from_.flusher.flush_soon();
    record_.request_bytes += data.size();
    if (rules_.bytes_max != 0 && record_.request_bytes > rules_.bytes_max)
        failed_ = net::errc::too_large;
    else if (data.empty() && from_.stream.closed && !finished())
        failed_ = net::errc::peer_gone;
    if (failed_)
        return failed_;
    return data;
}

net::task<result<void>> h2_request_body::wait() {
    while (!stopped_ && !failed_ && !finished() && !std::exchange(woken_, false) &&
           http::h2_server_session::data_waiting(from_.stream) == 0 && !from_.stream.closed) {
        changed_.reset();
        waiting_ = true;
        if (!rules_.awaits_continue && !tunnelling_ && !(rules_.call && quiet_)) {
            const time_point latest = pace_.begin_wait(from_.worker.now());
            patience_.arm(from_.worker.deadlines(), latest, net::errc::body_timeout);
            from_.watch.add(*this);
        }
        if (!quiet_)
            record_.ledger.enter(exchange::phase::body, net::worker::clock());
        co_await changed_;
        patience_.disarm();
        pace_.end_wait(from_.worker.now());
        waiting_ = false;
        if (!quiet_)
            record_.ledger.enter(exchange::phase::loop, from_.worker.now());
    }
    if (stopped_)
        co_return error(net::errc::closed);
    if (failed_)
        co_return failed_;
    if (from_.stream.closed && !finished() &&
        http::h2_server_session::data_waiting(from_.stream) == 0)
        failed_ = net::errc::peer_gone;
    co_return failed_ ? result<void>(failed_) : result<void>();
}

std::optional<std::uint64_t> h2_request_body::rate(time_point now) const noexcept {
    return patience_.armed() && !stopped_ && !failed_ ? pace_.rate(now) : std::nullopt;
}

void h2_request_body::cut() noexcept {
    failed_ = net::errc::body_timeout;
    changed_.set();
    from_.flusher.on_cut();
}

void h2_request_body::note_continue() noexcept {
    if (std::exchange(rules_.awaits_continue, false) && waiting_)
        changed_.set();
}

void h2_request_body::begin_tunnel() noexcept {
    tunnelling_ = true;
    changed_.set();
}

void h2_request_body::wake() noexcept {
    woken_ = waiting_;
    changed_.set();
}

void h2_request_body::stop() noexcept {
    stopped_ = true;
    changed_.set();
}

void h2_request_body::on_change() noexcept {
    const std::uint64_t held = http::h2_server_session::data_waiting(from_.stream);
    const std::uint64_t all = record_.request_bytes + held;
    if (all > seen_) {
        rules_.awaits_continue = false;
        pace_.take_in(all - seen_, from_.worker.now());
        seen_ = all;
    }
    if (waiting_)
        changed_.set();
}

}  // namespace penstock::downstream
