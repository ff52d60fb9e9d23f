#include "penstock/upstream/cluster.hpp"

#include "penstock/base/check.hpp"
#include "penstock/upstream/failure.hpp"
#include "upstream/balancer.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/contention.hpp"
#include "upstream/counting.hpp"
#include "upstream/h1_exchange.hpp"
#include "upstream/h2_exchange.hpp"
#include "upstream/h2_pool.hpp"
#include "upstream/load.hpp"

#include <utility>

namespace penstock::upstream {
namespace {

std::uint64_t seed_of(const net::worker& home) noexcept {
    const auto ticks = static_cast<std::uint64_t>(net::worker::clock().time_since_epoch().count());
    return ticks + static_cast<std::uint64_t>(home.index()) * 0x9e3779b97f4a7c15U;
}

}  // namespace

struct cluster::implementation {
    implementation(net::worker& home_given, std::shared_ptr<shared_upstream> shared_given,
                   std::shared_ptr<net::tls_context> tls_given)
        : home(home_given),
          shared(std::move(shared_given)),
          tls(std::move(tls_given)),
          balance(shared->settings.balance, seed_of(home)),
          shares(home, *shared, counters),
          pool({home, *shared, tls.get(), counters, shares}),
          h2({home, shared, tls, counters, shares}) {
        for (const auto& endpoint : shared->endpoints) {
            candidate added;
            added.weight = endpoint->weight;
            counts.endpoints.push_back(added);
        }
        // Workers begin the round at different endpoints, else all would favour the first.
        for (int i = 0; i < home.index() && !counts.endpoints.empty(); ++i) {
            (void)balance.pick(counts.endpoints);
        }
    }

    net::task<attempt> send(exchange::request& from, attempt_options how);
    std::optional<std::size_t> pick(const attempt_options& how);
    std::optional<lease_wish> choose(const attempt_options& how);
    [[nodiscard]] bool speaks_h2(std::size_t endpoint) const noexcept {
        return may_speak_h2 && h2.serves(endpoint);
    }
    net::task<result<h2_lease>> lease(exchange::request& from, lease_wish& wish);
    net::task<> exchange_over(std::unique_ptr<connection>& leased, load& carried,
                              exchange::request& from, attempt& into);
    net::task<> exchange_over(std::shared_ptr<h2_client> leased, bool fresh, load& carried,
                              exchange::request& from, attempt& into);

