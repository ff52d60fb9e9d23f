#include "upstream/connection_pool.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/error.hpp"
#include "upstream/connector.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"
#include "upstream/waiter.hpp"

#include <algorithm>
#include <utility>

namespace penstock::upstream {
namespace {

// A request that may be sent again costs no system call here.
connection::source asked_for(const lease_wish& wish) noexcept {
    return wish.repeatable ? connection::source::memory : connection::source::kernel;
}

}  // namespace

connection_pool::connection_pool(const surroundings& in)
    : home_(in.home),
      shared_(in.shared),
      tls_(in.tls),
      counters_(in.counters),
      contention_(in.contention),
      endpoints_(in.shared.endpoints.size()) {}

connection_pool::~connection_pool() { PENSTOCK_CHECK(queued_ == 0); }

idle_age& connection_pool::age_of(std::size_t endpoint) noexcept {
    return endpoints_[endpoint].age;
}

bool connection_pool::full(std::size_t endpoint) const noexcept {
    if (!endpoints_[endpoint].idle.empty())
        return false;
    return shared_.endpoints[endpoint]->connections.load(std::memory_order_relaxed) >=
           shared_.settings.pool.connections;
}

std::unique_ptr<connection> connection_pool::take_idle(const lease_wish& wish) {
    endpoint_state& state = endpoints_[wish.endpoint];
    const time_point now = home_.now();
    if (state.age.suspects())
        note_outlived(state, now);
    while (!state.idle.empty()) {
        const connection& latest = *state.idle.back();
        const bool late = overdue(latest, now);
        // The others have idled for longer.
        if (!late && !wish.repeatable && !suits(wish, wish.endpoint, now - latest.idle_since()))
            return nullptr;
        std::unique_ptr<connection> found = remove_idle(wish.endpoint, state.idle.size() - 1);
        const connection::condition seen = found->look(asked_for(wish));
        if (seen == connection::condition::quiet && !late)
            return found;
        if (seen != connection::condition::quiet)
            add(counters_.stale);
        if (seen == connection::condition::closed)
            state.age.closed({found->idle_since(), now}, now);
        discard(std::move(found));
    }
    return nullptr;
}

bool connection_pool::suits(const lease_wish& wish, std::size_t endpoint,
                            nanoseconds idled) const noexcept {
    if (wish.repeatable || wish.fresh)
        return !wish.fresh;
    const idle_age& age = endpoints_[endpoint].age;
    return idled < age.safe(shared_.settings.pool.idle_timeout, home_.now());
}

// The oldest of those whose idling shows something.
void connection_pool::note_outlived(endpoint_state& of, time_point now) const noexcept {
    const auto before = [&](const std::unique_ptr<connection>& each) {
        return each->idle_since() < of.age.proven_at();
    };
    const auto first = std::partition_point(of.idle.begin(), of.idle.end(), before);
    if (first != of.idle.end())
        of.age.outlived({(*first)->idle_since(), now});
}

net::task<result<std::unique_ptr<connection>>> connection_pool::obtain(exchange::request& from,
                                                                       lease_wish& wish) {
    place held = take_place(from, wish);
    waiter self(*this, home_, wish);
    const grant_end at_end(contention_, self);
    if (!held) {
        if (queued_ >= shared_.settings.pool.queue && !make_room(from))
            co_return net::errc::queue_full;
        const error failed = co_await wait_in_queue(self, from);
        if (failed)
            co_return failed;
        wish.endpoint = self.wish.endpoint;
        held = std::move(self.granted);
        if (self.given) {
            if (!self.given->spoiled(asked_for(wish)))
                co_return std::move(self.given);
            add(counters_.stale);
            held = self.given->give_up_place();
            self.given.reset();
        }
    }
    const connect_target target{home_, shared_.settings, *shared_.endpoints[wish.endpoint],
                                wish.endpoint, tls_};
    result<std::unique_ptr<connection>> made = co_await connect(target, from);
    if (made)
        count_handshake(counters_, **made);
    if (made) {
        (*made)->hold(std::move(held));
    } else {
        free_place(wish.endpoint, std::move(held));
    }
    co_return made;
}

void connection_pool::give_back(std::unique_ptr<connection> freed, bool reusable) {
    // Of one that was given up nothing is left.
    if (!freed->holds_place())
        return;
    const std::size_t at = freed->endpoint();
    reusable = reusable && !retired_;
    waiter* const next = local_waiter(at);
    const freed_use use = endpoints_[at].decision.decide(next != nullptr, waits_elsewhere(at));
    if (use == freed_use::local) {
        hand_over(*next, std::move(freed), reusable);
        return;
    }
    if (use == freed_use::idle && reusable && keep_idle(freed))
        return;
    freed.reset();
    if (use == freed_use::other)
        call_others();
}

void connection_pool::give_up(connection& of) {
    place freed = of.give_up_place();
    of.close();
    free_place(of.endpoint(), std::move(freed));
}

// The socket is closed before anybody can have its place.
void connection_pool::discard(std::unique_ptr<connection> idle) {
    const std::size_t endpoint = idle->endpoint();
    place freed = idle->give_up_place();
    idle.reset();
    free_place(endpoint, std::move(freed));
}

// As give_back, for a place whose connection is gone or was never made.
void connection_pool::free_place(std::size_t endpoint, place freed) {
    waiter* const next = local_waiter(endpoint);
    const bool others = waits_elsewhere(endpoint);
    const freed_use use = endpoints_[endpoint].decision.decide(next != nullptr, others);
    if (use == freed_use::local) {
        grant(*next, endpoint, std::move(freed));
        return;
    }
    freed.release();
    if (use == freed_use::other)
        call_others();
}

place connection_pool::new_place(std::size_t endpoint) noexcept {
    return place::try_take(shared_.endpoints[endpoint]->connections,
                           shared_.settings.pool.connections);
}

place connection_pool::take_place(const exchange::request& from, const lease_wish& wish) {
    // Exchanges that wait already go first, and a client that is held back waits.
    if (first_waiter(wish.endpoint) != nullptr || !contention_.admits(from))
        return {};
    place held = new_place(wish.endpoint);
    std::vector<std::unique_ptr<connection>>& idle = endpoints_[wish.endpoint].idle;
    if (held || idle.empty())
        return held;
    // No idle connection suits this request, and the endpoint is full. So the oldest idle one gives
    // up its place.
    return remove_idle(wish.endpoint, 0)->give_up_place();
}

bool connection_pool::keep_idle(std::unique_ptr<connection>& freed) {
    const std::size_t at = freed->endpoint();
    endpoint_state& state = endpoints_[at];
    const time_point now = home_.now();
    const nanoseconds usable = state.age.usable(shared_.settings.pool.idle_timeout);
    if (usable <= nanoseconds{0})
        return false;
    place allowance = place::try_take(shared_.idle, shared_.settings.pool.idle);
    if (!allowance)
        return false;
    freed->begin_idle(*this, std::move(allowance));
    state.idle.push_back(std::move(freed));
    add(counters_.idle);
    sweep_at(now + usable);
    // Whoever began to wait elsewhere since we last looked has not seen this one idle.
    if (waits_elsewhere(at)) {
        freed = remove_idle(at, state.idle.size() - 1);
        freed.reset();
        call_others();
    }
    return true;
}

std::unique_ptr<connection> connection_pool::remove_idle(std::size_t endpoint, std::size_t at) {
    std::vector<std::unique_ptr<connection>>& idle = endpoints_[endpoint].idle;
    std::unique_ptr<connection> found = std::move(idle[at]);
    idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(at));
    found->end_idle();
    subtract(counters_.idle);
    return found;
}

