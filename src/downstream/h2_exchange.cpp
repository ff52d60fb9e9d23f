#include "downstream/h2_exchange.hpp"

#include "downstream/let_go.hpp"
#include "downstream/refusal.hpp"
#include "downstream/request_rules.hpp"
#include "penstock/exchange/websocket_key.hpp"
#include "penstock/http/error.hpp"
#include "penstock/http/refused_head.hpp"
#include "penstock/net/error.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace penstock::downstream {
namespace {

using exchange::phase;
using exchange::reason;
using exchange::reason_of_client;

}  // namespace

h2_exchange::h2_exchange(const place& in, http::h2_server_stream& of)
    : in_(in),
      stream_(of),
      state_(in.home.state),
      recycled_(in.home.records.take()),
      record_(*recycled_),
      stall_(*this),
      slow_(*this),
      idle_(*this),
      changed_(in.home.worker) {
    begin();
}

h2_exchange::~h2_exchange() { in_.home.records.give_back(std::move(recycled_)); }

void h2_exchange::begin() {
    record_.ledger.start(in_.home.worker.now(), phase::loop);
    if (in_.handshake > nanoseconds{0})
        record_.ledger.prepend(phase::tls, in_.handshake);
    record_.began_wall = wall_clock::now();
    record_.listener = state_->id;
    record_.generation = state_->generation;
    record_.worker = static_cast<std::uint8_t>(in_.home.worker.index());
    record_.tls = in_.stream.is_tls();
    record_.http2 = true;
    record_.client = in_.peer_text;
    request_.tls = record_.tls;
    request_.client_certificate = in_.stream.tls().client_certificate;
    request_.client_subject = in_.stream.tls().client_subject;
    request_.server_name = in_.stream.tls().server_name;
    request_.peer = &in_.peer;
    request_.local = &in_.local;
    request_.connection = in_.connection;
    request_.served_before = in_.served_before;
    request_.client = this;
    request_.interim = this;
    request_.aborted = &aborted_;
    request_.record = &record_;
    request_.head = std::move(stream_.head);
    // RFC 8441 §4: to the origin's side it is what it would be over HTTP/1.
    websocket_ = !stream_.protocol.empty();
    if (websocket_) {
        request_.head.verb = http::method::get;
        request_.head.method_text = "GET";
        request_.wants_websocket = true;
    }
    verb_ = request_.head.verb;
    // RFC 9113 §8.1: every client of this version can read them.
    request_.accepts_trailers = true;
    const http::request_head& head = request_.head;
    record_.method = head.method_text;
    record_.host = head.authority;
    record_.path = head.forwarded_path();
    record_.path += head.query;
    record_.user_agent = head.fields.find(http::field_id::user_agent).value_or(std::string_view());
}

net::task<> h2_exchange::run() {
    exchange::response with = co_await answer();
    co_await reply(std::move(with));
    finish();
}

// What the head means for this side; `none` if it can be served.
reason h2_exchange::understand() {
    http::request_head& head = request_.head;
    // The transport's, whatever the client says (RFC 9113 §8.3.1 lets it say another one): origins
    // are told that it is the truth.
    head.scheme = record_.tls ? "https" : "http";
    if (!stream_.refused)
        identify(state_->clients.get(), request_);
    if (!in_.home.admits(request_))
        return reason::address_rate;
    if (stream_.refused) {
        explain_head();
        return reason_of_head(stream_.refused);
    }
    if (const error wrong = judge_path(head, state_->settings.paths, record_))
        return reason_of_head(wrong);
    if (connection_home::is_misdirected(in_.stream, head.host()))
        return reason::misdirected_request;
    if (websocket_ && stream_.ended) {
        record_.detail = "extended CONNECT that has ended";
        return reason::http_request_error;
    }
    const result<bool> expects = judge_expect(head, !stream_.ended);
    if (!expects) {
        record_.detail = http::explain(expects.error(), {});
        return reason_of_head(expects.error());
    }
    request_.expects_continue = *expects;
    h2_request_body::rules rules;
    rules.bytes_max = state_->handler->body_limit(request_);
    if (rules.bytes_max == 0)
        rules.bytes_max = state_->settings.limit.body;
    if (rules.bytes_max != 0 && stream_.length.value_or(0) > rules.bytes_max)
        return reason::body_too_large;
    if (websocket_)
        rules.bytes_max = 0;
    rules.tunnel = websocket_;
    rules.call = http::is_grpc(head.fields);
    // Both sides of a call talk as they have something to say, like those of a tunnel.
    const config::listener_timeouts& limits = state_->settings.timeouts;
    rules.idle = rules.call ? std::max(limits.body_idle, limits.tunnel_idle) : limits.body_idle;
    rules.awaits_continue = request_.expects_continue;
    const h2_request_body::input input{in_.home.worker, in_.session,     stream_,
                                       in_.flusher,     in_.home.bodies, in_.stream};
    body_.emplace(input, rules, record_);
    request_.body = &*body_;
    return reason::none;
}

