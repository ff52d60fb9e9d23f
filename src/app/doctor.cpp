#include "app/doctor.hpp"

#include "app/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace penstock::app {
namespace {

// A TIME_WAIT socket holds a port for a minute whatever fin_timeout says; FIN_WAIT_2 that long.
constexpr std::uint64_t fin_timeout_high = 60;

std::vector<std::uint64_t> numbers_of(const std::string& name) {
    std::ifstream file("/proc/sys/net/" + name);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return numbers_in(text);
}

std::optional<std::uint64_t> first_of(const std::vector<std::uint64_t>& numbers) {
    return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::string setting(std::string_view name, std::uint64_t value) {
    return std::string(name) + " = " + std::to_string(value);
}

finding backlog(const config::model& of, std::uint64_t somaxconn) {
    std::uint64_t most = 0;
    for (const config::listener& one : of.listeners)
        most = std::max(most, static_cast<std::uint64_t>(std::max(one.socket.backlog, 0)));
    finding made;
    made.setting = setting("net.core.somaxconn", somaxconn);
    made.why = "listeners ask for a backlog of " + std::to_string(most);
    made.good = somaxconn >= most;
    if (!made.good)
        made.advice =
            "the kernel cuts it short, and connections are lost in a burst: sysctl -w "
            "net.core.somaxconn=" +
            std::to_string(most);
    return made;
}

finding ports(const config::model& of, std::uint64_t low, std::uint64_t high) {
    std::uint64_t most = 0;
    for (const config::upstream& one : of.upstreams)
        most = std::max<std::uint64_t>(most, one.pool.connections);
    const std::uint64_t count = high >= low ? high - low + 1 : 0;
    finding made;
    made.setting =
        "net.ipv4.ip_local_port_range = " + std::to_string(low) + " " + std::to_string(high);
    made.why = std::to_string(count) + " ports to each origin address, of which a pool takes " +
               std::to_string(most) + " at most";
    // Connections that were closed lately hold theirs too.
    made.good = count >= 2 * most;
    if (!made.good)
        made.advice =
            "connections to origins will fail: sysctl -w "
            "net.ipv4.ip_local_port_range='1024 65535'";
    return made;
}

finding time_wait(std::uint64_t reuse) {
    finding made;
    made.setting = setting("net.ipv4.tcp_tw_reuse", reuse);
    made.good = reuse != 0;
    made.why =
        "says whether a port to an origin is free again a second after its connection closed";
    if (!made.good)
        made.advice =
            "else it is held for a minute, and many short connections use up all ports: "
            "sysctl -w net.ipv4.tcp_tw_reuse=1";
    return made;
}

finding fin_timeout(std::uint64_t seconds) {
    finding made;
    made.setting = setting("net.ipv4.tcp_fin_timeout", seconds);
    made.good = seconds <= fin_timeout_high;
    made.why = "how long a closed connection waits for the other side's end";
    if (!made.good)
        made.advice =
            "peers that vanish hold memory that long: sysctl -w "
            "net.ipv4.tcp_fin_timeout=30";
    return made;
}

finding descriptors(const config::model& of, std::uint64_t limit, int workers) {
    const descriptor_budget budget = budget_of(of, limit, workers);
    const std::uint64_t needed = budget.fixed + budget.upstreams + budget.clients;
    finding made;
    made.setting = setting("RLIMIT_NOFILE", limit);
    made.why = "listeners may take " + std::to_string(budget.clients) + " connections, pools " +
               std::to_string(budget.upstreams) + ", the rest is " + std::to_string(budget.fixed);
    made.good = limit >= needed;
    if (!made.good)
        made.advice = (budget.fits() ? "a full house leaves pools short"
                                     : "connection caps are lowered to fit") +
                      std::string(": LimitNOFILE=") + std::to_string(needed) +
                      " in the systemd unit, or ulimit -n";
    return made;
}

}  // namespace

std::vector<std::uint64_t> numbers_in(std::string_view text) {
    std::vector<std::uint64_t> made;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        std::uint64_t value = 0;
        const auto [stop, failed] = std::from_chars(at, end, value);
        if (failed == std::errc())
            made.push_back(value);
        at = stop == at ? at + 1 : stop;
    }
    return made;
}

kernel_settings read_kernel_settings() {
    kernel_settings made;
    made.somaxconn = first_of(numbers_of("core/somaxconn"));
    const std::vector<std::uint64_t> range = numbers_of("ipv4/ip_local_port_range");
    if (range.size() == 2) {
        made.port_low = range[0];
        made.port_high = range[1];
    }
    made.tw_reuse = first_of(numbers_of("ipv4/tcp_tw_reuse"));
    made.fin_timeout = first_of(numbers_of("ipv4/tcp_fin_timeout"));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        made.descriptors = limit.rlim_max;
    return made;
}

std::vector<finding> examine_settings(const config::model& of, const kernel_settings& with,
                                      int workers) {
    std::vector<finding> made;
    made.push_back(descriptors(of, with.descriptors, workers));
    if (with.somaxconn)
        made.push_back(backlog(of, *with.somaxconn));
    if (with.port_low && with.port_high)
        made.push_back(ports(of, *with.port_low, *with.port_high));
    if (with.tw_reuse)
        made.push_back(time_wait(*with.tw_reuse));
    if (with.fin_timeout)
        made.push_back(fin_timeout(*with.fin_timeout));
    return made;
}

}  // namespace penstock::app
