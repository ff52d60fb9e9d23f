#include "support/wait.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock::test {

int time_limit::poll_ms() const noexcept {
    const auto left = std::chrono::ceil<milliseconds>(at_ - clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

bool wait_fd(int fd, short events, const time_limit& limit) {
    while (true) {
        pollfd entry{fd, events, 0};
        const int count = ::poll(&entry, 1, limit.poll_ms());
        if (count > 0) {
            return true;
        }
        if (count < 0 && errno != EINTR) {
            throw_errno("poll");
        }
        if (count == 0 && limit.passed()) {
            return false;
        }
    }
}

void hold_for(milliseconds length) {
    // Nothing is polled, so only the limit ends it.
    (void)wait_fd(-1, 0, time_limit(length));
}

void throw_errno(const std::string& what) { throw test_error(what + ": " + std::strerror(errno)); }

}  // namespace penstock::test
