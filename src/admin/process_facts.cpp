#include "admin/process_facts.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace penstock::admin {
namespace {

double seconds(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

process_facts read_process_facts() {
    process_facts facts;
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0)
        facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    double pages_virtual = 0;
    double pages_resident = 0;
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (std::ifstream("/proc/self/statm") >> pages_virtual >> pages_resident) {
        facts.virtual_bytes = pages_virtual * page;
        facts.resident_bytes = pages_resident * page;
    }
    std::error_code failure;
    for (std::filesystem::directory_iterator at("/proc/self/fd", failure), end;
         !failure && at != end; at.increment(failure))
        facts.open_descriptors += 1;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        facts.descriptors_max = static_cast<double>(limit.rlim_cur);
    return facts;
}

}  // namespace penstock::admin