    net::worker& home;
    std::shared_ptr<shared_upstream> shared;
    std::shared_ptr<net::tls_context> tls;
    cluster_counters counters;
    load_counts counts;
    balancer balance;
    contention shares;
    connection_pool pool;
    h2_pool h2;
    bool may_speak_h2 = shared->settings.protocol != config::upstream_protocol::http1;
};

std::optional<std::size_t> cluster::implementation::pick(const attempt_options& how) {
    if (how.endpoint >= 0) {
        const auto pinned = static_cast<std::size_t>(how.endpoint);
        if (pinned < counts.endpoints.size())
            return pinned;
    }
    for (std::size_t i = 0; i < counts.endpoints.size(); ++i) {
        counts.endpoints[i].tried = i < 64 && (how.tried >> i & 1U) != 0;
        counts.endpoints[i].full = speaks_h2(i) ? h2.full(i) : pool.full(i);
    }
    return balance.pick(counts.endpoints);
}

// Which endpoint and what kind of connection this attempt is to have.
std::optional<lease_wish> cluster::implementation::choose(const attempt_options& how) {
    const std::optional<std::size_t> picked = pick(how);
    if (!picked)
        return std::nullopt;
    lease_wish wish;
    wish.endpoint = *picked;
    wish.fresh = how.fresh_connection;
    wish.repeatable = how.repeatable;
    wish.pinned = how.endpoint >= 0;
    wish.tried = how.tried;
    return wish;
}

net::task<attempt> cluster::implementation::send(exchange::request& from, attempt_options how) {
    attempt made;
    exchange::record& record = *from.record;
    ++record.attempts;
    record.upstream = shared->id;
    record.upstream_status = 0;
    record.upstream_reused = false;
    std::optional<lease_wish> wish = choose(how);
    if (!wish) {
        made.failure.why = errc::no_endpoint;
        made.failure.reason = exchange::reason::no_endpoint;
        co_return made;
    }
    load carried(counts, wish->endpoint);
    made.endpoint = wish->endpoint;
    record.endpoint = shared->endpoints[wish->endpoint]->id;
    // The usual case, at the price of a look.
    std::unique_ptr<connection> idle;
    if (!wish->fresh && !speaks_h2(wish->endpoint) && shares.admits(from))
        idle = pool.take_idle(*wish);
    if (idle) {
        co_await exchange_over(idle, carried, from, made);
        co_return made;
    }
    result<h2_lease> leased = co_await lease(from, *wish);
    carried.move_to(wish->endpoint);
    made.endpoint = wish->endpoint;
    record.endpoint = shared->endpoints[wish->endpoint]->id;
    if (!leased) {
        made.failure.why = leased.error();
        made.failure.reason = reason_of(leased.error());
    } else if (leased->http2) {
        co_await exchange_over(std::move(leased->http2), wish->fresh, carried, from, made);
    } else {
        co_await exchange_over(leased->http1, carried, from, made);
    }
    co_return made;
}

// A connection of the version that the endpoint speaks. With `protocol: auto` either pool may find
// out that it is the other one's, again and again where servers of both kinds stand behind one
// address.
net::task<result<h2_lease>> cluster::implementation::lease(exchange::request& from,
                                                           lease_wish& wish) {
    constexpr int looks_max = 4;
    for (int i = 0; i < looks_max; ++i) {
        if (speaks_h2(wish.endpoint)) {
            result<h2_lease> made = co_await h2.obtain(from, wish);
            if (!made || made->http2 || made->http1)
                co_return made;
        }
        result<std::unique_ptr<connection>> obtained = co_await pool.obtain(from, wish);
        if (!obtained)
            co_return obtained.error();
        if (!(*obtained)->stream().is_tls() || (*obtained)->stream().tls().alpn != "h2") {
            h2_lease made;
            made.http1 = std::move(*obtained);
            co_return std::move(made);
        }
        (void)h2.adopt(std::move(*obtained));
    }
    co_return error(errc::protocol_unavailable);
}

net::task<> cluster::implementation::exchange_over(std::unique_ptr<connection>& leased,
                                                   load& carried, exchange::request& from,
                                                   attempt& into) {
    leased->begin_exchange(home.now());
    from.record->upstream_reused = leased->reused();
    add(leased->reused() ? counters.reused : counters.fresh);
    const h1_exchange::surroundings around{
        home, pool, shares, counters, shared->settings.timeouts, *shared->endpoints[into.endpoint]};
    auto serving =
        std::make_unique<h1_exchange>(around, from, std::move(leased), std::move(carried));
    exchange::response& response = into.response.emplace();
    const result<void> performed = co_await serving->perform(response);
    if (!performed) {
        into.response.reset();
        co_await serving->close();
        into.failure = serving->failure(performed.error());
        co_return;
    }
    // A message that has ended needs nobody to pull it; what still sends is of no use any more.
    if (serving->finished() && !serving->settled())
        co_await serving->close();
    if (!serving->settled())
        response.body = std::move(serving);
}

net::task<> cluster::implementation::exchange_over(std::shared_ptr<h2_client> leased, bool fresh,
                                                   load& carried, exchange::request& from,
                                                   attempt& into) {
    from.record->upstream_reused = leased->session().opened() > 0;
    add(from.record->upstream_reused ? counters.reused : counters.fresh);
    const h2_exchange::surroundings around{home, shares, shared->settings.timeouts,
                                           *shared->endpoints[into.endpoint], fresh};
    auto serving =
        std::make_unique<h2_exchange>(around, from, std::move(leased), std::move(carried));
    exchange::response& response = into.response.emplace();
    const result<void> performed = co_await serving->perform(response);
    if (!performed) {
        into.response.reset();
        into.failure = serving->failure(performed.error());
        co_await serving->close();
        co_return;
    }
    // Trailers, and the place of an end, are for the client's side to pass on.
    if (serving->absent())
        co_await serving->close();
    if (!serving->settled())
        response.body = std::move(serving);
}

cluster::cluster(net::worker& home, std::shared_ptr<shared_upstream> shared,
                 std::shared_ptr<net::tls_context> tls)
    : impl_(std::make_unique<implementation>(home, std::move(shared), std::move(tls))) {}

cluster::~cluster() { PENSTOCK_CHECK(active() == 0); }

net::task<attempt> cluster::send(exchange::request& from, attempt_options how) {
    return impl_->send(from, how);
}

void cluster::rebalance() noexcept {
    impl_->shares.listen();
    impl_->pool.rebalance();
    impl_->h2.rebalance();
}

void cluster::retire() noexcept {
    impl_->pool.retire();
    impl_->h2.retire();
}

const cluster_counters& cluster::counters() const noexcept { return impl_->counters; }

shared_upstream& cluster::shared() noexcept { return *impl_->shared; }

std::size_t cluster::active() const noexcept { return impl_->counts.total; }

}  // namespace penstock::upstream
