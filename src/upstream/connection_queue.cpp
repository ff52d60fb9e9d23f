// The queue of connection_pool: who waits, who is served next, and how other workers hear of it.
#include "upstream/connection_pool.hpp"

#include "penstock/net/error.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"
#include "upstream/waiter.hpp"

#include <optional>
#include <utility>

namespace penstock::upstream {
namespace {

// Exchanges that wait for a stream of HTTP/2 stand in the same queue.
bool is_ours(const fair_queue::item& one) noexcept {
    return one.kind == fair_queue::item_kind::connection;
}

}  // namespace

net::task<error> connection_pool::wait_in_queue(waiter& self, exchange::request& from) {
    enqueue(self, from);
    std::optional<exchange::abort_signal::attachment> attached;
    exchange::abort_listener& listener = self;
    if (from.aborted != nullptr)
        attached.emplace(*from.aborted, listener);
    if (!self.decided.is_set()) {
        const time_point until = home_.now() + shared_.settings.pool.queue_timeout;
        self.latest = until + contention::grace_max;
        self.arm(home_.deadlines(), until, net::errc::queue_timeout);
        const phase_wait charged(from.record->ledger, exchange::phase::pool_wait, home_);
        co_await self.decided;
    }
    self.disarm();
    co_return self.failed;
}

void connection_pool::enqueue(waiter& of, const exchange::request& from) {
    ++queued_;
    add(counters_.queued);
    const std::size_t at = of.wish.endpoint;
    ++endpoints_[at].waiting;
    shared_.endpoints[at]->waiting.fetch_add(1);
    sweep_at(home_.now() + retry_interval);
    contention_.begin_wait(of, from);
    // A place that was given up before our waiting could be seen would wake nobody.
    serve_queue();
    if (!of.decided.is_set() && shared_.idle.load() > 0)
        call_others();
}

void connection_pool::dequeue(waiter& of) noexcept {
    contention_.end_wait(of);
    --queued_;
    subtract(counters_.queued);
    const std::size_t at = of.wish.endpoint;
    --endpoints_[at].waiting;
    shared_.endpoints[at]->waiting.fetch_sub(1);
}

void connection_pool::leave(waiter& of, error why) noexcept {
    // A grant that came first stands; what ended the exchange shows again at its next wait.
    if (of.decided.is_set())
        return;
    dequeue(of);
    of.failed = why;
    of.decided.set();
}

// Its time is over, but a connection is about to be given up for it.
bool connection_pool::extend(waiter& of) noexcept {
    const time_point next = home_.now() + contention::grace;
    if (next > of.latest || !contention_.served_soon(of))
        return false;
    of.arm(home_.deadlines(), next, net::errc::queue_timeout);
    return true;
}

void connection_pool::grant(waiter& to, std::size_t endpoint, place held) {
    dequeue(to);
    contention_.begin_grant(to);
    to.wish.endpoint = endpoint;
    to.granted = std::move(held);
    to.decided.set();
}

void connection_pool::hand_over(waiter& to, std::unique_ptr<connection> freed, bool reusable) {
    const std::size_t endpoint = freed->endpoint();
    if (!reusable || !suits(to.wish, endpoint, nanoseconds{0})) {
        grant(to, endpoint, freed->give_up_place());
        return;
    }
    dequeue(to);
    contention_.begin_grant(to);
    to.wish.endpoint = endpoint;
    to.given = std::move(freed);
    to.decided.set();
}

bool connection_pool::waits_elsewhere(std::size_t endpoint) const noexcept {
    return shared_.endpoints[endpoint]->waiting.load() > endpoints_[endpoint].waiting &&
           contention_.others_may_hold();
}

connection_pool::waiter* connection_pool::first_waiter(std::size_t endpoint) const noexcept {
    if (queued_ == 0)
        return nullptr;
    fair_queue::item* const found = contention_.next(
        [endpoint](const fair_queue::item& one) { return is_ours(one) && one.accepts(endpoint); });
    return static_cast<waiter*>(found);
}

// As first_waiter; null if those who wait on other workers go first.
connection_pool::waiter* connection_pool::local_waiter(std::size_t endpoint) const noexcept {
    waiter* const found = first_waiter(endpoint);
    const bool yields =
        found != nullptr && waits_elsewhere(endpoint) && contention_.others_go_first(*found);
    return yields ? nullptr : found;
}

// The queue is full: the client with the most in it gives one of its places up to one with fewer.
bool connection_pool::make_room(const exchange::request& from) noexcept {
    fair_queue::item* const last = contention_.to_displace(from);
    if (last == nullptr || !is_ours(*last))
        return false;
    leave(static_cast<waiter&>(*last), net::errc::queue_full);
    return true;
}

void connection_pool::serve_queue() {
    for (std::size_t at = 0; queued_ > 0 && at < endpoints_.size(); ++at) {
        for (waiter* next = local_waiter(at); next != nullptr; next = local_waiter(at)) {
            if (!serve_next(at, *next))
                break;
        }
    }
}

// By a connection that idles, which is there while a client was held back, or by a new one.
bool connection_pool::serve_next(std::size_t endpoint, waiter& next) {
    if (!next.wish.fresh) {
        lease_wish wanted = next.wish;
        wanted.endpoint = endpoint;
        std::unique_ptr<connection> found = take_idle(wanted);
        if (found && next.queued()) {
            hand_over(next, std::move(found), true);
            return true;
        }
        if (found)
            give_back(std::move(found), true);
        // The place of one that had died meanwhile.
        if (!next.queued())
            return true;
    }
    place held = new_place(endpoint);
    // One that idles and does not suit makes room for one that does.
    if (!held && !endpoints_[endpoint].idle.empty())
        held = remove_idle(endpoint, 0)->give_up_place();
    if (!held)
        return false;
    grant(next, endpoint, std::move(held));
    return true;
}

void connection_pool::call_others() {
    if (shared_.rebalance)
        shared_.rebalance(shared_);
}

}  // namespace penstock::upstream
