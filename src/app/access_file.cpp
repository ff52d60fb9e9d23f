#include "app/access_file.hpp"

#include "penstock/net/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace penstock::app {
namespace {

constexpr int step_ms = 100;

net::unique_fd open_path(const std::string& path) {
    if (path == "-")
        return net::unique_fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    // Not blocking, so that a FIFO without a reader is an error and not a wait.
    return net::unique_fd(::open(
        path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640));
}

bool is_pipe(int fd) {
    struct stat about {};
    return ::fstat(fd, &about) == 0 && !S_ISREG(about.st_mode);
}

}  // namespace

access_file::access_file(std::string path, net::unique_fd fd)
    : path_(std::move(path)), fd_(std::move(fd)), pipe_(is_pipe(fd_.get())) {}

result<access_file> access_file::open(const std::string& path) {
    net::unique_fd fd = open_path(path);
    if (!fd)
        return net::last_system_error();
    return access_file(path, std::move(fd));
}

error access_file::reopen() {
    result<access_file> next = open(path_);
    if (!next)
        return next.error();
    *this = std::move(*next);
    return {};
}

error access_file::wait_writable(const std::atomic<bool>& ending) {
    for (;;) {
        pollfd wait{fd_.get(), POLLOUT, 0};
        const int ready = ::poll(&wait, 1, step_ms);
        if (ready < 0 && errno != EINTR)
            return net::last_system_error();
        if (ready > 0)
            return {};
        if (ending.load(std::memory_order_relaxed) && --steps_at_end_ <= 0)
            return {EAGAIN, boost::system::system_category()};
    }
}

error access_file::write(std::string_view lines, const std::atomic<bool>& ending) {
    std::string mended;
    if (torn_) {
        mended = "\n" + std::string(lines);
        lines = mended;
    }
    std::size_t done = 0;
    while (done < lines.size()) {
        std::string_view piece = lines.substr(done);
        if (pipe_) {
            if (const error failed = wait_writable(ending)) {
                torn_ = torn_ || done > 0;
                return failed;
            }
            // What a writable pipe takes without making us wait, even if it is a blocking one.
            piece = piece.substr(0, PIPE_BUF);
        }
        const ssize_t count = ::write(fd_.get(), piece.data(), piece.size());
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
            continue;
        }
        if (errno == EINTR || errno == EAGAIN)
            continue;
        const error failed = net::last_system_error();
        torn_ = torn_ || done > 0;
        return failed;
    }
    torn_ = false;
    return {};
}

}  // namespace penstock::app
