#include "upstream/h2_pool.hpp"

#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/upstream/failure.hpp"
#include "upstream/connector.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace penstock::upstream {

// One exchange that waits for a stream. Lives in its coroutine.
class h2_pool::waiter final : public net::deadline,
                              public exchange::abort_listener,
                              public fair_queue::item {
 public:
    waiter(net::worker& home, std::size_t endpoint) noexcept
        : item(fair_queue::item_kind::stream), decided(home), endpoint_(endpoint) {}

    [[nodiscard]] bool accepts(std::size_t endpoint) const noexcept override {
        return endpoint == endpoint_;
    }
    [[nodiscard]] endpoint_mask endpoints() const noexcept override { return mask_of(endpoint_); }

    bool for_dial = false;  // it waits for a connection that is being made
    net::event decided;
    error failed;
    std::unique_ptr<connection> http1;
    time_point asked_at{};  // other workers, for a place

 private:
    void on_expire(error) noexcept override { decided.set(); }
    void on_abort(error why) noexcept override {
        failed = why;
        decided.set();
    }

    std::size_t endpoint_;
};

// A connection that is being made for whoever waits. It outlives its pool by the turn of the loop
// in which it sees that nobody wants it.
class h2_pool::dial {
 public:
    dial(h2_pool& of, std::size_t endpoint, place held)
        : shared_(of.shared_),
          tls_(of.tls_),
          pool_(&of),
          endpoint_(endpoint),
          held_(std::move(held)) {
        request_.aborted = &aborted_;
        request_.record = &record_;
    }

    static net::task<> run(std::shared_ptr<dial> self, net::worker& home) {
        const connect_target target{home, self->shared_->settings,
                                    *self->shared_->endpoints[self->endpoint_], self->endpoint_,
                                    self->tls_.get()};
        result<std::unique_ptr<connection>> made = co_await connect(target, self->request_);
        if (made)
            (*made)->hold(std::move(self->held_));
        self->held_.release();
        if (self->pool_ == nullptr)
            co_return;
        if (made)
            count_handshake(self->pool_->counters_, **made);
        const time_point end = home.now();
        const nanoseconds tls = self->record_.ledger.spent(exchange::phase::upstream_tls);
        self->pool_->endpoints_[self->endpoint_].latest_tls = {end - tls, end};
        self->pool_->on_dialled(self->endpoint_, std::move(made));
    }

    void abandon() noexcept {
        pool_ = nullptr;
        aborted_.fire(net::errc::closed);
    }

 private:
    std::shared_ptr<shared_upstream> shared_;
    std::shared_ptr<net::tls_context> tls_;
    exchange::request request_;
    exchange::record record_;
    exchange::abort_signal aborted_;
    h2_pool* pool_;
    std::size_t endpoint_;
    place held_;
};

h2_pool::h2_pool(const surroundings& in)
    : home_(in.home),
      shared_(in.shared),
      tls_(in.tls),
      counters_(in.counters),
      contention_(in.contention),
      endpoints_(shared_->endpoints.size()) {}

h2_pool::~h2_pool() {
    for (endpoint_state& state : endpoints_) {
        if (state.dialling)
            state.dialling->abandon();
        for (const std::shared_ptr<h2_client>& each : std::exchange(state.clients, {}))
            each->abandon();
        for (const std::weak_ptr<h2_client>& each : state.leaving) {
            if (const std::shared_ptr<h2_client> client = each.lock())
                client->abandon();
        }
    }
}

bool h2_pool::serves(std::size_t endpoint) const noexcept {
    switch (shared_->settings.protocol) {
        case config::upstream_protocol::http1:
            return false;
        case config::upstream_protocol::h2:
            return true;
        case config::upstream_protocol::by_alpn:
            break;
    }
    return !endpoints_[endpoint].speaks_http1;
}

// The newest of those that are as free: an older one may just have refused a stream.
std::shared_ptr<h2_client> h2_pool::best(std::size_t endpoint, nanoseconds idled) const noexcept {
    std::shared_ptr<h2_client> found;
    std::size_t most = 0;
    for (const std::shared_ptr<h2_client>& each : endpoints_[endpoint].clients) {
        const std::size_t slots = each->slots();
        if (slots == 0 || slots < most)
            continue;
        const std::optional<idle_period> since = each->idled();
        if (since && since->length() >= idled)
            continue;
        found = each;
        most = slots;
    }
    return found;
}

