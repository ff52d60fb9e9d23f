// The origin of the benchmark's streaming rows: answers every request with a chunked body in small
// pieces, each sent by itself and in turn with those of all other responses, as a service does that
// writes while it computes.
//
//   drip_origin [--pieces N] [--bytes N]      prints its port, then serves until it is killed
#include "macro/tool.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <string>
#include <vector>

namespace penstock::bench {
namespace {

struct options {
    int pieces = 64;
    int bytes = 64;
};

class origin {
 public:
    explicit origin(const options& of)
        : of_(of), poll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_somewhere(port_)) {
        char size[16];
        std::snprintf(size, sizeof size, "%x", of.bytes);
        piece_ = std::string(size) + "\r\n" + std::string(static_cast<std::size_t>(of.bytes), 'x') +
                 "\r\n";
        watch(listener_);
    }
    [[nodiscard]] int port() const noexcept { return port_; }

    [[noreturn]] void serve() {
        for (;;) {
            epoll_event events[256];
            // While there is something to send, nothing waits.
            const int count = ::epoll_wait(poll_, events, 256, answering_.empty() ? -1 : 0);
            for (int i = 0; i < count; ++i) {
                if (events[i].data.fd == listener_)
                    accept_all();
                else
                    read(events[i].data.fd);
            }
            // One piece of each response that is under way.
            for (std::size_t i = answering_.size(); i > 0; --i) {
                const int fd = answering_.front();
                answering_.pop_front();
                if (advance(fd))
                    answering_.push_back(fd);
            }
        }
    }

 private:
    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0)
            throw std::runtime_error("epoll_ctl");
    }
    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0)
                return;
            without_delay(fd);
            watch(fd);
            if (sent_.size() <= static_cast<std::size_t>(fd))
                sent_.resize(static_cast<std::size_t>(fd) + 1);
        }
    }
    // One request at a time on each connection, and never in two parts.
    void read(int fd) {
        char block[8192];
        const ssize_t got = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            ::close(fd);
            return;
        }
        sent_[static_cast<std::size_t>(fd)] = 0;
        answering_.push_back(fd);
    }
    // False once the response is complete.
    bool advance(int fd) {
        int& sent = sent_[static_cast<std::size_t>(fd)];
        const bool first = sent == 0;
        const bool last = sent > of_.pieces;
        const std::string& bytes = first ? head_ : last ? end_ : piece_;
        ++sent;
        const ssize_t gone = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return gone == static_cast<ssize_t>(bytes.size()) && !last;
    }

    options of_;
    int poll_;
    int port_ = 0;
    int listener_;
    std::string piece_;
    std::string head_ =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string end_ = "0\r\n\r\n";
    std::deque<int> answering_;
    std::vector<int> sent_;  // by descriptor
};

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock::bench;
    return run_tool([argc, argv] {
        const arguments given(argc, argv);
        options read;
        read.pieces = static_cast<int>(given.number("--pieces", read.pieces));
        read.bytes = static_cast<int>(given.number("--bytes", read.bytes));
        given.check();
        origin made(read);
        std::printf("%d\n", made.port());
        std::fflush(stdout);
        made.serve();
    });
}
