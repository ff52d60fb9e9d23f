#include "app/file_source.hpp"

#include "penstock/net/error.hpp"
#include "penstock/net/socket.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace penstock::app {

result<std::string> file_source::read(const std::string& path) const {
    if (const auto found = embedded_.find(path); found != embedded_.end())
        return found->second;
    // A FIFO in the place of a file must not hold the daemon.
    const net::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        return net::last_system_error();
    std::string text;
    std::array<char, 16384> piece{};
    for (;;) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
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

}  // namespace penstock::app
