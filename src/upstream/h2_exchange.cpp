#include "upstream/h2_exchange.hpp"

#include "penstock/http/forwarding.hpp"
#include "penstock/net/error.hpp"
#include "penstock/upstream/failure.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"

#include <utility>

namespace penstock::upstream {
namespace {

using exchange::phase;

const http::fields no_fields;

}  // namespace

h2_exchange::h2_exchange(const surroundings& around, exchange::request& from,
                         std::shared_ptr<h2_client> over, load carried)
    : around_(around),
      from_(from),
      upload_(*this),
      client_(std::move(over)),
      load_(std::move(carried)),
      share_(around.contention, from, client_->endpoint()),
      beside_(around.home),
      changed_(around.home),
      starved_(around.home),
      patience_(*this) {
    exchange::abort_listener& listener = *this;
    if (from.aborted != nullptr)
        attached_.emplace(*from.aborted, listener);
}

h2_exchange::~h2_exchange() { settle(); }

result<void> h2_exchange::open() {
    http::h2_client_session& session = client_->session();
    http::h2_request_encoding how;
    how.trailers = from_.accepts_trailers;
    how.tls = client_->is_tls();
    // Where an empty body ends is for the client to say: servers of gRPC wait for that.
    const bool absent = from_.body->absent();
    if (!from_.upgrade.empty())
        return error(errc::no_extended_connect);
    if (from_.wants_websocket) {
        if (!session.extended_connect())
            return error(errc::no_extended_connect);
        how.protocol = "websocket";
        how.trailers = false;
    } else if (!absent) {
        how.length = from_.body->length();
    } else if (http::anticipates_content(from_.head.verb)) {
        how.length = 0;
    }
    announced_ = how.length;
    left_ = announced_.value_or(0);
    if (!from_.expects_continue)
        from_.head.fields.remove(http::field_id::expect);
    const bool borrows_host = from_.head.authority.empty();
    if (borrows_host)
        from_.head.authority = around_.endpoint.host;
    const bool sends = from_.wants_websocket || !absent;
    const result<http::h2_client_stream*> opened =
        session.open(from_.head, how, sends ? &upload_ : nullptr);
    if (borrows_host)
        from_.head.authority.clear();
    if (!opened)
        return error(errc::unwritable_request);
    stream_ = *opened;
    h2_stream_owner& self = *this;
    stream_->owner = &self;
    reused_ = session.opened() > 1;
    client_->count_stream();
    client_->flush_soon();
    if (sends && !from_.wants_websocket)
        beside_.start(pump());
    return {};
}

net::task<result<void>> h2_exchange::perform(exchange::response& into) {
    const result<void> opened = open();
    if (!opened)
        co_return opened;
    into.head.clear();
    for (;;) {
        const result<void> passed = co_await pass_interims();
        if (!passed)
            co_return passed;
        if (stream_->head_complete || failed_ || stream_->closed || client_->failed())
            break;
        co_await wait_for_head();
    }
    patience_.disarm();
    begun_ = begun_ || stream_->begun;
    if (failed_)
        co_return failed_;
    if (!stream_->head_complete)
        co_return closed_by();
    co_return accept_head(into);
}

// Until something has changed, and charged to whoever is waited for.
net::task<> h2_exchange::wait_for_head() {
    const phase waits_in = waits_for();
    set_clock(waits_in);
    changed_.reset();
    const phase_wait charged(from_.record->ledger, waits_in, around_.home);
    co_await changed_;
}

phase h2_exchange::waits_for() const noexcept {
    if (stream_->sent || from_.wants_websocket)
        return phase::first_byte;
    if (!http::h2_session::starved(*stream_))
        return phase::send;
    const bool awaits_100 = from_.expects_continue && !continued_ && !body_used_;
    return awaits_100 ? phase::first_byte : phase::body;
}

// The origin's time runs while it is its turn; a client that is slow has a deadline of its own.
void h2_exchange::set_clock(phase waits_in) noexcept {
    const time_point now = around_.home.now();
    if (waits_in == phase::body) {
        patience_.disarm();
    } else if (waits_in == phase::first_byte) {
        if (!patience_.armed() || stalled_at_ != 0)
            patience_.arm(around_.home.deadlines(), now + around_.timeouts.first_byte,
                          net::errc::first_byte_timeout);
        stalled_at_ = 0;
    } else {
        // One more than was sent, so that it differs from the other clock's zero.
        stalled_at_ = stream_->data_sent + 1;
        patience_.arm(around_.home.deadlines(), now + around_.timeouts.idle,
                      net::errc::write_timeout);
    }
}

void h2_exchange::on_expire(error why) noexcept {
    if (why == net::errc::write_timeout && stream_ != nullptr &&
        stream_->data_sent + 1 > stalled_at_) {
        changed_.set();
        return;
    }
    cancel(why);
}

void h2_exchange::on_change() noexcept {
    changed_.set();
    if (stream_ != nullptr && pump_is_over())
        starved_.set();
}

void h2_exchange::on_abort(error why) noexcept { cancel(why); }

// The origin hears of it at the end of this turn of the loop.
void h2_exchange::cancel(error why) noexcept {
    if (!failed_)
        failed_ = why;
    if (stream_ != nullptr) {
        client_->session().reset(*stream_, http::h2_code::cancel);
        client_->flush_soon();
    }
    starved_.set();
    changed_.set();
}

// False once there are too many.
bool h2_exchange::take_interims(std::size_t count) noexcept {
    std::size_t bytes =
        stream_->interim_bytes - std::exchange(interim_bytes_, stream_->interim_bytes);
    bool good = true;
    for (; count > 0; --count)
        good = interims_.take(std::exchange(bytes, 0), around_.home.now()) && good;
    return good;
}

net::task<result<void>> h2_exchange::pass_interims() {
    while (!stream_->interims.empty() && !failed_) {
        std::vector<http::response_head> heads = std::exchange(stream_->interims, {});
        begun_ = true;
        if (!take_interims(heads.size()))
            co_return error(errc::interim_flood);
        for (http::response_head& head : heads) {
            if (head.status == 100)
                continued_ = true;
            if (from_.interim == nullptr)
                continue;
            patience_.disarm();
            http::strip_hop_by_hop(head.fields);
            const phase_wait charged(from_.record->ledger, phase::client_blocked, around_.home);
            const result<void> passed = co_await from_.interim->send_interim(head);
            if (!passed) {
                client_failure_ = passed.error();
                co_return passed;
            }
        }
    }
    co_return result<void>();
}

result<void> h2_exchange::accept_head(exchange::response& into) {
    into.head = std::move(stream_->head);
    share_.note_answer(from_.wants_websocket && into.head.status / 100 == 2);
    length_ = stream_->length;
    from_.record->upstream_status = into.head.status;
    http::strip_hop_by_hop(into.head.fields);
    // Over HTTP/1 nothing else would end it.
    call_ = from_.head.version == http::version::http_2 && http::is_grpc(from_.head.fields) &&
            http::is_grpc(into.head.fields);
    if (from_.wants_websocket && into.head.status / 100 == 2) {
        upgraded_ = into.upgraded = true;
        into.head.status = 101;
        length_.reset();
        beside_.start(pump());
        return {};
    }
    if (from_.head.verb == http::method::head || into.head.status == 304)
        into.announced_length = length_;
    else if (!length_ && finished() && stream_->trailers.empty())
        length_ = 0;
    return {};
}

// Why a stream is closed, or never will be.
error h2_exchange::closed_by() const noexcept {
    if (stream_->unprocessed())
        return errc::stream_refused;
    if (stream_->refused)
        return stream_->refused;
    if (stream_->closed && stream_->closed_by_peer)
        return errc::stream_reset;
    if (client_->failed())
        return client_->failed();
    if (stream_->closed && stream_->code != http::h2_code::no_error)
        return http::errc::bad_field;
    return net::errc::end_of_stream;
}

attempt_failure h2_exchange::failure(error why) const noexcept {
    attempt_failure failed;
    const bool of_client = static_cast<bool>(client_failure_);
    failed.why = why;
    failed.reason = of_client ? exchange::reason_of_client(why) : reason_of(why);
    const bool unprocessed = why == errc::stream_refused;
    failed.reused = !around_.fresh && (reused_ || unprocessed);
    failed.request_sent = stream_ != nullptr && !unprocessed;
    failed.body_consumed = body_used_;
    failed.response_begun = begun_;
    return failed;
}

bool h2_exchange::finished() const noexcept {
    return finished_ || (stream_ != nullptr && !failed_ && stream_->ended &&
                         http::h2_session::data_waiting(*stream_) == 0);
}

bool h2_exchange::absent() const noexcept {
    return stream_ == nullptr || (!failed_ && stream_->bodiless);
}

result<std::string_view> h2_exchange::take(std::size_t max) {
    if (failed_)
        return failed_;
    if (stream_ == nullptr)
        return std::string_view();
    const std::string_view data = client_->session().take_data(*stream_, max);
    // What was taken before has opened the origin's window.
    client_->flush_soon();
    if (!data.empty() || stream_->ended)
        return data;
    if (stream_->closed || client_->failed()) {
        failed_ = closed_by();
        if (failed_ == net::errc::end_of_stream)
            failed_ = http::errc::truncated;
        return failed_;
    }
    return std::string_view();
}

net::task<result<void>> h2_exchange::wait() {
    while (!failed_ && !finished() && !std::exchange(woken_, false) &&
           http::h2_session::data_waiting(*stream_) == 0 && !stream_->closed &&
           !client_->failed()) {
        const bool clients_turn = !pump_is_over() && http::h2_session::starved(*stream_);
        // A call that is answered may be quiet; PING and TCP find an origin that is gone.
        if (!upgraded_ && !call_ && !clients_turn)
            patience_.arm(around_.home.deadlines(), around_.home.now() + around_.timeouts.idle,
                          net::errc::upstream_idle_timeout);
        changed_.reset();
        {
            const phase_wait charged(from_.record->ledger, phase::response, around_.home);
            co_await changed_;
        }
        patience_.disarm();
    }
    co_return failed_ ? result<void>(failed_) : result<void>();
}

void h2_exchange::wake() noexcept {
    woken_ = true;
    changed_.set();
}

const http::fields& h2_exchange::trailers() const noexcept {
    return stream_ != nullptr ? stream_->trailers : no_fields;
}

net::task<> h2_exchange::close() {
    if (stream_ == nullptr)
        co_return;
    finished_ = finished();
    if (beside_.running() > 0) {
        stopping_ = true;
        starved_.set();
        if (waits_for_client_)
            from_.body->wake();
        // Once something of a response has come, the request is not sent again.
        if (begun_)
            from_.body->stop();
        co_await beside_.join();
    }
    settle();
}

void h2_exchange::settle() noexcept {
    attached_.reset();
    patience_.disarm();
    share_.end();
    if (stream_ != nullptr)
        client_->release(*std::exchange(stream_, nullptr));
    load_.end();
}

bool h2_exchange::pump_is_over() const noexcept {
    return stopping_ || failed_ || stream_->sent || stream_->closed || client_->failed();
}

// Wakes the stream whenever the client has sent more.
net::task<> h2_exchange::pump() {
    http::h2_client_session& session = client_->session();
    while (!pump_is_over()) {
        if (!http::h2_session::starved(*stream_)) {
            starved_.reset();
            co_await starved_;
            continue;
        }
        waits_for_client_ = true;
        const result<void> waited = co_await from_.body->wait();
        waits_for_client_ = false;
        if (pump_is_over())
            break;
        if (!waited) {
            client_failure_ = waited.error();
            cancel(waited.error());
            break;
        }
        session.resume(*stream_);
        client_->flush_soon();
        changed_.set();
    }
}

// Out of the session's `send`.
http::h2_outgoing::piece h2_exchange::take_request(std::size_t max) {
    http::h2_outgoing::piece next;
    if (from_.wants_websocket && !upgraded_) {
        next.failed = stopping_;
        return next;
    }
    next.failed = true;
    if (stopping_ || failed_)
        return next;
    const result<std::string_view> data = from_.body->take(max);
    if (!data) {
        failed_ = client_failure_ = data.error();
        changed_.set();
        return next;
    }
    next.end = from_.body->finished();
    body_used_ = body_used_ || !data->empty();
    // A source that does not keep to its length may not look like one that does.
    if (announced_ && (data->size() > left_ || (next.end && data->size() < left_))) {
        failed_ = client_failure_ = http::errc::length_conflict;
        changed_.set();
        return next;
    }
    left_ -= announced_ ? data->size() : 0;
    next.data = *data;
    next.failed = false;
    if (data->empty() && !next.end) {
        // It is the client's turn: whoever charges the wait, and whoever waits for it, hears of it.
        starved_.set();
        changed_.set();
    }
    return next;
}

const http::fields* h2_exchange::upload::trailers() const noexcept {
    return &of_.from_.body->trailers();
}

}  // namespace penstock::upstream