// For the log: what was received of a head that is refused, and which rule it broke.
void h2_exchange::explain_head() {
    if (record_.host.empty())
        record_.host = stream_.sent_host;
    if (record_.path.empty())
        record_.path = stream_.sent_target;
    record_.detail = http::explain(stream_.refused, {{}, stream_.sent_target});
}

net::task<exchange::response> h2_exchange::answer() {
    const reason refused = understand();
    if (refused != reason::none)
        co_return refusal(refused);
    co_return co_await state_->handler->handle(request_);
}

exchange::response h2_exchange::refusal(reason why) {
    exchange::response with = state_->handler->refuse(request_, why);
    note(why);
    return with;
}

net::task<> h2_exchange::reply(exchange::response with) {
    if (body_)
        body_->go_quiet();
    // To the client any 2xx would be an open websocket.
    if (websocket_ && !with.upgraded && with.head.status / 100 == 2) {
        co_await let_go(with);
        with = refusal(reason::upgrade_unavailable);
    }
    const reason failed = begin_response(with);
    if (failed != reason::none) {
        // Nothing has left, so the client gets an answer that is whole.
        co_await let_go(with);
        body_failed_ = error();
        if (failed == reason::proxy_internal_error)
            record_.why = reason::none;
        with = refusal(failed);
        (void)begin_response(with);
    }
    if (stream_.answered) {
        // Nothing more is wanted of the origin's side: its memory serves the next stream.
        if (with.body && outgoing_ == nullptr && with.body->finished() && with.body->settled())
            with.body.reset();
        co_await send_rest();
    }
    outgoing_ = nullptr;
    judge_end();
    co_await let_go(with);
}

// True if nobody is left to answer.
bool h2_exchange::is_gone(const exchange::response& with) noexcept {
    if (!stream_.closed && !ended_ && !with.for_nobody)
        return false;
    note_end();
    record_.status = status_gone;
    return true;
}

// Why the response has to be another one; `none` if this one is under way, or nobody waits for it.
reason h2_exchange::begin_response(exchange::response& with) {
    outgoing_ = nullptr;
    if (is_gone(with))
        return reason::none;
    const bool begun = with.upgraded ? begin_tunnel(with) : send_head(with);
    if (body_failed_)
        return reason_of_body();
    return begun ? reason::none : reason::proxy_internal_error;
}

// False if the head cannot be written, or the body has failed before it.
bool h2_exchange::send_head(exchange::response& with) {
    const response_plan plan = plan_response({verb_, http::version::http_2}, with, true);
    const bool announced =
        plan.encoding.length_known || plan.encoding.body.kind == http::framing_kind::length;
    length_.reset();
    if (announced)
        length_ = plan.encoding.body.length;
    left_ = length_.value_or(0);
    outgoing_ = plan.sends_body ? with.body.get() : nullptr;
    outgoing_place_ = &with.body;
    http::h2_outgoing* const body = outgoing_ != nullptr ? this : nullptr;
    if (outgoing_ != nullptr && !gather())
        return false;
    record_.status = with.head.status;
    const result<void> submitted = in_.session.respond(stream_, with.head, length_, body);
    in_.flusher.flush_soon();
    return submitted.has_value();
}

// The first bytes, before the head is written: a body that fails at once can still be replaced by
// an answer of our own. What leaves at the end of this turn stands behind what the other streams
// have, so they move to where they take little room. A small body that is here as a whole is then
// asked for nothing more. False if it has failed.
bool h2_exchange::gather() {
    constexpr std::uint64_t most = net::buffer_pool::scrap_max;
    const std::uint64_t size = length_.value_or(most);
    first_size_ = first_given_ = 0;
    if (size == 0)
        return true;
    const result<std::string_view> data =
        outgoing_->take(static_cast<std::size_t>(std::min(size, most)));
    if (!data) {
        body_failed_ = data.error();
        return false;
    }
    first_size_ = data->size();
    if (first_size_ > 0) {
        first_ = in_.home.worker.buffers().take_scrap(first_size_);
        std::memcpy(first_.data(), data->data(), first_size_);
    }
    const bool ends = first_size_ > 0 && outgoing_->finished() && outgoing_->trailers().empty();
    if (ends && first_size_ == length_.value_or(first_size_))
        outgoing_ = nullptr;
    else
        outgoing_->park();
    return true;
}

