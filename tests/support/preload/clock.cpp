// Preloaded into a daemon: its calendar is PENSTOCK_CLOCK_SKEW seconds ahead of everybody else's,
// or behind them if that is negative. The clock that only runs is ahead by as many seconds as stand
// in the file PENSTOCK_CLOCK_AHEAD, eight bytes which a test may change at any time. Not linked
// with anything of Penstock.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

long skew() noexcept {
    static const long seconds = [] {
        const char* const text = std::getenv("PENSTOCK_CLOCK_SKEW");
        return text != nullptr ? std::strtol(text, nullptr, 10) : 0L;
    }();
    return seconds;
}

std::int64_t ahead() noexcept {
    static const std::int64_t* const shared = []() -> const std::int64_t* {
        const char* const path = std::getenv("PENSTOCK_CLOCK_AHEAD");
        const int file = path != nullptr ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0)
            return nullptr;
        void* const mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
        ::close(file);
        return mapped != MAP_FAILED ? static_cast<const std::int64_t*>(mapped) : nullptr;
    }();
    return shared != nullptr ? __atomic_load_n(shared, __ATOMIC_RELAXED) : 0;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* now) noexcept {
    const long outcome = ::syscall(SYS_clock_gettime, which, now);
    if (outcome == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += skew();
    if (outcome == 0 && which == CLOCK_MONOTONIC)
        now->tv_sec += ahead();
    return static_cast<int>(outcome);
}

time_t time(time_t* into) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (into != nullptr)
        *into = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(timeval* into, void*) noexcept {
    timespec now{};
    const int outcome = clock_gettime(CLOCK_REALTIME, &now);
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return outcome;
}
}
