// How much memory this process uses, how much it may, and what follows from the two. Reading the
// files is apart from understanding them.
#pragma once

#include "penstock/net/worker.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::app {

// 95 and 98 in 100; each is left again 2 below, so that nothing flutters. `limit` 0 = no limit.
[[nodiscard]] net::memory_level memory_level_for(net::memory_level before, std::uint64_t used,
                                                 std::uint64_t limit) noexcept;

// Resident pages that are no file's, by /proc/self/statm; nothing for nonsense.
[[nodiscard]] std::optional<std::uint64_t> private_pages(std::string_view statm);
// memory.max of cgroup v2 or memory.limit_in_bytes of v1; nothing for "max", for v1's way to say
// so, and for nonsense.
[[nodiscard]] std::optional<std::uint64_t> cgroup_memory_limit(std::string_view text);

// Decides when what is kept for reuse should go back: the process does not grow, and since the last
// time it has grown by enough to be worth the walk through the heap.
class heap_trim_rule {
 public:
    static constexpr std::uint64_t growth_min = std::uint64_t{4} * 1024 * 1024;

    // `used` by the process; asked at regular times.
    [[nodiscard]] bool due(std::uint64_t used) noexcept {
        const bool grows = used > before_ + before_ / 16;
        before_ = used;
        return !grows && used >= trimmed_ + std::max(growth_min, trimmed_ / 4);
    }
    void note_trimmed(std::uint64_t used) noexcept { before_ = trimmed_ = used; }

 private:
    std::uint64_t before_ = 0;
    std::uint64_t trimmed_ = 0;
};

// Of this process, in bytes; 0 if it cannot be told.
[[nodiscard]] std::uint64_t memory_in_use();
// The least of its cgroup's and those above it; 0 = none.
[[nodiscard]] std::uint64_t memory_limit_of_cgroup();

}  // namespace penstock::app
