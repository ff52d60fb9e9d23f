#include "app/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace penstock::app {

bool open_standard_streams() noexcept {
    for (;;) {
        // The lowest number that is free: one of the three as long as one of them is.
        const int fd = ::open("/dev/null", O_RDWR);
        if (fd < 0)
            return false;
        if (fd > STDERR_FILENO)
            return ::close(fd) == 0;
    }
}

}  // namespace penstock::app
