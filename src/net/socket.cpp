#include "penstock/net/socket.hpp"

#include "penstock/base/check.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/pipe.hpp"
#include "penstock/net/worker.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits.h>
#include <algorithm>
#include <array>
#include <cerrno>

namespace penstock::net {

namespace {

// A close then sends RST and forgets what was not sent.
void linger_never(int fd) noexcept {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// Of so few bytes a copy costs less than the kernel's look at a list of parts.
constexpr std::size_t gather_max = 2048;

void gather(std::span<const iovec> from, char* to) noexcept {
    for (const iovec& part : from)
        to = std::copy_n(static_cast<const char*>(part.iov_base), part.iov_len, to);
}

ssize_t send_parts(int fd, std::span<const iovec> from) noexcept {
    if (from.size() == 1)
        return ::send(fd, from[0].iov_base, from[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    // sendmsg only reads the iovecs; its type just does not say so.
    message.msg_iov = const_cast<iovec*>(from.data());
    message.msg_iovlen = from.size();
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

void reset(unique_fd connection) noexcept { linger_never(connection.get()); }

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void unique_fd::reset() noexcept {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

socket::socket(worker& home, unique_fd fd) : home_(home), fd_(std::move(fd)) {
    if (const auto added = home_.poller().add(*this); !added)
        aborted_ = packed_error(added.error());
}

socket::~socket() { close(); }

void socket::close() noexcept {
    if (!fd_)
        return;
    // Closing takes the descriptor out of the epoll set; only this turn's events are still around.
    if (shared_)
        home_.poller().take_out(*this);
    home_.poller().remove(*this);
    fd_.reset();
    abort(errc::closed);
}

void socket::reset_on_close() noexcept { linger_never(fd_.get()); }

void socket::shutdown_write() noexcept { ::shutdown(fd_.get(), SHUT_WR); }

result<std::size_t> socket::read(std::span<char> into) {
    if (aborted_)
        return error(aborted_);
    // Without room the answer would look like the end of the stream.
    if (into.empty())
        return error(errc::too_large);
    ssize_t count = 0;
    do {
        count = ::recv(fd_.get(), into.data(), into.size(), 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return read_failed(errno == EAGAIN ? error(errc::would_block) : last_system_error());
    const auto got = static_cast<std::size_t>(count);
    if (got == 0 && broken_ != 0)
        return read_failed(broken());
    // A short read means drained: more bytes raise a new edge. Once the peer has closed there is no
    // further edge, so reads go on until they say end of stream.
    if (got > 0 && got < into.size() && !peer_closed_)
        readable_ = false;
    return got;
}

error socket::read_failed(error why) noexcept {
    if (why == errc::would_block) {
        readable_ = false;
        return why;
    }
    // The kernel tells a connection's error once. It ends both directions.
    abort(why);
    return error(aborted_);
}

// The kernel tells a connection's error once, and then says end of stream. If a write was told that
// the connection broke, what the peer sent last may not have come, and the end is none. EPIPE is
// no such error: the peer had closed in order before it refused what we wrote.
void socket::note_write_failed(error why) noexcept {
    if (why != boost::system::errc::broken_pipe)
        broken_ = static_cast<std::uint8_t>(why.value());
}

// How much came says nothing about what is left, since a pipe may run out of places before the
// socket runs out of bytes.
result<std::size_t> socket::read_into(pipe& to, std::size_t max) {
    if (aborted_)
        return error(aborted_);
    const result<std::size_t> moved = to.fill(fd_.get(), max);
    if (moved && *moved == 0 && broken_ != 0)
        return read_failed(broken());
    return moved ? moved : read_failed(moved.error());
}

result<std::size_t> socket::write_from(pipe& from) {
    if (aborted_)
        return error(aborted_);
    const result<std::size_t> moved = from.drain(fd_.get());
    if (!moved && moved.error() == errc::would_block)
        writable_ = false;
    else if (!moved)
        note_write_failed(moved.error());
    return moved;
}

result<std::size_t> socket::write(std::span<const iovec> from) {
    if (aborted_)
        return error(aborted_);
    from = from.first(std::min<std::size_t>(from.size(), IOV_MAX));
    std::size_t total = 0;
    for (const iovec& part : from)
        total += part.iov_len;
    std::array<char, gather_max> gathered;
    iovec whole{gathered.data(), total};
    if (from.size() > 1 && total <= gather_max) {
        gather(from, gathered.data());
        from = std::span<const iovec>(&whole, 1);
    }
    ssize_t count = 0;
    do {
        count = send_parts(fd_.get(), from);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        // Reading goes on: what a peer said before it closed is still there.
        if (errno != EAGAIN) {
            const error why = last_system_error();
            note_write_failed(why);
            return why;
        }
        writable_ = false;
        return error(errc::would_block);
    }
    const auto taken = static_cast<std::size_t>(count);
    if (taken < total)
        writable_ = false;
    return taken;
}

void socket::drained(bool write) noexcept { (write ? writable_ : readable_) = false; }

bool socket::readiness::await_ready() const noexcept {
    return owner.aborted_ || (write ? owner.writable_ : owner.readable_);
}

void socket::readiness::await_suspend(std::coroutine_handle<> waiter) noexcept {
    ready_hook& hook = write ? owner.writer_ : owner.reader_;
    PENSTOCK_CHECK(!hook.handle_ && !hook.queued());
    hook.handle_ = waiter;
}

error socket::readiness::await_resume() noexcept { return owner.aborted_; }

void socket::abort(error why) noexcept {
    if (aborted_)
        return;
    aborted_ = packed_error(why);
    wake_reader();
    wake_writer();
}

// Through the ready queue: whoever wakes must not find itself re-entered by the waiter.
void socket::wake_reader() noexcept {
    if (waits(reader_))
        home_.ready().push(reader_, reader_.handle_);
}

void socket::wake_writer() noexcept {
    if (waits(writer_))
        home_.ready().push(writer_, writer_.handle_);
}

bool socket::unconfirmed() const noexcept {
    int bytes = 0;
    return ::ioctl(fd_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

nanoseconds socket::round_trip() const noexcept {
    tcp_info seen{};
    socklen_t size = sizeof seen;
    if (::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &seen, &size) != 0)
        return nanoseconds{0};
    return std::chrono::microseconds{seen.tcpi_rtt};
}

void socket::tell(std::uint32_t noted) {
    // Each of these may end in the destruction of this socket, which the poller then knows.
    const net::poller& poll = home_.poller();
    if (writable_ && waits(writer_)) {
        resume(writer_);
        if (!poll.delivers_to(*this))
            return;
    }
    // Nothing is left of it if somebody has read it since it was noted.
    const bool input = (noted & EPOLLIN) != 0 && readable_;
    if (input && waits(reader_)) {
        resume(reader_);
        if (!poll.delivers_to(*this))
            return;
    } else if (input && watcher_ != nullptr) {
        watcher_->on_readable();
        if (!poll.delivers_to(*this))
            return;
    }
    if ((noted & EPOLLRDHUP) != 0 && watcher_ != nullptr)
        watcher_->on_peer_closed();
}

}  // namespace penstock::net
