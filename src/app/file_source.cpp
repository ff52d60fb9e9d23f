#include "app/file_source.hpp"

#include "penstock/net/error.hpp"
#include "penstock/net/socket.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace penstock::app {

result<std::string> read_whole(int fd, std::size_t size_max) {
    std::string text;
    std::array<char, 16384> piece{};
    for (;;) {
        const ssize_t count = ::read(fd, piece.data(), piece.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return net::last_system_error();
        if (count == 0)
            return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
        if (text.size() > size_max)
            return error(EFBIG, boost::system::system_category());
    }
}

result<std::string> file_source::read(const std::string& path) const {
    if (const auto found = embedded_.find(path); found != embedded_.end())
        return found->second;
    // A FIFO in the place of a file must not hold the daemon.
    const net::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        return net::last_system_error();
    return read_whole(file.get(), size_max);
}

bool file_source::readable_by_all(const std::string& path) const {
    struct stat of {};
    return !embedded_.contains(path) && ::stat(path.c_str(), &of) == 0 &&
           (of.st_mode & S_IROTH) != 0;
}

}  // namespace penstock::app