// RFC 8441 §5: the stream is the tunnel from here on.
bool h2_exchange::begin_tunnel(exchange::response& with) {
    http::response_head& head = with.head;
    head.status = 200;
    head.fields.remove(exchange::websocket_accept_name);
    length_.reset();
    outgoing_ = with.body.get();
    record_.status = head.status;
    const result<void> submitted = in_.session.respond(stream_, head, std::nullopt, this);
    if (!submitted)
        return false;
    record_.upgraded = true;
    body_->begin_tunnel();
    if (outgoing_ != nullptr)
        outgoing_->park();
    arm_idle();
    in_.flusher.flush_soon();
    return true;
}

void h2_exchange::arm_idle() noexcept {
    idle_.arm(in_.home.worker.deadlines(),
              in_.home.worker.now() + state_->settings.timeouts.tunnel_idle,
              net::errc::tunnel_timeout);
}

// Nothing has moved in either direction for as long as a tunnel or a call may idle, if nothing has.
void h2_exchange::on_tunnel_idle(error why) noexcept {
    const std::uint64_t moved = stream_.data_sent + record_.request_bytes;
    if (std::exchange(tunnel_moved_, moved) != moved)
        return arm_idle();
    in_.session.reset(stream_, http::h2_code::cancel);
    in_.flusher.flush_soon();
    abort(why);
}

// Until the last frame has left, or none will any more.
net::task<> h2_exchange::send_rest() {
    const milliseconds idle = state_->settings.timeouts.write_idle;
    while (!stream_.sent && !stream_.closed && !ended_) {
        // Whatever is said from here on, also during the wait for the origin, counts.
        changed_.reset();
        if (outgoing_ != nullptr && http::h2_server_session::starved(stream_)) {
            if (body_ && body_->is_call() && !idle_.armed())
                arm_idle();
            const result<void> waited = co_await outgoing_->wait();
            if (!waited && !ended_) {
                // At once, and not only when the client's window has room for an end.
                body_failed_ = waited.error();
                in_.session.reset(stream_, failed_by_client() ? http::h2_code::cancel
                                                              : http::h2_code::internal_error);
            }
            in_.session.resume(stream_);
            in_.flusher.flush_soon();
            continue;
        }
        stalled_at_ = stream_.data_sent;
        stall_.arm(in_.home.worker.deadlines(), in_.home.worker.now() + idle,
                   net::errc::write_timeout);
        begin_block();
        co_await changed_;
        end_block();
        stall_.disarm();
    }
}

void h2_exchange::begin_block() {
    record_.ledger.enter(phase::client_blocked, in_.home.worker.now());
    if (ahead_)
        return record_.ledger.pin();
    const bool may = outgoing_ != nullptr && !record_.upgraded && !outgoing_->finished() &&
                     state_->settings.buffer.exchange > 0;
    slow_at_ = stream_.data_sent;
    if (may)
        slow_.arm(in_.home.worker.deadlines(), in_.home.worker.now() + read_ahead::patience, {});
}

void h2_exchange::end_block() noexcept {
    slow_.disarm();
    record_.ledger.unpin();
    record_.ledger.enter(phase::loop, in_.home.worker.now());
}

// A client that takes some, and a body of which the rest would not fit, are looked at again.
void h2_exchange::on_slow() noexcept {
    constexpr std::uint64_t moves_min = std::uint64_t{64} * 1024;
    if (outgoing_ == nullptr || outgoing_->finished())
        return;
    const bool moves = stream_.data_sent >= std::exchange(slow_at_, stream_.data_sent) + moves_min;
    if (moves || (length_ && left_ > state_->settings.buffer.exchange)) {
        slow_.arm(in_.home.worker.deadlines(), in_.home.worker.now() + read_ahead::patience, {});
        return;
    }
    // What the body waits for from here on is not what is waited for.
    record_.ledger.pin();
    std::unique_ptr<exchange::body_source> ahead =
        read_ahead::make(*outgoing_place_, in_.home.worker, in_.flusher.ahead(), record_.ledger);
    if (!ahead)
        return record_.ledger.unpin();
    ahead_ = true;
    *outgoing_place_ = std::move(ahead);
    outgoing_ = outgoing_place_->get();
}

