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

void fit_caps(config::model& to, std::uint64_t room) noexcept {
    std::uint64_t wanted = 0;
    for (const config::listener& one : to.listeners)
        wanted += cap_of(one);
    for (config::listener& one : to.listeners) {
        std::uint64_t cap = cap_of(one);
        if (wanted > room)
            cap = static_cast<std::uint64_t>(static_cast<double>(cap) * static_cast<double>(room) /
                                             static_cast<double>(wanted));
        one.limit.connections = std::max<std::uint64_t>(cap, 1);
    }
}

}  // namespace penstock::app
