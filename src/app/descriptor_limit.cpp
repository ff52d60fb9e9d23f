#include "app/descriptor_limit.hpp"

#include "penstock/net/pipe.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace penstock::app {
namespace {

// Of a listener without one.
constexpr std::uint64_t cap_default = 50'000;

std::uint64_t cap_of(const config::listener& one) noexcept {
    return one.limit.connections == 0 ? cap_default : one.limit.connections;
}

// A cap that was not asked for: the default, or none.
bool is_default(const config::listener& one) noexcept {
    return one.limit.connections == 0 || one.limit.connections == config::limits().connections;
}

}  // namespace

std::uint64_t raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{limit.rlim_max, limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return limit.rlim_max;
    }
    return limit.rlim_cur;
}

descriptor_budget budget_of(const config::model& of, std::uint64_t limit, int workers) noexcept {
    const auto threads = static_cast<std::uint64_t>(workers);
    descriptor_budget made;
    made.fixed = descriptor_reserve + (threads + 1) * 2 + threads * net::pipe_pool::open_max * 2;
    for (const config::listener& one : of.listeners) {
        made.fixed += one.bind.size() * threads;
        made.clients += cap_of(one);
    }
    for (const config::upstream& one : of.upstreams)
        made.upstreams += one.endpoints.size() * one.pool.connections;
    const std::uint64_t free = limit > made.fixed ? limit - made.fixed : 0;
    // Pools rarely fill up all at once, so they may claim a half at most.
    made.room = free - std::min(made.upstreams, free / 2);
    return made;
}

bool fit_caps(config::model& to, std::uint64_t room) noexcept {
    std::uint64_t asked = 0;
    std::uint64_t defaults = 0;
    for (const config::listener& one : to.listeners)
        (is_default(one) ? defaults : asked) += cap_of(one);
    const bool keeps = asked + std::min(defaults, room / 4) <= room;
    const std::uint64_t wanted = keeps ? defaults : asked + defaults;
    const std::uint64_t left = keeps ? room - asked : room;
    bool lowered = false;
    for (config::listener& one : to.listeners) {
        std::uint64_t cap = cap_of(one);
        const bool given = !is_default(one);
        const bool shares = !given || !keeps;
        if (shares && wanted > left)
            cap = static_cast<std::uint64_t>(static_cast<double>(cap) * static_cast<double>(left) /
                                             static_cast<double>(wanted));
        cap = std::max<std::uint64_t>(cap, 1);
        lowered = lowered || (given && cap < one.limit.connections);
        one.limit.connections = cap;
    }
    return lowered;
}

}  // namespace penstock::app
