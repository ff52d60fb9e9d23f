#include "penstock/net/listener.hpp"

#include "penstock/base/log.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/worker.hpp"

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

bool set_flag(int fd, int level, int name) noexcept {
    const int on = 1;
    return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

enum class sharing { alone, with_other_workers };

result<unique_fd> bind_socket(const socket_address& at, sharing share) {
    unique_fd made(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made)
        return last_system_error();
    // [::] is IPv6 alone, so that 0.0.0.0 may stand beside it.
    const bool v6 = at.family() == AF_INET6;
    const socket_address::raw raw = at.to_raw();
    if (!set_flag(made.get(), SOL_SOCKET, SO_REUSEADDR) ||
        (share == sharing::with_other_workers && !set_flag(made.get(), SOL_SOCKET, SO_REUSEPORT)) ||
        (v6 && !set_flag(made.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
        ::bind(made.get(), raw.data(), raw.size) != 0)
        return last_system_error();
    return made;
}

// SO_REUSEPORT would let a second daemon take half of the first one's connections without a word. A
// socket without it is refused where another listens already.
error check_free(const socket_address& at) {
    const result<unique_fd> probe = bind_socket(at, sharing::alone);
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

// A full queue of the largest backlog.
constexpr int last_turns_max = 65536 / accepts_in_turn_min;

}  // namespace

result<std::vector<unique_fd>> open_listeners(const socket_address& at, int count,
                                              const listen_options& options,
                                              socket_address& bound) {
    if (at.port() != 0 && !options.shared) {
        if (const error taken = check_free(at))
            return taken;
    }
    std::vector<unique_fd> made;
    socket_address where = at;
    for (int i = 0; i < count; ++i) {
        result<unique_fd> next = bind_socket(where, sharing::with_other_workers);
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
    // Listening begins once every socket is bound: a connection never goes to one that then closes.
    for (const unique_fd& fd : made) {
        if (::listen(fd.get(), options.backlog) != 0)
            return last_system_error();
    }
    bound = where;
    return made;
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
      pause_(std::make_unique<pause>(home)) {}

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
            owner_.on_accept({std::move(fd), socket_address::from(from)});
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
