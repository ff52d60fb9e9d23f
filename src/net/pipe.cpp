#include "penstock/net/pipe.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace penstock::net {
namespace {

constexpr unsigned splice_flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

// One splice; would_block if neither side can go on.
result<std::size_t> move(int from, int to, std::size_t max) noexcept {
    ssize_t count = 0;
    do {
        count = ::splice(from, nullptr, to, nullptr, max, splice_flags);
    } while (count < 0 && errno == EINTR);
    if (count >= 0)
        return static_cast<std::size_t>(count);
    return errno == EAGAIN ? error(errc::would_block) : last_system_error();
}

}  // namespace

pipe::~pipe() {
    if (pool_ != nullptr && read_end_)
        pool_->give_back(*this);
}

result<std::size_t> pipe::fill(int from_socket, std::size_t max) {
    PENSTOCK_CHECK(held_ == 0);
    const result<std::size_t> moved = move(from_socket, write_end_.get(), std::min(max, bytes_max));
    if (moved)
        held_ = *moved;
    return moved;
}

result<std::size_t> pipe::drain(int to_socket) {
    const result<std::size_t> moved = move(read_end_.get(), to_socket, held_);
    if (moved)
        held_ -= *moved;
    return moved;
}

pipe_pool::~pipe_pool() { PENSTOCK_CHECK(in_use_ == 0); }

pipe pipe_pool::take() {
    pipe taken;
    if (in_use_ >= open_max)
        return taken;
    if (free_.empty()) {
        int made[2] = {-1, -1};
        if (::pipe2(made, O_CLOEXEC | O_NONBLOCK) != 0)
            return taken;
        taken.read_end_ = unique_fd(made[0]);
        taken.write_end_ = unique_fd(made[1]);
        // Less is fine too, and all that a user above its share gets.
        ::fcntl(made[1], F_SETPIPE_SZ, static_cast<int>(pipe::bytes_max));
        if (free_.capacity() == 0)
            free_.reserve(cached_max);
    } else {
        taken.read_end_ = std::move(free_.back().read);
        taken.write_end_ = std::move(free_.back().write);
        free_.pop_back();
    }
    taken.pool_ = this;
    ++in_use_;
    return taken;
}

void pipe_pool::give_back(pipe& used) noexcept {
    --in_use_;
    if (used.held_ == 0 && free_.size() < free_.capacity())
        free_.push_back({std::move(used.read_end_), std::move(used.write_end_)});
}

}  // namespace penstock::net
