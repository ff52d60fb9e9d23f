// Preloaded into a daemon: its calendar is PENSTOCK_CLOCK_SKEW seconds ahead of everybody else's,
// or behind them if that is negative. Clocks that only run are left alone. Not linked with anything
// of Penstock.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

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

}  // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* now) noexcept {
    const long outcome = ::syscall(SYS_clock_gettime, which, now);
    if (outcome == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += skew();
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
