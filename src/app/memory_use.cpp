#include "app/memory_use.hpp"

#include "app/system_file.hpp"
#include "app/worker_count.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace penstock::app {
namespace {

using net::memory_level;

constexpr std::uint64_t high_percent = 95;
constexpr std::uint64_t critical_percent = 98;
constexpr std::uint64_t slack_percent = 2;
// cgroup v1 says "no limit" by a number near 2^63.
constexpr std::uint64_t unlimited = std::uint64_t{1} << 60U;

std::optional<std::uint64_t> take_number(std::string_view& text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return value;
}

}  // namespace

memory_level memory_level_for(memory_level before, std::uint64_t used,
                              std::uint64_t limit) noexcept {
    if (limit == 0)
        return memory_level::normal;
    // Divided first: a limit is no less than some MiB, and nothing overflows.
    const auto reaches = [used, limit, before](std::uint64_t percent, memory_level level) {
        const std::uint64_t from = before >= level ? percent - slack_percent : percent;
        return used / from >= limit / 100;
    };
    if (reaches(critical_percent, memory_level::critical))
        return memory_level::critical;
    return reaches(high_percent, memory_level::high) ? memory_level::high : memory_level::normal;
}

// Size, resident and shared pages, and more (proc(5)).
std::optional<std::uint64_t> private_pages(std::string_view statm) {
    const auto size = take_number(statm);
    const auto resident = take_number(statm);
    const auto shared = take_number(statm);
    if (!size || !resident || !shared || *shared > *resident)
        return std::nullopt;
    return *resident - *shared;
}

std::optional<std::uint64_t> cgroup_memory_limit(std::string_view text) {
    const auto value = take_number(text);
    const bool whole = text.empty() || text == "\n";
    if (!value || !whole || *value >= unlimited)
        return std::nullopt;
    return value;
}

std::uint64_t memory_in_use() {
    const auto pages = private_pages(read_system_file("/proc/self/statm"));
    return pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t memory_limit_of_cgroup() {
    const cgroup_paths here = parse_cgroup_paths(read_system_file("/proc/self/cgroup"));
    std::vector<std::string> files;
    if (here.v2) {
        for (const std::string& path : with_ancestors(*here.v2))
            files.push_back("/sys/fs/cgroup" + path + "/memory.max");
    }
    if (here.v1_memory) {
        for (const std::string& path : with_ancestors(*here.v1_memory))
            files.push_back("/sys/fs/cgroup/memory" + path + "/memory.limit_in_bytes");
    }
    std::uint64_t least = 0;
    for (const std::string& file : files) {
        const std::uint64_t limit = cgroup_memory_limit(read_system_file(file)).value_or(0);
        least = least == 0 || limit == 0 ? std::max(least, limit) : std::min(least, limit);
    }
    return least;
}

}  // namespace penstock::app
