// The queue of connection_pool: who waits, who is served next, and how other workers hear of it.
#include "upstream/connection_pool.hpp"

#include "penstock/net/error.hpp"
#include "upstream/counting.hpp"
#include "upstream/phase_wait.hpp"
#include "upstream/waiter.hpp"

#include <optional>
#include <utility>

namespace penstock::upstream {

net::task<error> connection_pool::wait_in_queue(waiter& self, exchange::request& from) {
    enqueue(self);
    std::optional<exchange::abort_signal::attachment> attached;
    exchange::abort_listener& listener = self;
    if (from.aborted != nullptr)
        attached.emplace(*from.aborted, listener);
    if (!self.decided.is_set()) {
        self.arm(home_.deadlines(), home_.now() + shared_.settings.pool.queue_timeout,
                 net::errc::queue_timeout);
        const phase_wait charged(from.record->ledger, exchange::phase::pool_wait, home_);
        co_await self.decided;
    }
    self.disarm();
    co_return self.failed;
}

void connection_pool::enqueue(waiter& of) {
    of.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &of;
    last_ = &of;
    ++queued_;
    add(counters_.queued);
    const std::size_t at = of.wish.endpoint;
    ++endpoints_[at].waiting;
    shared_.endpoints[at]->waiting.fetch_add(1);
    sweep_at(home_.now() + retry_interval);
    // A place that was given up before our waiting could be seen would wake nobody.
    serve_queue();
    if (!of.decided.is_set() && shared_.idle.load() > 0)
        call_others();
}

void connection_pool::dequeue(waiter& of) noexcept {
    (of.previous != nullptr ? of.previous->next : first_) = of.next;
    (of.next != nullptr ? of.next->previous : last_) = of.previous;
    of.previous = of.next = nullptr;
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

void connection_pool::grant(waiter& to, std::size_t endpoint, place held) {
    dequeue(to);
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
    to.wish.endpoint = endpoint;
    to.given = std::move(freed);
    to.decided.set();
}

bool connection_pool::waits_elsewhere(std::size_t endpoint) const noexcept {
    return shared_.endpoints[endpoint]->waiting.load() > endpoints_[endpoint].waiting;
}

connection_pool::waiter* connection_pool::first_waiter(std::size_t endpoint) const noexcept {
    for (waiter* at = first_; at != nullptr; at = at->next) {
        if (at->accepts(endpoint))
            return at;
    }
    return nullptr;
}

void connection_pool::serve_queue() {
    for (std::size_t at = 0; first_ != nullptr && at < endpoints_.size(); ++at) {
        for (waiter* next = first_waiter(at); next != nullptr; next = first_waiter(at)) {
            place held = new_place(at);
            if (!held)
                break;
            grant(*next, at, std::move(held));
        }
    }
}

void connection_pool::call_others() {
    if (shared_.rebalance)
        shared_.rebalance(shared_);
}

}  // namespace penstock::upstream