// Out of the session's `send`: nobody may be resumed here.
http::h2_outgoing::piece h2_exchange::take(std::size_t max) {
    piece next;
    next.failed = true;
    if (ended_ || body_failed_)
        return next;
    const result<std::string_view> data = next_data(max);
    if (!data) {
        body_failed_ = data.error();
        return next;
    }
    next.end = first_given_ == first_size_ && (outgoing_ == nullptr || outgoing_->finished());
    // A source that does not keep to its length: neither too much of it nor too little may look
    // like the whole.
    if (length_ && (data->size() > left_ || (next.end && data->size() < left_))) {
        body_failed_ = http::errc::length_conflict;
        return next;
    }
    left_ -= length_ ? data->size() : 0;
    record_.response_bytes += data->size();
    next.data = *data;
    next.failed = false;
    if (data->empty() && !next.end)
        changed_.set();
    return next;
}

result<std::string_view> h2_exchange::next_data(std::size_t max) {
    if (first_given_ < first_size_) {
        const std::size_t count = std::min(max, first_size_ - first_given_);
        const char* const begin = first_.data() + first_given_;
        first_given_ += count;
        return std::string_view(begin, count);
    }
    if (outgoing_ == nullptr)
        return error(net::errc::closed);
    return outgoing_->take(max);
}

const http::fields* h2_exchange::trailers() const noexcept {
    return outgoing_ != nullptr ? &outgoing_->trailers() : nullptr;
}

net::task<result<void>> h2_exchange::send_interim(const http::response_head& head) {
    if (head.status != 101 && !stream_.closed && !ended_) {
        (void)in_.session.send_interim(stream_, head);
        in_.flusher.flush_soon();
        if (head.status == 100 && body_)
            body_->note_continue();
    }
    co_return result<void>();
}

void h2_exchange::on_change() noexcept {
    if (body_)
        body_->on_change();
    if (stream_.closed && !stream_.sent && !ended_ && !body_failed_) {
        // By the client, or by the session for a message that it must not go on with.
        ended_ = stream_.closed_by_peer ? error(net::errc::peer_gone)
                                        : error(http::errc::length_conflict);
        // For the origin's side it is one and the same, and none of its faults.
        aborted_.fire(net::errc::peer_gone);
    }
    changed_.set();
}

void h2_exchange::abort(error why, std::string_view detail) noexcept {
    if (!ended_ && !stream_.sent) {
        ended_ = why;
        if (record_.detail.empty())
            record_.detail = detail;
        // What is wrong with the connection is no fault of the origin's.
        aborted_.fire(why == http::errc::connection_breach ? error(net::errc::peer_gone) : why);
        if (body_)
            body_->stop();
    }
    changed_.set();
}

// No byte left for as long as a write may take.
void h2_exchange::on_stall(error why) noexcept {
    if (stream_.data_sent > stalled_at_) {
        changed_.set();
        return;
    }
    in_.session.reset(stream_, http::h2_code::cancel);
    abort(why);
    in_.flusher.on_stall();
}

// Before its answer the stream gets one; a response that has begun is cut.
bool h2_exchange::give_way() noexcept {
    if (ended_ || stream_.closed || stream_.sent || aborted_.fired())
        return false;
    if (!stream_.answered) {
        aborted_.fire(net::errc::stalled_client);
        return true;
    }
    in_.session.reset(stream_, http::h2_code::cancel);
    in_.flusher.flush_soon();
    abort(net::errc::stalled_client);
    return true;
}

void h2_exchange::note(reason why) noexcept {
    if (record_.why == reason::none)
        record_.why = why;
}

// The handler is told only that the client is gone; what ended its connection is known here.
void h2_exchange::note_end() noexcept {
    if (record_.why == reason::none || record_.why == reason::client_gone)
        record_.why = ended_ ? reason_of_client(ended_) : reason::client_gone;
}

// The response could not go on because the request did not.
bool h2_exchange::failed_by_client() const noexcept {
    return body_failed_ && body_ && body_->failed() == body_failed_;
}

reason h2_exchange::reason_of_body() const noexcept {
    return failed_by_client() ? reason_of_client(body_failed_)
                              : state_->handler->reason_of(body_failed_);
}

void h2_exchange::judge_end() {
    record_.response_complete = stream_.sent;
    record_.response_bytes = stream_.data_sent;
    if (stream_.answered && !stream_.head_sent)
        record_.status = status_gone;
    if (stream_.sent)
        return;
    // A body fails only in an exchange that nothing else has ended. What ends it later, like a
    // client that leaves because of our reset, is not the cause.
    if (body_failed_)
        note(reason_of_body());
    else
        note_end();
}

void h2_exchange::finish() {
    if (!stream_.head_sent && record_.why == reason::draining)
        record_.status = status_unsent;
    record_.request_complete = body_ ? body_->finished() : stream_.ended;
    record_.ledger.finish(net::worker::clock());
    state_->handler->finished(record_);
}

}  // namespace penstock::downstream
