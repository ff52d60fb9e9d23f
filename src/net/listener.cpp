#include "penstock/net/listener.hpp"

#include "penstock/base/log.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/worker.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

namespace penstock::net {
namespace {

// Each takes some ten microseconds, for which requests of open connections wait. Where turns are
// long by other work, new clients get their share of them.
constexpr int accepts_in_turn_min = 4;
constexpr int accepts_in_turn_max = 64;

int accepts_after(nanoseconds busy) noexcept {
    const auto share = std::min<std::int64_t>(busy / 80us, accepts_in_turn_max);
    return std::min(accepts_in_turn_min + static_cast<int>(share), accepts_in_turn_max);
}
constexpr milliseconds exhausted_pause = 100ms;

bool set_flag(int fd, int level, int name, int to = 1) noexcept {
    return ::setsockopt(fd, level, name, &to, sizeof to) == 0;
}

enum class sharing { alone, with_other_workers };

struct bind_how {
    sharing share;
    bool both_families;
};

result<unique_fd> bind_socket(const socket_address& at, bind_how how) {
    unique_fd made(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made)
        return last_system_error();
    // Whether IPv4 comes this way too is said and not left to the system, so that 0.0.0.0 may stand
    // beside [::].
    const bool v6 = at.family() == AF_INET6;
    const int v6_alone = how.both_families ? 0 : 1;
    const socket_address::raw raw = at.to_raw();
    const bool shares = how.share == sharing::with_other_workers;
    if (!set_flag(made.get(), SOL_SOCKET, SO_REUSEADDR) ||
        (shares && !set_flag(made.get(), SOL_SOCKET, SO_REUSEPORT)) ||
        (v6 && !set_flag(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_alone)) ||
        ::bind(made.get(), raw.data(), raw.size) != 0)
        return last_system_error();
    return made;
}

// SO_REUSEPORT would let a second daemon take half of the first one's connections without a word. A
// socket without it is refused where another listens already.
error check_free(const socket_address& at, bool both_families) {
    const result<unique_fd> probe = bind_socket(at, {sharing::alone, both_families});
    return probe ? error() : probe.error();
}

result<socket_address> bound_address(int fd) noexcept {
    sockaddr_storage raw{};
    socklen_t size = sizeof raw;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) != 0)
        return last_system_error();
    return socket_address::from(raw);
}

enum class verdict { connection, drained, next, exhausted };

// What accept4's errno says about going on. Errors of the connection that was waiting are reported
// here too (accept(2)); they concern that connection alone.
verdict judge(int number) noexcept {
    switch (number) {
        case EAGAIN:
            return verdict::drained;
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case EPERM:  // a firewall's rule
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case ETIMEDOUT:
            return verdict::next;
        default:
            return verdict::exhausted;
    }
}

// Of the whole family, or of its wildcard address.
bool lacks_ipv6(error why) noexcept {
    return why.category() == boost::system::system_category() &&
           (why.value() == EAFNOSUPPORT || why.value() == EADDRNOTAVAIL);
}

// Listening begins once every socket is bound: a connection never goes to one that then closes.
error listen_all(const std::vector<unique_fd>& sockets, int backlog) noexcept {
    for (const unique_fd& fd : sockets) {
        if (::listen(fd.get(), backlog) != 0)
            return last_system_error();
    }
    return {};
}

result<std::vector<unique_fd>> open_sockets(const socket_address& at, int count,
                                            const listen_options& options, socket_address& bound) {
    if (at.port() != 0 && !options.shared) {
        if (const error taken = check_free(at, options.both_families))
            return taken;
    }
    std::vector<unique_fd> made;
    socket_address where = at;
    for (int i = 0; i < count; ++i) {
        result<unique_fd> next =
            bind_socket(where, {sharing::with_other_workers, options.both_families});
        if (!next)
            return next.error();
        if (i == 0) {
            const result<socket_address> first = bound_address(next->get());
            if (!first)
                return first.error();
            where = *first;
        }
        made.push_back(std::move(*next));
    }
    if (const error failed = listen_all(made, options.backlog))
        return failed;
    bound = where;
    return made;
}

// A file that a process has left behind is in the way of the next one. One where somebody listens,
// and one that is no socket, stay.
error remove_stale(const socket_address& at) noexcept {
    const std::string& path = at.unix_path();
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0)
        return errno == ENOENT ? error() : last_system_error();
    const error taken(EADDRINUSE, boost::system::system_category());
    if (!S_ISSOCK(found.st_mode))
        return taken;
    const unique_fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const socket_address::raw raw = at.to_raw();
    if (!probe || ::connect(probe.get(), raw.data(), raw.size) == 0 || errno != ECONNREFUSED)
        return taken;
    return ::unlink(path.c_str()) == 0 ? error() : last_system_error();
}

