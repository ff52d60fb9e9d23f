// One response: how it is written, what follows it, and tunnels.
#include "downstream/h1_connection.hpp"
#include "downstream/let_go.hpp"
#include "downstream/refusal.hpp"
#include "penstock/exchange/websocket_key.hpp"
#include "penstock/http/refused_head.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace penstock::downstream {
namespace {

using exchange::phase;
using exchange::reason;
using exchange::reason_of_client;

// True if the handler still runs something for a response, or may.
bool holds_on(const exchange::response& of) noexcept { return of.body && !of.body->settled(); }

// An origin that speaks HTTP/2 has never seen the client's key.
void prove_websocket(const http::request_head& asked, http::response_head& with) {
    const auto key = asked.fields.find(exchange::websocket_key_name);
    if (key && !with.fields.find(exchange::websocket_accept_name))
        with.fields.add(exchange::websocket_accept_name, exchange::websocket_accept(*key));
}

}  // namespace

net::task<h1_connection::ending> h1_connection::reply(exchange::response with) {
    serving& now = *serving_;
    if (now.body)
        now.body->go_quiet();
    const bool gone = now.ended && now.record.why == reason::client_gone;
    if (gone || with.for_nobody) {
        note(reason::client_gone);
        now.record.status = status_gone;
        if (holds_on(with))
            co_await let_go(with);
        co_return ending::close;
    }
    replied_ = true;
    if (with.upgraded && now.request.wants_websocket)
        prove_websocket(now.request.head, with.head);
    response_plan plan;
    if (!encode(with, plan)) {
        if (holds_on(with))
            co_await let_go(with);
        now.record.why = reason::none;
        with = refusal(reason::proxy_internal_error);
        if (!encode(with, plan))
            co_return ending::reset;
    }
    const milliseconds idle = now.state->settings.timeouts.write_idle;
    h1_response_writer writer(stream_, now.record, now.text, idle);
    if (!with.upgraded && !plan.encoding.keep_alive)
        writer.close_behind();
    if (!with.upgraded && now.state->settings.buffer.exchange > 0)
        writer.hold_for_slow(now.state->settings.buffer, home_.counts.ahead);
    if (with.upgraded && with.body)
        co_await relay_tunnel(writer, with.body);
    else if (plan.sends_body)
        co_await writer.relay(with.body, plan.encoding.body, now.request.accepts_trailers);
    else
        co_await writer.write_head();
    now.head_sent = writer.begun();
    if (!writer.begun() && writer.client_failed())
        now.record.status = status_gone;
    // What ends the exchange from here on, while the handler's side is joined, is not the cause.
    const bool replaceable = writer.body_failed() && !writer.begun() && !now.ended;
    const reason failed = reason_of_end(writer);
    if (holds_on(with))
        co_await let_go(with);
    if (replaceable) {
        if (failed == reason::http_request_error)
            now.record.detail = http::explain(writer.body_failed(), {});
        co_return co_await refuse_request(failed);
    }
    if (!writer.complete()) {
        note(failed);
        co_return broken(writer, plan);
    }
    now.record.response_complete = true;
    if (with.upgraded)
        co_return ending::close;
    if (needs_drain(plan.encoding.keep_alive))
        co_return co_await drain_request();
    co_return after(plan.encoding.keep_alive);
}

net::task<h1_connection::ending> h1_connection::refuse_request(reason why) {
    exchange::response with = refusal(why);
    co_return co_await reply(std::move(with));
}

exchange::response h1_connection::refusal(reason why) {
    exchange::response with = serving_->state->handler->refuse(serving_->request, why);
    note(why);
    with.close = true;
    return with;
}

result<void> h1_connection::encode(const exchange::response& with, response_plan& plan) {
    serving& now = *serving_;
    if (with.upgraded)
        now.asked.upgrade = now.request.protocol();
    plan = plan_response(now.asked, with, may_keep(with));
    now.record.status = with.head.status;
    now.text.clear();
    return http::encode_response(with.head, plan.encoding, now.text);
}

bool h1_connection::may_keep(const exchange::response& with) const noexcept {
    const std::uint64_t requests_max = serving_->state->settings.limit.requests;
    return keeps_alive_ && !with.close && !with.upgraded && !home_.draining && !serving_->ended &&
           home_.worker.memory() == net::memory_level::normal &&
           (requests_max == 0 || served_ < requests_max) && serving_->body &&
           serving_->body->drainable();
}

