// The first half of an exchange: from the request to the response's head.
#include "upstream/h1_exchange.hpp"

#include "penstock/exchange/websocket_key.hpp"
#include "penstock/http/forwarding.hpp"
#include "penstock/net/error.hpp"
#include "penstock/upstream/failure.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"
#include "upstream/response_rules.hpp"

#include <span>
#include <utility>

namespace penstock::upstream {
namespace {

constexpr http::head_limits head_limits{
    .head = 64 * 1024, .line = 8 * 1024, .field = 64 * 1024, .count = 128};

constexpr http::body_limits body_limits{.padded_sizes = true};

// The client's own key is for the client to check.
bool proves(const std::string& key, const http::response_head& head) {
    return key.empty() ||
           head.fields.find(exchange::websocket_accept_name) == exchange::websocket_accept(key);
}

}  // namespace

h1_exchange::h1_exchange(const surroundings& around, exchange::request& from,
                         std::unique_ptr<connection> over, load carried)
    : around_(around),
      from_(from),
      connection_(std::move(over)),
      load_(std::move(carried)),
      share_(around.contention, from, connection_->endpoint()),
      sender_(*connection_, from, around.timeouts),
      beside_(around.home),
      parser_(head_limits),
      endpoint_(connection_->endpoint()),
      idled_(connection_->idled()),
      reused_(connection_->reused()) {
    add(around_.counters.active);
    exchange::abort_listener& listener = *this;
    if (from.aborted != nullptr)
        attached_.emplace(*from.aborted, listener);
}

h1_exchange::~h1_exchange() {
    if (connection_)
        settle(false);
}

void h1_exchange::on_abort(error why) noexcept {
    if (!connection_)
        return;
    stream().abort(why);
    // Whoever waits for the place does not wait for this client as well.
    if (why == net::errc::stalled_client && connection_->holds_place()) {
        share_.end();
        around_.pool.give_up(*connection_);
    }
}

net::task<result<void>> h1_exchange::perform(exchange::response& into) {
    const result<void> begun = sender_.begin(around_.endpoint.host);
    if (!begun)
        co_return begun;
    if (!sender_.over())
        beside_.start(sender_.pump());
    sender_.start_first_byte_clock();
    into.head.clear();
    for (;;) {
        const result<step> next = read_head(into.head);
        if (!next)
            co_return next.error();
        if (*next == step::final)
            break;
        if (*next == step::interim) {
            const result<void> passed = co_await pass_interim(into.head);
            if (!passed)
                co_return passed;
            into.head.clear();
            continue;
        }
        buffer_.release_if_empty();
        error waited;
        {
            const phase_wait charged(from_.record->ledger, awaited_phase(), around_.home);
            waited = co_await stream().readable();
        }
        if (waited)
            co_return waited;
    }
    co_return accept_head(into);
}

// While the pump runs it says what is waited for; the request's end changes that by itself.
exchange::phase h1_exchange::awaited_phase() const noexcept {
    return sender_.over() ? exchange::phase::first_byte : sender_.waits_for();
}

// Parses what is here and reads what the kernel has, without waiting.
result<h1_exchange::step> h1_exchange::read_head(http::response_head& into) {
    for (;;) {
        if (!buffer_.empty()) {
            const auto fed = parser_.feed({buffer_.data(), buffer_.size()}, into);
            if (!fed)
                return fed.error();
            if (*fed) {
                buffer_.consume(**fed);
                parser_.reset();
                return classify(into, **fed);
            }
        }
        if (!stream().aborted() && !stream().maybe_readable())
            return step::wait;
        const result<std::size_t> got = fill();
        if (!got && got.error() == net::errc::would_block)
            return step::wait;
        if (!got)
            return got.error();
        if (*got == 0)
            return error(net::errc::end_of_stream);
        response_begun_ = true;
    }
}

result<h1_exchange::step> h1_exchange::classify(const http::response_head& head,
                                                std::size_t bytes) {
    if (head.status == 101) {
        const std::string_view protocol = from_.protocol();
        const bool ours =
            !protocol.empty() && sender_.complete() && accepts_upgrade(head, protocol);
        if (!ours || !proves(sender_.key(), head))
            return error(errc::unexpected_upgrade);
        upgraded_ = true;
        return step::final;
    }
    if (head.status >= 200)
        return step::final;
    if (!interims_.take(bytes, around_.home.now()))
        return error(errc::interim_flood);
    return step::interim;
}

net::task<result<void>> h1_exchange::pass_interim(http::response_head& head) {
    http::strip_hop_by_hop(head.fields);
    if (head.status == 100)
        sender_.note_continue();
    stream().read_deadline_off();
    result<void> passed;
    if (from_.interim != nullptr) {
        const phase_wait charged(from_.record->ledger, exchange::phase::client_blocked,
                                 around_.home);
        passed = co_await from_.interim->send_interim(head);
    }
    client_failed_ = !passed;
    // The origin has shown that it is at work, so its time begins anew.
    sender_.start_first_byte_clock();
    co_return passed;
}

result<void> h1_exchange::accept_head(exchange::response& into) {
    sender_.go_quiet();
    share_.note_answer(upgraded_);
    stream().read_deadline_off();
    from_.record->upstream_status = into.head.status;
    if (upgraded_) {
        framing_ = {http::framing_kind::until_close, 0};
        into.upgraded = true;
    } else {
        const result<http::framing> framed = http::response_framing(into.head, from_.head.verb);
        if (!framed)
            return framed.error();
        framing_ = *framed;
        // What comes before the request is complete leaves the connection in doubt.
        keeps_alive_ = sender_.complete() && may_be_shared(from_.head, into.head) &&
                       http::keeps_alive(into.head.version, into.head.fields);
        if (from_.head.verb == http::method::head || into.head.status == 304) {
            into.announced_length = http::announced_length(into.head);
        }
    }
    decoder_ = http::h1_body_decoder(framing_, body_limits);
    learn(into.head);
    http::strip_hop_by_hop(into.head.fields);
    if (decoder_.finished())
        end_of_body(true);
    return {};
}

void h1_exchange::learn(const http::response_head& head) {
    const auto timeout = keep_alive_timeout(head);
    if (timeout)
        around_.pool.age_of(connection_->endpoint()).announced(*timeout);
}

attempt_failure h1_exchange::failure(error why) const noexcept {
    attempt_failure failed;
    const bool of_client = client_failed_ || sender_.client_failure();
    failed.why = why;
    failed.reason = of_client ? exchange::reason_of_client(why) : reason_of(why);
    failed.reused = reused_;
    failed.request_sent = sender_.sent_any();
    failed.body_consumed = sender_.body_used();
    failed.response_begun = response_begun_;
    const bool died = failed.reason == exchange::reason::connection_terminated;
    if (died && reused_ && !response_begun_ && !of_client) {
        add(around_.counters.stale);
        // An origin that dies of what it is asked says nothing about idle connections.
        if (unheard_)
            around_.pool.age_of(endpoint_).closed(idled_, around_.home.now());
    }
    return failed;
}

}  // namespace penstock::upstream
