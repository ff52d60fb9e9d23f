// Settings of the kernel and of the process against what a configuration needs. Pure, but for
// `read_kernel_settings`; nothing is changed.
#pragma once

#include "penstock/config/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::app {

// Absent where the kernel does not tell (containers hide some).
struct kernel_settings {
    std::optional<std::uint64_t> somaxconn;
    std::optional<std::uint64_t> port_low;  // ip_local_port_range
    std::optional<std::uint64_t> port_high;
    std::optional<std::uint64_t> tw_reuse;
    std::optional<std::uint64_t> fin_timeout;
    std::uint64_t descriptors = 1024;  // the hard RLIMIT_NOFILE
};
[[nodiscard]] kernel_settings read_kernel_settings();

struct finding {
    bool good = true;
    std::string setting;  // "net.core.somaxconn = 4096"
    std::string why;
    std::string advice;  // what to do; empty if it is good
};
[[nodiscard]] std::vector<finding> examine_settings(const config::model& of,
                                                    const kernel_settings& with, int workers);

// The numbers of a file of /proc/sys: one, or two for a range.
[[nodiscard]] std::vector<std::uint64_t> numbers_in(std::string_view text);

}  // namespace penstock::app
