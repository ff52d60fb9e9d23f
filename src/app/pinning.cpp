#include "app/pinning.hpp"

#include <pthread.h>
#include <sched.h>

namespace penstock::app {

std::vector<int> allowed_cpus() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    std::vector<int> found;
    // More than 1024 CPUs do not fit into the mask; then nothing is tied.
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0)
        return found;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(static_cast<std::size_t>(cpu), &mask))
            found.push_back(cpu);
    }
    return found;
}

std::vector<int> cpus_for(int workers, const std::vector<int>& allowed) {
    std::vector<int> made;
    for (int i = 0; i < workers && !allowed.empty(); ++i)
        made.push_back(allowed[static_cast<std::size_t>(i) % allowed.size()]);
    return made;
}

bool pin_this_thread(int cpu) noexcept {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(static_cast<std::size_t>(cpu), &mask);
    return ::pthread_setaffinity_np(::pthread_self(), sizeof mask, &mask) == 0;
}

}  // namespace penstock::app
