#include "support/delay_line.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace penstock::test {
namespace {

using clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

void send_at_once(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// What one end has sent and the other does not have yet.
class delay_line::direction {
 public:
    direction(int from, int to, milliseconds delay) : from_(from), to_(to), delay_(delay) {}

    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] pollfd reads() const noexcept { return {ended_ ? -1 : from_, POLLIN, 0}; }
    [[nodiscard]] pollfd writes() const noexcept { return {blocked_ ? to_ : -1, POLLOUT, 0}; }
    [[nodiscard]] std::optional<clock::time_point> next() const noexcept {
        if (queue_.empty() || blocked_)
            return std::nullopt;
        return queue_.front().due;
    }
    // Everything that is there, to be sent once its time has come.
    void read(clock::time_point now) {
        static std::array<char, std::size_t{256} * 1024> buffer;
        while (!ended_) {
            const ssize_t got = ::recv(from_, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR))
                return;
            ended_ = got <= 0;
            queue_.push_back(
                {now + delay_,
                 std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0)});
        }
    }
    void write(clock::time_point now) {
        blocked_ = false;
        while (!queue_.empty() && queue_.front().due <= now && !over_) {
            const std::string& bytes = queue_.front().bytes;
            if (bytes.empty()) {
                (void)::shutdown(to_, SHUT_WR);
                over_ = true;
                return;
            }
            const ssize_t sent = ::send(to_, bytes.data() + sent_, bytes.size() - sent_,
                                        MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) {
                blocked_ = true;
                return;
            }
            over_ = over_ || sent < 0;
            sent_ += sent > 0 ? static_cast<std::size_t>(sent) : 0;
            if (sent_ < bytes.size())
                continue;
            sent_ = 0;
            queue_.pop_front();
        }
    }

 private:
    struct piece {
        clock::time_point due;
        std::string bytes;  // none = the end
    };
    int from_;
    int to_;
    milliseconds delay_;
    std::deque<piece> queue_;
    std::size_t sent_ = 0;  // of the first piece
    bool ended_ = false;
    bool blocked_ = false;
    bool over_ = false;
};

struct delay_line::pair {
    pair(descriptor from, descriptor to, milliseconds delay)
        : client(std::move(from)),
          server(std::move(to)),
          there(client.get(), server.get(), delay),
          back(server.get(), client.get(), delay) {}
    [[nodiscard]] bool over() const noexcept { return there.over() && back.over(); }

    descriptor client;
    descriptor server;
    direction there;
    direction back;
};

delay_line::delay_line(std::uint16_t to, milliseconds each_way)
    : to_(to),
      each_way_(each_way),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    if (::bind(listening_.get(), reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
        ::listen(listening_.get(), 128) != 0)
        throw_errno("delay line");
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { run(); });
}

delay_line::~delay_line() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
}

void delay_line::run() {
    std::vector<std::unique_ptr<pair>> pairs;
    for (;;) {
        std::vector<pollfd> polled{{stop_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
        std::optional<clock::time_point> next;
        for (const auto& each : pairs) {
            for (const direction* one : {&each->there, &each->back}) {
                polled.push_back(one->reads());
                polled.push_back(one->writes());
                if (const auto due = one->next(); due && (!next || *due < *next))
                    next = due;
            }
        }
        timespec wait{};
        if (next) {
            const auto left = std::max(*next - clock::now(), clock::duration::zero());
            const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
            wait = {count / 1'000'000'000, count % 1'000'000'000};
        }
        (void)::ppoll(polled.data(), polled.size(), next ? &wait : nullptr, nullptr);
        if (polled[0].revents != 0)
            return;
        const clock::time_point now = clock::now();
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            pair& each = *pairs[i];
            if (polled[2 + 4 * i].revents != 0)
                each.there.read(now);
            if (polled[4 + 4 * i].revents != 0)
                each.back.read(now);
            each.there.write(now);
            each.back.write(now);
        }
        std::erase_if(pairs, [](const auto& each) { return each->over(); });
        if (polled[1].revents == 0)
            continue;
        descriptor client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        descriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in name = loopback(to_);
        if (!client ||
            ::connect(server.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
            continue;
        send_at_once(client.get());
        send_at_once(server.get());
        pairs.push_back(std::make_unique<pair>(std::move(client), std::move(server), each_way_));
    }
}

}  // namespace penstock::test