void connection_pool::on_idle_event(connection& of, bool closed_by_peer) noexcept {
    const std::size_t endpoint = of.endpoint();
    endpoint_state& state = endpoints_[endpoint];
    const time_point now = home_.now();
    if (closed_by_peer)
        state.age.closed({of.idle_since(), now}, now);
    const auto is_this = [&](const std::unique_ptr<connection>& item) { return item.get() == &of; };
    const auto at = std::find_if(state.idle.begin(), state.idle.end(), is_this);
    PENSTOCK_CHECK(at != state.idle.end());
    const auto index = static_cast<std::size_t>(at - state.idle.begin());
    std::unique_ptr<connection> found = remove_idle(endpoint, index);
    place freed = found->give_up_place();
    found->close();
    closed_.push_back(std::move(found));
    sweep_at(now);
    free_place(endpoint, std::move(freed));
}

bool connection_pool::overdue(const connection& of, time_point now) const noexcept {
    const idle_age& age = endpoints_[of.endpoint()].age;
    return now - of.idle_since() >= age.usable(shared_.settings.pool.idle_timeout);
}

void connection_pool::close_overdue(time_point now) {
    for (std::size_t at = 0; at < endpoints_.size(); ++at) {
        std::vector<std::unique_ptr<connection>>& idle = endpoints_[at].idle;
        while (!idle.empty() && overdue(*idle.front(), now))
            discard(remove_idle(at, 0));
    }
}

void connection_pool::sweep_at(time_point at) noexcept {
    if (!armed() || at < deadline::at())
        arm(home_.deadlines(), at, net::errc::keepalive_timeout);
}

time_point connection_pool::next_sweep(time_point now) const noexcept {
    time_point next = queued_ > 0 ? now + retry_interval : never;
    for (const endpoint_state& state : endpoints_) {
        if (state.idle.empty())
            continue;
        const nanoseconds usable = state.age.usable(shared_.settings.pool.idle_timeout);
        next = std::min(next, state.idle.front()->idle_since() + usable);
    }
    return next;
}

void connection_pool::on_expire(error) noexcept {
    const time_point now = home_.now();
    closed_.clear();
    close_overdue(now);
    if (queued_ > 0) {
        serve_queue();
        call_others();
    }
    if (const time_point next = next_sweep(now); next != never)
        sweep_at(next);
}

void connection_pool::rebalance() noexcept {
    serve_queue();
    close_for_others();
}

void connection_pool::close_for_others() {
    if (!contention_.others_may_hold())
        return;
    bool closed = false;
    for (std::size_t at = 0; at < endpoints_.size(); ++at) {
        endpoint_state& state = endpoints_[at];
        const std::uint32_t waiting = shared_.endpoints[at]->waiting.load();
        for (std::uint32_t others = waiting - std::min(waiting, state.waiting);
             others > 0 && !state.idle.empty(); --others) {
            const std::unique_ptr<connection> oldest = remove_idle(at, 0);
            closed = true;
        }
    }
    if (closed)
        call_others();
}

void connection_pool::retire() noexcept {
    retired_ = true;
    for (std::size_t at = 0; at < endpoints_.size(); ++at) {
        while (!endpoints_[at].idle.empty())
            discard(remove_idle(at, 0));
    }
    closed_.clear();
}

}  // namespace penstock::upstream
