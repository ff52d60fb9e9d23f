#include "app/worker_count.hpp"

#include "app/system_file.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace penstock::app {
namespace {

constexpr int workers_max = 256;

std::string_view without_line_end(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.remove_suffix(1);
    return text;
}

std::optional<double> positive_number(std::string_view text) {
    text = without_line_end(text);
    std::int64_t value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || stop != text.data() + text.size() || value <= 0)
        return std::nullopt;
    return static_cast<double>(value);
}

std::optional<double> ratio(std::string_view quota, std::string_view period) {
    const std::optional<double> above = positive_number(quota);
    const std::optional<double> below = positive_number(period);
    if (!above || !below)
        return std::nullopt;
    return *above / *below;
}

bool lists(std::string_view controllers, std::string_view wanted) {
    while (!controllers.empty()) {
        const std::size_t comma = controllers.find(',');
        if (controllers.substr(0, comma) == wanted)
            return true;
        controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
    }
    return false;
}

std::optional<double> smaller(std::optional<double> left, std::optional<double> right) {
    if (!left || !right)
        return left ? left : right;
    return std::min(*left, *right);
}

std::optional<double> quota_of_process() {
    const cgroup_paths here = parse_cgroup_paths(read_system_file("/proc/self/cgroup"));
    std::optional<double> quota;
    if (here.v2) {
        for (const std::string& path : with_ancestors(*here.v2))
            quota = smaller(
                quota, quota_of_cpu_max(read_system_file("/sys/fs/cgroup" + path + "/cpu.max")));
    }
    if (here.v1_cpu) {
        for (const std::string& path : with_ancestors(*here.v1_cpu)) {
            const std::string folder = "/sys/fs/cgroup/cpu" + path;
            quota = smaller(quota, quota_of_cfs(read_system_file(folder + "/cpu.cfs_quota_us"),
                                                read_system_file(folder + "/cpu.cfs_period_us")));
        }
    }
    return quota;
}

unsigned cpus_of_process() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    // More than 1024 CPUs do not fit into the mask; then there are enough of them.
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0)
        return workers_max;
    return static_cast<unsigned>(CPU_COUNT(&mask));
}

}  // namespace

std::optional<double> quota_of_cpu_max(std::string_view text) {
    text = without_line_end(text);
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos)
        return std::nullopt;
    return ratio(text.substr(0, space), text.substr(space + 1));
}

std::optional<double> quota_of_cfs(std::string_view quota, std::string_view period) {
    return ratio(quota, period);
}

// Lines of hierarchy-ID:controllers:path (cgroups(7)); v2 is the one with ID 0 and no controller.
cgroup_paths parse_cgroup_paths(std::string_view text) {
    cgroup_paths found;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t first = line.find(':');
        const std::size_t second =
            first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos)
            continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        if (controllers.empty() && line.substr(0, first) == "0")
            found.v2 = path;
        if (lists(controllers, "cpu"))
            found.v1_cpu = path;
        if (lists(controllers, "memory"))
            found.v1_memory = path;
    }
    return found;
}

std::vector<std::string> with_ancestors(std::string_view path) {
    std::vector<std::string> made;
    while (path.size() > 1 && path.starts_with('/')) {
        made.emplace_back(path);
        path = path.substr(0, path.rfind('/'));
    }
    made.emplace_back("/");
    return made;
}

int workers_for(unsigned cpus, std::optional<double> quota) noexcept {
    double count = std::min<double>(cpus, workers_max);
    // A part of a CPU is worth a worker: better throttled at times than a core left alone.
    if (quota)
        count = std::min(count, std::ceil(*quota));
    return std::max(1, static_cast<int>(count));
}

int count_workers(std::uint32_t configured) {
    if (configured != 0)
        return static_cast<int>(std::min<std::uint32_t>(configured, workers_max));
    return workers_for(cpus_of_process(), quota_of_process());
}

}  // namespace penstock::app