result<std::vector<unique_fd>> open_unix(const socket_address& at, int count,
                                         const listen_options& options, socket_address& bound) {
    if (const error failed = remove_stale(at))
        return failed;
    std::vector<unique_fd> made;
    made.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const socket_address::raw raw = at.to_raw();
    if (!made.back() || ::bind(made.back().get(), raw.data(), raw.size) != 0)
        return last_system_error();
    // Nobody can connect before it listens.
    error failed;
    if (::chmod(at.unix_path().c_str(), options.unix_mode) != 0)
        failed = last_system_error();
    while (!failed && made.size() < static_cast<std::size_t>(count)) {
        made.emplace_back(::fcntl(made.front().get(), F_DUPFD_CLOEXEC, 0));
        if (!made.back())
            failed = last_system_error();
    }
    if (!failed && ::listen(made.front().get(), options.backlog) != 0)
        failed = last_system_error();
    if (failed) {
        ::unlink(at.unix_path().c_str());
        return failed;
    }
    bound = at;
    return made;
}

bool is_unix(int fd) noexcept {
    int domain = 0;
    socklen_t size = sizeof domain;
    return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

// A full queue of the largest backlog.
constexpr int last_turns_max = 65536 / accepts_in_turn_min;

}  // namespace

result<std::vector<unique_fd>> open_listeners(const socket_address& at, int count,
                                              const listen_options& options,
                                              socket_address& bound) {
    if (at.is_unix())
        return open_unix(at, count, options, bound);
    result<std::vector<unique_fd>> made = open_sockets(at, count, options, bound);
    if (made || !options.both_families || !lacks_ipv6(made.error()))
        return made;
    listen_options alone = options;
    alone.both_families = false;
    return open_sockets(*socket_address::parse("0.0.0.0", at.port()), count, alone, bound);
}

unix_file::unix_file(std::string path)
    : path_(std::move(path)), held_(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)) {}

unix_file::~unix_file() {
    if (in_place())
        ::unlink(path_.c_str());
}

error unix_file::set_mode(std::uint32_t mode) const noexcept {
    if (!in_place())
        return {ENOENT, boost::system::system_category()};
    return ::chmod(path_.c_str(), static_cast<mode_t>(mode)) == 0 ? error() : last_system_error();
}

bool unix_file::in_place() const noexcept {
    struct stat ours {};
    struct stat found {};
    return held_ && ::fstat(held_.get(), &ours) == 0 && ::lstat(path_.c_str(), &found) == 0 &&
           found.st_dev == ours.st_dev && found.st_ino == ours.st_ino;
}

// What `serve` waits for when it does not wait for connections.
class listener::pause final : public deadline {
 public:
    explicit pause(worker& home) noexcept : over(home), home_(home) {}
    ~pause() override = default;

    void wait_for(milliseconds time) noexcept {
        over.reset();
        arm(home_.deadlines(), home_.now() + time, errc{});
    }
    void wait() noexcept {
        over.reset();
        disarm();
    }

    event over;
    bool complained = false;  // of the present exhaustion

 private:
    void on_expire(error) noexcept override { over.set(); }

    worker& home_;
};

listener::listener(worker& home, unique_fd fd, acceptor& owner)
    : home_(home),
      socket_(home, std::move(fd)),
      owner_(owner),
      pause_(std::make_unique<pause>(home)) {
    if (is_unix(socket_.fd()))
        socket_.share();
}

listener::~listener() = default;

listener::turn_end listener::accept_some() {
    const int most = accepts_after(nanoseconds(home_.loop_delay()));
    for (int i = 0; i < most && !stopped_; ++i) {
        if (!owner_.may_accept())
            return turn_end::held;
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        unique_fd fd(::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&from), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            pause_->complained = false;
            owner_.on_accept({std::move(fd), socket_address::from(from).unmapped()});
            continue;
        }
        const int number = errno;
        const verdict what = judge(number);
        if (what == verdict::drained) {
            socket_.drained(false);
            return turn_end::drained;
        }
        if (what == verdict::exhausted) {
            complain({number, boost::system::system_category()});
            return turn_end::exhausted;
        }
    }
    return turn_end::more;
}

// Once until a connection is accepted again: an exhausted machine needs no log that grows.
void listener::complain(error why) noexcept {
    if (!pause_->complained)
        log_error("accepting connections pauses: {}", why);
    pause_->complained = true;
}

listener::turn_end listener::accept_turn() noexcept {
    try {
        return accept_some();
    } catch (const std::exception& failure) {
        // One connection could not be served, most likely for want of memory; the others can wait.
        home_.note_exception(failure.what());
        return turn_end::exhausted;
    }
}

task<> listener::serve() {
    event& over = pause_->over;
    while (!stopped_) {
        switch (accept_turn()) {
            case turn_end::drained:
                if (const error failed = co_await socket_.readable(); failed && !stopped_) {
                    log_error("accepting connections ends: {}", failed);
                    stop();
                }
                break;
            case turn_end::more:
                co_await next_turn(home_);
                break;
            case turn_end::held:
                pause_->wait();
                co_await over;
                break;
            case turn_end::exhausted:
                pause_->wait_for(exhausted_pause);
                co_await over;
                break;
        }
    }
}

void listener::resume() noexcept {
    if (!pause_->armed())
        pause_->over.set();
}

void listener::stop() noexcept {
    if (stopped_)
        return;
    // Closing would reset the connections that the kernel has made already; their clients think
    // that they are served, so they are.
    for (int turns = 0; turns < last_turns_max && accept_turn() == turn_end::more; ++turns)
        continue;
    stopped_ = true;
    socket_.close();
    pause_->over.set();
}

}  // namespace penstock::net