// What becomes of the connection after a whole response. Where the client may still be sending, a
// plain close would answer with a reset that can overtake the response (RFC 9112 §9.6).
h1_connection::ending h1_connection::after(bool kept) const noexcept {
    const serving& now = *serving_;
    if (kept)
        return ending::keep;
    const bool read_all = now.body && now.body->finished();
    const bool silent = buffer_.empty() && now.ahead.empty() && !stream_.maybe_readable();
    const bool expected = read_all && !keeps_alive_ && silent;
    // One that had to give way has an answer to read, and may still be sending.
    const bool over = now.ended && now.ended != net::errc::stalled_client;
    return expected || over ? ending::close : ending::linger;
}

// The answer is complete, the request is not, and little of it is left.
bool h1_connection::needs_drain(bool kept) const noexcept {
    return kept && !serving_->body->finished();
}

net::task<h1_connection::ending> h1_connection::drain_request() {
    serving& now = *serving_;
    now.record.ledger.enter(phase::body, net::worker::clock());
    const bool drained = co_await now.body->drain();
    co_return drained ? ending::keep : ending::linger;
}

// A response's body may fail because the request's did.
reason h1_connection::reason_of_body(error why) const noexcept {
    const bool of_client = serving_->body && serving_->body->failed() == why;
    return of_client ? reason_of_client(why) : serving_->state->handler->reason_of(why);
}

// `none` for a response that is whole.
reason h1_connection::reason_of_end(const h1_response_writer& writer) const noexcept {
    if (writer.complete())
        return reason::none;
    if (serving_->ended)
        return reason_of_client(serving_->ended);
    if (writer.client_failed())
        return reason_of_client(writer.client_failed());
    return reason_of_body(writer.body_failed());
}

// A response that stops in the middle must not look whole: a chunked one ends without its last
// chunk and one with a length ends short, but one that a close would end needs a reset.
h1_connection::ending h1_connection::broken(const h1_response_writer& writer,
                                            const response_plan& plan) const noexcept {
    const bool framed = plan.encoding.body.kind == http::framing_kind::length ||
                        plan.encoding.body.kind == http::framing_kind::chunked;
    return framed && !writer.client_failed() && !stream_.aborted() ? ending::linger : ending::reset;
}

// Both directions run until each has ended: the handler pulls the client's bytes, this writes the
// origin's. An end of stream is passed on as one.
net::task<> h1_connection::relay_tunnel(h1_response_writer& writer,
                                        std::unique_ptr<exchange::body_source>& body) {
    serving& now = *serving_;
    now.body->begin_tunnel();
    now.tunnel_idle = std::make_unique<tunnel_deadline>(*this);
    on_tunnel_bytes();
    body_listener& listener = *this;
    writer.tell(listener);
    const http::framing raw{http::framing_kind::none, 0};
    co_await writer.relay(body, raw, false);
    now.record.upgraded = writer.begun();
    if (writer.complete() && !now.ended) {
        half_closed_ = true;
        stream_.shutdown_write();
        on_tunnel_bytes();
        net::event& ended = now.body->ended();
        co_await ended;
    }
    now.tunnel_idle->disarm();
}

// Once one direction has ended, a peer that says nothing more is not worth an hour.
void h1_connection::on_tunnel_bytes() noexcept {
    const config::listener_timeouts& limits = serving_->state->settings.timeouts;
    const milliseconds idle =
        half_closed_ ? std::min(limits.tunnel_idle, limits.keepalive) : limits.tunnel_idle;
    net::deadline_wheel& wheel = home_.worker.deadlines();
    serving_->tunnel_idle->arm(wheel, home_.worker.now() + idle, net::errc::tunnel_timeout);
}

net::task<result<void>> h1_connection::send_interim(const http::response_head& head) {
    serving& now = *serving_;
    const bool understood = now.asked.version == http::version::http_1_1 && head.status != 101;
    now.text.clear();
    if (replied_ || !understood || !http::encode_interim(head, now.text))
        co_return result<void>();
    iovec part{now.text.data(), now.text.size()};
    const std::span<iovec> whole(&part, 1);
    const milliseconds idle = now.state->settings.timeouts.write_idle;
    const result<void> written = co_await stream_.write_all(whole, idle, net::errc::write_timeout);
    if (written && head.status == 100)
        now.body->note_continue();
    co_return written;
}

}  // namespace penstock::downstream
