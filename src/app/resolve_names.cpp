#include "app/resolve_names.hpp"

#include "penstock/base/clock.hpp"
#include "penstock/net/error.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>

namespace penstock::app {
namespace {

constexpr milliseconds resolve_timeout = 5s;
constexpr std::size_t at_once_max = 16;
constexpr std::string_view metadata_service = "169.254.169.254";

result<net::socket_address> as_written(const config::address& one) {
    if (config::is_unix(one))
        return net::socket_address::unix_at(config::path_of(one));
    return net::socket_address::parse(one.host, one.port);
}

result<addresses> resolve(const config::address& one) {
    if (const auto known = as_written(one); known || config::is_unix(one))
        return known ? result<addresses>(addresses{*known}) : known.error();
    result<addresses> found = net::resolve_blocking(one.host, one.port, resolve_timeout);
    if (!found)
        return found;
    std::erase_if(*found, [](const net::socket_address& at) {
        return at.host() == metadata_service || at.host() == "::ffff:169.254.169.254";
    });
    if (found->empty())
        return error(net::errc::name_not_resolved);
    // Name servers rotate their answers; what did not change has to look the same.
    std::sort(found->begin(), found->end(), [](const auto& left, const auto& right) {
        return left.to_string() < right.to_string();
    });
    return found;
}

}  // namespace

std::vector<result<addresses>> resolve_names(const std::vector<config::address>& wanted) {
    std::map<std::string, std::size_t> asked;  // a name that stands in several places, once
    std::vector<config::address> names;
    std::vector<std::size_t> found_at;
    for (const config::address& one : wanted) {
        const std::string key = one.host + ":" + std::to_string(one.port);
        const auto [entry, added] = asked.emplace(key, names.size());
        if (added)
            names.push_back(one);
        found_at.push_back(entry->second);
    }
    std::vector<result<addresses>> found(names.size(), error(net::errc::name_not_resolved));
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < names.size(); i = next++)
            found[i] = resolve(names[i]);
    };
    const auto waits = static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [](const auto& one) { return !as_written(one); }));
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < std::min(waits, at_once_max); ++i)
            others.emplace_back(work);
        work();
    }
    std::vector<result<addresses>> made;
    for (const std::size_t at : found_at)
        made.push_back(found[at]);
    return made;
}

}  // namespace penstock::app
