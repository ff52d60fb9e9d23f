// One request: its head, what it means, its record, and how it ends before its time.
#include "downstream/h1_connection.hpp"

#include "downstream/let_go.hpp"
#include "downstream/refusal.hpp"
#include "penstock/http/error.hpp"
#include "penstock/http/h2.hpp"
#include "penstock/http/refused_head.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <cstdint>
#include <limits>
#include <utility>

namespace penstock::downstream {

using exchange::phase;
using exchange::reason;
using exchange::reason_of_client;

void h1_connection::begin_request() {
    enter(state::busy);
    serving_ = home_.servings.take(home_.state);
    if (line_skipped_)
        serving_->parser.expect_no_empty_line();
    begin_record();
}

// From a head's first byte to the end of what answers it.
net::task<h1_connection::ending> h1_connection::serve_request() {
    serving& now = *serving_;
    result<head_state> read = feed_head();
    if (read && *read == head_state::partial)
        read = co_await more_head();
    now.record.ledger.enter(phase::loop, home_.worker.now());
    if (read && *read == head_state::other_protocol)
        co_return ending::switch_protocol;
    describe();
    if (!read) {
        if (!answerable(read.error()))
            co_return leave_head(read.error());
        explain_head(read.error());
        co_return co_await refuse_request(reason_of_head(read.error()));
    }
    const reason refused = understand_head();
    if (refused != reason::none)
        co_return co_await refuse_request(refused);
    watched_ = true;
    look_for_end();
    exchange::response with = co_await now.state->handler->handle(now.request);
    co_return co_await reply(std::move(with));
}

// HTTP where TLS was expected. What has come of the head is for the log; no more is waited for.
net::task<h1_connection::ending> h1_connection::refuse_plain() {
    serving& now = *serving_;
    (void)now.parser.feed({buffer_.data(), buffer_.size()}, now.request.head);
    describe();
    // A method that is cut has a body in its answer, but for what may yet become HEAD.
    const std::string_view received(buffer_.data(), buffer_.size());
    if (!now.asked.verb && !std::string_view("HEAD ").starts_with(received))
        now.asked.verb = http::method::other;
    explain_head({});
    co_return co_await refuse_request(reason::plain_http);
}

// What is behind a whole head stays in the buffer.
result<h1_connection::head_state> h1_connection::feed_head() {
    const std::string_view received(buffer_.data(), buffer_.size());
    if (served_ == 1 && serving_->state->settings.h2 && !stream_.is_tls()) {
        // The first letter tells it from nearly every request.
        const std::string_view preface = http::h2_preface;
        if (received.starts_with(preface))
            return head_state::other_protocol;
        if (!received.empty() && preface.starts_with(received))
            return head_state::partial;
    }
    const auto fed = serving_->parser.feed(received, serving_->request.head);
    if (!fed)
        return fed.error();
    if (!*fed)
        return head_state::partial;
    buffer_.consume(**fed);
    return head_state::whole;
}

// One read. A head of the highest limits takes a few of them, and between two the alarm is looked
// at.
result<h1_connection::head_state> h1_connection::read_more_head() {
    const result<std::size_t> got = fill(buffer_);
    if (!got && got.error() == net::errc::would_block)
        return head_state::partial;
    if (!got)
        return got.error();
    if (*got == 0)
        return error(net::errc::peer_gone);
    return feed_head();
}

// The rest of a head that did not come with its first bytes. The deadline is the whole head's, so
// that bytes that trickle in do not put it off.
net::task<result<h1_connection::head_state>> h1_connection::more_head() {
    const milliseconds limit = serving_->state->settings.timeouts.head;
    alarm_.set(home_.worker.now() + limit, net::errc::head_timeout);
    for (;;) {
        if (stream_.maybe_readable()) {
            const result<head_state> read = read_more_head();
            if (!read || *read != head_state::partial) {
                alarm_.off();
                co_return read;
            }
        }
        if (const error late = alarm_.rung())
            co_return late;
        const error waited = co_await stream_.readable();
        if (waited)
            co_return waited;
    }
}

// A fault of the message, or a deadline that it missed once it had begun; anything else means that
// the connection is of no further use.
bool h1_connection::answerable(error why) const noexcept {
    if (why == net::errc::head_timeout)
        return serving_->parser.started();
    return why.category() == http::category() || why == net::errc::too_large;
}

// The client left, or was cut off, before its head was whole.
h1_connection::ending h1_connection::leave_head(error why) noexcept {
    note(reason_of_client(why));
    return ending::close;
}

// What the head means for this side; `none` if it can be served.
reason h1_connection::understand_head() {
    serving& now = *serving_;
    exchange::request& request = now.request;
    // The transport's, whatever an absolute form says: origins are told that it is the truth.
    request.head.scheme = stream_.is_tls() ? "https" : "http";
    identify(now.state->clients.get(), request);
    if (!home_.admits(request))
        return reason::address_rate;
    result<request_facts> facts = judge_request(request.head);
    if (!facts) {
        now.record.detail = http::explain(facts.error(), {});
        return reason_of_head(facts.error());
    }
    if (const error wrong = judge_path(request.head, now.state->settings.paths, now.record))
        return reason_of_head(wrong);
    if (connection_home::is_misdirected(stream_, request.head.host()))
        return reason::misdirected_request;
    request.expects_continue = facts->expects_continue;
    request.wants_websocket = facts->wants_websocket;
    request.upgrade = std::move(facts->upgrade);
    request.accepts_trailers = facts->accepts_trailers;
    keeps_alive_ = facts->keeps_alive;
    std::uint64_t bytes_max = now.state->handler->body_limit(request);
    if (bytes_max == 0)
        bytes_max = now.state->settings.limit.body;
    if (bytes_max != 0 && facts->framing.length > bytes_max)
        return reason::body_too_large;
    start_body(*facts, bytes_max);
    return reason::none;
}

void h1_connection::start_body(const request_facts& facts, std::uint64_t bytes_max) {
    serving& now = *serving_;
    h1_request_body::rules rules;
    rules.framing = facts.framing;
    rules.bytes_max = bytes_max;
    rules.idle = now.state->settings.timeouts.body_idle;
    rules.awaits_continue = facts.expects_continue && buffer_.empty();
    body_listener& listener = *this;
    const h1_request_body::input input{stream_, buffer_, alarm_, listener, home_.bodies};
    now.body.emplace(input, rules, now.record);
    now.request.body = &*now.body;
}

void h1_connection::begin_record() {
    serving& now = *serving_;
    exchange::record& record = now.record;
    record.ledger.start(home_.worker.now(), phase::head);
    if (extras_)
        record.ledger.prepend(phase::tls, std::exchange(extras_->handshake, nanoseconds{0}));
    record.began_wall = wall_clock::now();
    record.listener = now.state->id;
    record.generation = now.state->generation;
    record.worker = static_cast<std::uint8_t>(home_.worker.index());
    record.tls = stream_.is_tls();
    peer_.print(record.client);
    exchange::request& request = now.request;
    request.tls = record.tls;
    request.client_certificate = stream_.tls().client_certificate;
    request.client_subject = stream_.tls().client_subject;
    request.server_name = stream_.tls().server_name;
    request.peer = &peer_;
    request.local = local_.get();
    request.connection = number_;
    request.served_before = served_ > 0;
    request.client = this;
    request.interim = this;
    request.aborted = &*now.aborted;
    request.record = &record;
    if (served_ < std::numeric_limits<std::uint32_t>::max())
        ++served_;
    keeps_alive_ = watched_ = replied_ = half_closed_ = false;
}

// Before the handler edits the head.
void h1_connection::describe() {
    const http::request_head& head = serving_->request.head;
    serving_->asked.version = head.version;
    if (!head.method_text.empty())
        serving_->asked.verb = head.verb;
    exchange::record& record = serving_->record;
    record.http10 = head.version == http::version::http_1_0;
    record.method = head.method_text;
    record.host = head.authority;
    record.path = head.forwarded_path();
    record.path += head.query;
    record.user_agent = head.fields.find(http::field_id::user_agent).value_or(std::string_view());
}

// For the log: what was received of a head that is refused, and which rule it broke.
void h1_connection::explain_head(error why) {
    exchange::record& record = serving_->record;
    const std::string_view received(buffer_.data(), buffer_.size());
    const http::head_glance seen = http::glance_at(received);
    const auto fill_in = [](std::string& text, std::string_view sent) {
        if (text.empty())
            text = sent;
    };
    fill_in(record.method, seen.method);
    fill_in(record.host, seen.host);
    fill_in(record.path, seen.target);
    fill_in(record.user_agent, seen.user_agent);
    record.detail = http::explain(why, {received, seen.target});
}

// `asked` says that a request had begun: a client that leaves after an empty line never did.
void h1_connection::finish_exchange(bool asked) {
    serving& now = *serving_;
    exchange::record& record = now.record;
    watched_ = false;
    now.tunnel_idle.reset();
    alarm_.off();
    if (!now.head_sent && record.why == reason::client_gone)
        record.status = status_gone;
    // Cut at the end of a drain: the client saw nothing of what the handler had to say.
    else if (!now.head_sent && record.why == reason::draining)
        record.status = status_unsent;
    record.request_complete = now.body && now.body->finished();
    record.ledger.finish(net::worker::clock());
    if (asked)
        now.state->handler->finished(record);
    if (!now.ahead.empty())
        buffer_ = std::exchange(now.ahead, net::read_buffer());
    buffer_.release_if_empty();
    home_.servings.give_back(std::move(serving_), home_.state);
}

void h1_connection::note(reason why) noexcept {
    if (serving_->record.why == reason::none)
        serving_->record.why = why;
}

// Called whenever something was said about the connection that no reader waited for. Reads only
// once the client has closed its side and nothing that it sent is left: bytes sent ahead stay in
// the kernel, where they hold it back. What is read lands beside the buffer, since views into that
// may still be in use.
void h1_connection::look_for_end() noexcept {
    if (!watched_ || serving_->ended || half_closed_)
        return;
    if (stream_.peer_reset()) {
        end_exchange(net::errc::peer_gone);
        stream_.abort(net::errc::peer_gone);
        return;
    }
    if (serving_->tunnel_idle || !stream_.peer_closed() || !serving_->body->finished() ||
        !buffer_.empty() || !serving_->ahead.empty())
        return;
    const result<std::size_t> got = fill(serving_->ahead);
    const bool gone = got ? *got == 0 : got.error() != net::errc::would_block;
    if (gone)
        end_exchange(net::errc::peer_gone);
}

// What waits for the client is cut with its connection. Else it gets an answer.
bool h1_connection::give_way() noexcept {
    if (!watched_ || serving_->ended || serving_->record.response_complete)
        return false;
    const bool blocked = serving_->record.ledger.current() == phase::client_blocked;
    end_exchange(net::errc::stalled_client);
    if (!replied_ && !blocked)
        return true;
    stream_.reset_on_close();
    stream_.abort(net::errc::stalled_client);
    return true;
}

// Cancels what the handler does for this exchange. A response that is complete nevertheless is
// still written, unless the connection itself is dead or a tunnel.
void h1_connection::end_exchange(error why) noexcept {
    if (!watched_ || serving_->ended)
        return;
    serving_->ended = why;
    serving_->aborted->fire(why);
    if (!serving_->tunnel_idle)
        return;
    serving_->body->interrupt();
    stream_.abort(why);
}

}  // namespace penstock::downstream