// What may not be repeated gets a connection that is known to be alive, and young enough to stay
// so.
std::shared_ptr<h2_client> h2_pool::choose(const lease_wish& wish) {
    endpoint_state& state = endpoints_[wish.endpoint];
    if (wish.repeatable)
        return best(wish.endpoint);
    for (const std::shared_ptr<h2_client>& each : state.clients) {
        const std::optional<idle_period> since = each->idled();
        if (since && each->slots() > 0)
            state.age.outlived(*since);
    }
    for (;;) {
        const nanoseconds safe = state.age.safe(nanoseconds::max(), home_.now());
        std::shared_ptr<h2_client> found = best(wish.endpoint, safe);
        if (!found || !found->idled())
            return found;
        found->look();
        if (found->slots() > 0)
            return found;
    }
}

// For one that suits better.
place h2_pool::place_of_idle(std::size_t endpoint) noexcept {
    const auto clients = endpoints_[endpoint].clients;
    for (const std::shared_ptr<h2_client>& each : clients) {
        if (each->idled())
            return each->give_up_place();
    }
    return {};
}

bool h2_pool::full(std::size_t endpoint) const noexcept {
    const endpoint_state& state = endpoints_[endpoint];
    if (state.dialling || best(endpoint))
        return false;
    return shared_->endpoints[endpoint]->connections.load(std::memory_order_relaxed) >=
           shared_->settings.pool.connections;
}

// A connection is on its way, by the network or by the origin's SETTINGS.
bool h2_pool::being_made(std::size_t endpoint) const noexcept {
    const endpoint_state& state = endpoints_[endpoint];
    return state.dialling != nullptr ||
           std::any_of(state.clients.begin(), state.clients.end(),
                       [](const auto& each) { return each->opening(); });
}

net::task<result<h2_lease>> h2_pool::obtain(exchange::request& from, lease_wish wish) {
    const std::size_t at = wish.endpoint;
    const config::pool_limits& limits = shared_->settings.pool;
    time_point until = home_.now() + limits.queue_timeout;
    const time_point latest = until + contention::grace_max;
    // After a failure over one connection another is worth making.
    if (wish.fresh)
        begin_dial(at);
    bool waits = wish.fresh && being_made(at);
    waiter self(home_, at);
    for (bool first = true;; first = false) {
        h2_lease made;
        // Exchanges that wait already go first, and a client that is held back waits.
        if (!contention_.admits_stream(from) || (first && first_waiter(at) != nullptr))
            waits = true;
        if (!waits)
            made.http2 = choose(wish);
        if (made.http2) {
            // Opened before the last stream is taken, so that nobody has to wait for it.
            if (made.http2->slots() == 1)
                begin_dial(at);
            co_return std::move(made);
        }
        waits = false;
        if (contention_.admits(from)) {
            begin_dial(at);
            if (!being_made(at) && !wish.repeatable)
                begin_dial(at, place_of_idle(at));
        }
        if (home_.now() >= until && until < latest && contention_.served_soon(self))
            until += contention::grace;
        if (!being_made(at) && home_.now() >= until)
            co_return error(net::errc::queue_timeout);
        // A connection that is being made will serve as many as it has streams.
        const std::size_t served = being_made(at) ? shared_->settings.http2.streams : 0;
        if (endpoints_[at].waiting.size() >= std::max<std::size_t>(limits.queue, served) &&
            !make_room(from, at))
            co_return error(net::errc::queue_full);
        co_await wait_for_slot(self, at, from, until);
        if (self.failed) {
            // What it was woken for is another's.
            if (const std::shared_ptr<h2_client> free = best(at))
                wake(at, free->slots());
            else if (room(at) > 0)
                wake(at, 1);
            co_return self.failed;
        }
        made.http1 = std::move(self.http1);
        if (made.http1 || !serves(at))
            co_return std::move(made);
    }
}

// As connection_pool's.
bool h2_pool::make_room(const exchange::request& from, std::size_t endpoint) {
    fair_queue::item* const last = contention_.to_displace(from);
    if (last == nullptr || last->kind != fair_queue::item_kind::stream || !last->accepts(endpoint))
        return false;
    auto& displaced = static_cast<waiter&>(*last);
    contention_.end_wait(displaced);
    displaced.failed = net::errc::queue_full;
    displaced.decided.set();
    return true;
}

