// How many workers `workers: auto` means: the CPUs of the affinity mask, but no more than the
// cgroup's quota pays for. Reading the files is apart from understanding them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::app {

// "max 100000" or "150000 100000", of cgroup v2's cpu.max: CPUs; nothing for no quota or nonsense.
[[nodiscard]] std::optional<double> quota_of_cpu_max(std::string_view text);
// cpu.cfs_quota_us and cpu.cfs_period_us of cgroup v1; a quota of -1 is none.
[[nodiscard]] std::optional<double> quota_of_cfs(std::string_view quota, std::string_view period);

// Where this process stands in the cgroup trees, by /proc/self/cgroup.
struct cgroup_paths {
    std::optional<std::string> v2;      // "/system.slice/penstock.service"
    std::optional<std::string> v1_cpu;  // of the cpu controller
    std::optional<std::string> v1_memory;
};
[[nodiscard]] cgroup_paths parse_cgroup_paths(std::string_view text);

// "/a/b" → "/a/b", "/a", "/": a quota of any of them holds.
[[nodiscard]] std::vector<std::string> with_ancestors(std::string_view path);

// At least 1, at most 256.
[[nodiscard]] int workers_for(unsigned cpus, std::optional<double> quota) noexcept;

// Of this process; `configured` wins unless it is 0.
[[nodiscard]] int count_workers(std::uint32_t configured);

}  // namespace penstock::app
