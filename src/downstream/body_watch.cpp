#include "downstream/body_watch.hpp"

#include "penstock/base/check.hpp"
#include "penstock/base/log.hpp"

#include <algorithm>
#include <tuple>

namespace penstock::downstream {

void watched_body::unwatch() noexcept {
    if (watch_ != nullptr)
        watch_->remove(*this);
}

body_watch::~body_watch() { PENSTOCK_CHECK(first_ == nullptr); }

void body_watch::add(watched_body& one) noexcept {
    if (one.watch_ != nullptr || state_->settings.limit.body_rate == 0)
        return;
    one.watch_ = this;
    one.next_ = first_;
    if (first_ != nullptr)
        first_->previous_ = &one;
    first_ = &one;
    if (!armed())
        arm(home_.deadlines(), home_.now() + interval, net::errc{});
}

void body_watch::remove(watched_body& one) noexcept {
    (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
    if (one.next_ != nullptr)
        one.next_->previous_ = one.previous_;
    one.previous_ = one.next_ = nullptr;
    one.watch_ = nullptr;
}

void body_watch::choose(std::vector<candidate>& among, std::size_t most,
                        const connection_set& leaving) {
    std::stable_sort(among.begin(), among.end(), [](const candidate& a, const candidate& b) {
        return std::tie(a.call, a.rate) < std::tie(b.call, b.rate);
    });
    std::unordered_map<const void*, bool> chosen;  // and whether it has nothing but calls
    for (auto each = among.begin(); each != among.end() && chosen.size() < most; ++each) {
        if (!leaving.contains(each->connection))
            chosen.try_emplace(each->connection, each->call);
    }
    const auto spared = [&](const candidate& each) {
        const auto found = chosen.find(each.connection);
        const bool now = found != chosen.end() && (found->second || !each.call);
        return !now && !leaving.contains(each.connection);
    };
    among.erase(std::remove_if(among.begin(), among.end(), spared), among.end());
}

std::uint64_t body_watch::excess(std::uint64_t open, std::uint64_t cap,
                                 std::uint64_t own) noexcept {
    const std::uint64_t mark = cap - (cap + 3) / 4;
    if (cap == 0 || open <= mark || own == 0)
        return 0;
    own = std::min(own, open);
    return ((open - mark) * own + open - 1) / open;
}

std::uint64_t body_watch::connections_over() const noexcept {
    const auto now = [](const auto& of) { return of.load(std::memory_order_relaxed); };
    // What has been asked to go is not asked for again.
    const std::uint64_t leaving = leaving_.size();
    const std::uint64_t open = now(counts_.open);
    const std::uint64_t own = now(counters_.active) + now(counters_.idle);
    return excess(open - std::min(open, leaving), state_->settings.limit.connections,
                  own - std::min(own, leaving));
}

// Those that are still expected to go.
body_watch::connection_set body_watch::take_leaving() {
    std::erase_if(leaving_, [&](const auto& each) { return home_.now() >= each.second; });
    connection_set found;
    for (const auto& each : leaving_)
        found.insert(each.first);
    return found;
}

std::vector<body_watch::candidate> body_watch::slow_ones() const {
    const std::uint64_t least = state_->settings.limit.body_rate;
    std::vector<candidate> found;
    for (watched_body* each = first_; each != nullptr; each = each->next_) {
        const std::optional<std::uint64_t> rate = each->rate(home_.now());
        if (rate && *rate < least)
            found.push_back({each, each->connection(), each->is_call(), *rate});
    }
    return found;
}

void body_watch::on_expire(error) noexcept {
    if (first_ == nullptr)
        return;
    arm(home_.deadlines(), home_.now() + interval, net::errc{});
    const connection_set leaving = take_leaving();
    const std::uint64_t over = connections_over();
    const bool memory = home_.memory() != net::memory_level::normal;
    if (over == 0 && !memory && leaving.empty())
        return;
    std::vector<candidate> slow = slow_ones();
    connection_set held;
    for (const candidate& each : slow)
        held.insert(each.connection);
    const std::size_t share = memory ? (held.size() + memory_share - 1) / memory_share : 0;
    choose(slow, std::max<std::size_t>(over, share), leaving);
    for (const candidate& each : slow) {
        leaving_.try_emplace(each.connection, home_.now() + leave_time);
        each.body->cut();
    }
    if (!slow.empty())
        log_debug("{}: {} slow request bodies ended for want of {}", state_->settings.name,
                  slow.size(), over > 0 ? "connections" : "memory");
}

}  // namespace penstock::downstream