// Returns when something may have changed: a free stream, a failed connection, a place, or time.
net::task<> h2_pool::wait_for_slot(waiter& self, std::size_t endpoint, exchange::request& from,
                                   time_point until) {
    endpoint_state& state = endpoints_[endpoint];
    const bool made = being_made(endpoint);
    self.decided.reset();
    std::optional<exchange::abort_signal::attachment> attached;
    exchange::abort_listener& listener = self;
    if (from.aborted != nullptr)
        attached.emplace(*from.aborted, listener);
    state.waiting.push_back(&self);
    add(counters_.queued);
    self.for_dial = made;
    if (made) {
        ++state.wants_dial;
        const time_point latest = std::max(until, home_.now() + retry_interval);
        self.arm(home_.deadlines(), latest, net::errc::queue_timeout);
        // No exchange gives way to one that will soon be served by a new connection.
        self.promised_until = std::min(latest, state.dial_began + dial_promise);
    }
    contention_.begin_wait(self, from);
    if (!made)
        ask_for_place(self, endpoint);
    if (!self.decided.is_set()) {
        const exchange::phase during = made ? exchange::phase::connect : exchange::phase::pool_wait;
        const time_point began = net::worker::clock();
        {
            const phase_wait charged(from.record->ledger, during, home_);
            co_await self.decided;
        }
        // The connection was made on nobody's behalf; who waited, waited for its handshake too.
        const auto [tls_began, tls_ended] = state.latest_tls;
        const nanoseconds tls = std::min(home_.now(), tls_ended) - std::max(began, tls_began);
        if (made)
            from.record->ledger.recharge(during, exchange::phase::upstream_tls, tls);
    }
    self.disarm();
    if (made) {
        --state.wants_dial;
    } else {
        --state.wants_place;
        shared_->endpoints[endpoint]->waiting.fetch_sub(1);
    }
    subtract(counters_.queued);
    std::erase(state.waiting, &self);
    contention_.end_wait(self, true);
    contention_.end_grant(self);
}

void h2_pool::ask_for_place(waiter& self, std::size_t endpoint) {
    ++endpoints_[endpoint].wants_place;
    shared_->endpoints[endpoint]->waiting.fetch_add(1);
    self.arm(home_.deadlines(), home_.now() + retry_interval, net::errc::queue_timeout);
    // Not whenever it was woken in vain: the workers would keep each other busy.
    if (!shared_->rebalance || home_.now() < self.asked_at + retry_interval)
        return;
    self.asked_at = home_.now();
    shared_->rebalance(*shared_);
}

void h2_pool::begin_dial(std::size_t endpoint) {
    if (being_made(endpoint))
        return;
    begin_dial(endpoint, place::try_take(shared_->endpoints[endpoint]->connections,
                                         shared_->settings.pool.connections));
}

void h2_pool::begin_dial(std::size_t endpoint, place held) {
    if (!held)
        return;
    auto made = std::make_shared<dial>(*this, endpoint, std::move(held));
    endpoints_[endpoint].dialling = made;
    endpoints_[endpoint].dial_began = home_.now();
    home_.spawn(dial::run(std::move(made), home_));
}

void h2_pool::on_dialled(std::size_t endpoint, result<std::unique_ptr<connection>> made) {
    endpoint_state& state = endpoints_[endpoint];
    state.dialling.reset();
    if (!made)
        return fail_waiting(endpoint, made.error());
    const net::stream& stream = (*made)->stream();
    const bool by_alpn = shared_->settings.protocol == config::upstream_protocol::by_alpn;
    const bool agreed = stream.is_tls() ? stream.tls().alpn == "h2" : !by_alpn;
    if (agreed) {
        (void)adopt(std::move(*made));
        return;
    }
    if (!by_alpn)
        return fail_waiting(endpoint, errc::protocol_unavailable);
    state.speaks_http1 = true;
    if (waiter* const next = first_waiter(endpoint))
        next->http1 = std::move(*made);
    wake(endpoint, state.waiting.size());
    end_dial_waits(endpoint);
}

std::shared_ptr<h2_client> h2_pool::adopt(std::unique_ptr<connection> made) {
    endpoint_state& state = endpoints_[made->endpoint()];
    h2_client::place in{home_, shared_, tls_};
    h2_client_owner& self = *this;
    auto client = std::make_shared<h2_client>(std::move(in), std::move(made), self, counters_);
    state.speaks_http1 = false;
    state.dial_began = home_.now();
    state.clients.push_back(client);
    home_.spawn(h2_client::run(client));
    return client;
}

h2_pool::waiter* h2_pool::first_waiter(std::size_t endpoint) const {
    if (endpoints_[endpoint].waiting.empty())
        return nullptr;
    fair_queue::item* const found = contention_.next([endpoint](const fair_queue::item& one) {
        return one.kind == fair_queue::item_kind::stream && one.accepts(endpoint);
    });
    return static_cast<waiter*>(found);
}

