// What the tests of cost share: a daemon whose calls and allocations are counted, and its memory.
#pragma once

#include "support/probe.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace penstock::test {

// As the preloaded library lays them out (support/preload/count.cpp).
struct counts {
    std::uint64_t allocations = 0;
    std::uint64_t receives = 0;
    std::uint64_t empty_receives = 0;
    std::uint64_t sends = 0;
    std::uint64_t splices = 0;
    std::uint64_t waits = 0;
    std::uint64_t controls = 0;
};

class counted_daemon {
 public:
    explicit counted_daemon(const std::string& yaml) : path_(dir_.path("counts")) {
        std::ofstream(path_, std::ios::binary) << std::string(sizeof(counts), '\0');
        ::setenv("PENSTOCK_COUNTS", path_.c_str(), 1);
        ::setenv("LD_PRELOAD", PENSTOCK_COUNT_LIBRARY, 1);
        proxy.emplace(yaml);
        ::unsetenv("LD_PRELOAD");
        ::unsetenv("PENSTOCK_COUNTS");
    }
    [[nodiscard]] counts read() const {
        counts now;
        std::ifstream in(path_, std::ios::binary);
        in.read(reinterpret_cast<char*>(&now), sizeof now);
        return now;
    }

 private:
    temp_dir dir_;
    std::string path_;

 public:
    std::optional<daemon> proxy;
};

inline std::string one_worker(const std::string& origin) {
    return R"(
workers: 1
listeners: {web: {bind: "127.0.0.1:0", limits: {connections: 0}}}
upstreams: {app: {endpoints: [")" +
           origin + R"("]}}
routes: [{upstream: app}]
)";
}

inline std::uint64_t anonymous_bytes(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("RssAnon:"))
            return std::stoull(line.substr(8)) * 1024;
    }
    throw test_error("no RssAnon");
}

// What this process and its children may have open, once the limit is raised to it.
inline std::uint64_t most_descriptors() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : 0;
}

}  // namespace penstock::test