// In the order of their claims. One that finds nothing comes again, in front of its client's
// others.
void h2_pool::wake(std::size_t endpoint, std::size_t most) {
    for (std::size_t i = 0; i < most; ++i) {
        waiter* const next = first_waiter(endpoint);
        if (next == nullptr)
            return;
        contention_.end_wait(*next, true);
        contention_.begin_grant(*next);
        next->decided.set();
    }
}

// No connection is being made any more. Exchanges that still have no stream wait for a place from
// now on, and other exchanges may have to give way to them.
void h2_pool::end_dial_waits(std::size_t endpoint) noexcept {
    if (endpoints_[endpoint].wants_dial == 0 || being_made(endpoint))
        return;
    for (waiter* const each : endpoints_[endpoint].waiting) {
        if (!each->for_dial || each->decided.is_set())
            continue;
        contention_.end_wait(*each, true);
        each->decided.set();
    }
}

void h2_pool::fail_waiting(std::size_t endpoint, error why) noexcept {
    for (waiter* const each : endpoints_[endpoint].waiting) {
        each->failed = why;
        each->decided.set();
    }
}

void h2_pool::on_slot(h2_client& of) noexcept {
    wake(of.endpoint(), of.slots());
    end_dial_waits(of.endpoint());
}

void h2_pool::on_end(h2_client& of) noexcept {
    const std::size_t at = of.endpoint();
    const bool opened = of.session().settings_received();
    const error why = of.failed();
    if (const std::optional<idle_period> idled = of.ended_idling())
        endpoints_[at].age.closed(*idled, home_.now());
    std::vector<std::weak_ptr<h2_client>>& leaving = endpoints_[at].leaving;
    std::erase_if(leaving, [](const auto& each) { return each.expired(); });
    std::erase_if(endpoints_[at].clients, [&](const std::shared_ptr<h2_client>& each) {
        if (each.get() == &of)
            leaving.push_back(each);
        return each.get() == &of;
    });
    // One that never came to be is the answer to all who wait for it.
    if (!opened && why)
        fail_waiting(at, why);
    else
        wake(at, endpoints_[at].waiting.size());
    end_dial_waits(at);
}

// Connections that may be made beside those that are there, as of now.
std::size_t h2_pool::room(std::size_t endpoint) const noexcept {
    const std::size_t held = shared_->endpoints[endpoint]->connections.load();
    const std::size_t most = shared_->settings.pool.connections;
    return held < most ? most - held : 0;
}

void h2_pool::rebalance() noexcept {
    for (std::size_t at = 0; at < endpoints_.size(); ++at) {
        endpoint_state& state = endpoints_[at];
        wake(at, std::min<std::size_t>(state.wants_place, room(at)));
        const std::size_t waiting = shared_->endpoints[at]->waiting.load();
        if (waiting <= state.wants_place)
            continue;
        // As many connections as carry those who wait elsewhere.
        const std::size_t streams = std::max<std::size_t>(shared_->settings.http2.streams, 1);
        const std::size_t wanted = (waiting - state.wants_place + streams - 1) / streams;
        if (give_up_idle(state) == 0 && leaving(state) + room(at) < wanted)
            retire_one(state);
    }
}

std::size_t h2_pool::give_up_idle(endpoint_state& of) {
    std::size_t count = 0;
    const auto clients = of.clients;
    for (const std::shared_ptr<h2_client>& each : clients) {
        if (each->idle() && !each->opening()) {
            each->retire();
            ++count;
        }
    }
    return count;
}

// Connections that will be given up once their streams have ended.
std::size_t h2_pool::leaving(const endpoint_state& of) noexcept {
    return static_cast<std::size_t>(std::count_if(
        of.leaving.begin(), of.leaving.end(), [](const auto& each) { return !each.expired(); }));
}

// So that no worker keeps all connections: the one with the fewest streams, which end soonest.
void h2_pool::retire_one(endpoint_state& of) {
    std::shared_ptr<h2_client> fewest;
    for (const std::shared_ptr<h2_client>& each : of.clients) {
        if (!each->opening() && (!fewest || each->streams() < fewest->streams()))
            fewest = each;
    }
    if (fewest)
        fewest->retire();
}

void h2_pool::retire() noexcept {
    for (endpoint_state& state : endpoints_) {
        const auto clients = state.clients;
        for (const std::shared_ptr<h2_client>& each : clients)
            each->retire();
    }
}

}  // namespace penstock::upstream
