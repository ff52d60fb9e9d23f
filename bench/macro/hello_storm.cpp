// A storm of TLS handshakes at a constant rate, for next to none of our own CPU: every connection
// sends the same ClientHello, waits for the server's answer, whose signature and key exchange are
// what is dear, and leaves.
//
//   hello_storm --port P --rate R [--seconds S] [--open N]
//
// `open`: no more connections at once than this; what comes due beyond it is given up at once.
// Prints one JSON object: connections begun, answered, given up, and answers a second.
#include "macro/tool.hpp"

#include <openssl/ssl.h>

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

namespace penstock::bench {
namespace {

struct deleter {
    void operator()(SSL_CTX* one) const noexcept { SSL_CTX_free(one); }
    void operator()(SSL* one) const noexcept { SSL_free(one); }
};

// What a client of OpenSSL's says first.
std::string make_hello() {
    const std::unique_ptr<SSL_CTX, deleter> context(SSL_CTX_new(TLS_client_method()));
    const std::unique_ptr<SSL, deleter> ssl(SSL_new(context.get()));
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_connect(ssl.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &data);
    if (size <= 0)
        throw std::runtime_error("no ClientHello");
    return {data, static_cast<std::size_t>(size)};
}

class storm {
 public:
    storm(int port, double rate, double seconds, std::size_t open_max)
        : port_(port),
          rate_(rate),
          seconds_(seconds),
          open_max_(open_max),
          poll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~storm() {
        for (const int fd : open_)
            ::close(fd);
        ::close(poll_);
    }
    storm(const storm&) = delete;
    storm& operator=(const storm&) = delete;

    void run() {
        const std::int64_t begin = now();
        const std::int64_t end = begin + nanoseconds(seconds_);
        for (std::int64_t at = begin; at < end; at = now()) {
            const double due = rate_ * static_cast<double>(at - begin) / 1e9;
            while (static_cast<double>(begun_ + given_up_) < due)
                begin_one();
            wait();
        }
    }
    void print() const {
        std::printf(
            "{\"begun\": %llu, \"answered\": %llu, \"given_up\": %llu, \"rate\": %.1f}\n",
            static_cast<unsigned long long>(begun_), static_cast<unsigned long long>(answered_),
            static_cast<unsigned long long>(given_up_), static_cast<double>(answered_) / seconds_);
    }

 private:
    void begin_one() {
        if (open_.size() >= open_max_) {
            ++given_up_;
            return;
        }
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            throw std::runtime_error("no socket");
        sockaddr_in to = loopback(port_);
        (void)::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
        // The loopback connects at once; whoever finds the server's queue full would wait a second.
        pollfd connected{fd, POLLOUT, 0};
        if (::poll(&connected, 1, 0) != 1 || (connected.revents & (POLLERR | POLLHUP)) != 0) {
            ++given_up_;
            ::close(fd);
            return;
        }
        without_delay(fd);
        ++begun_;
        open_.insert(fd);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLRDHUP;
        event.data.fd = fd;
        if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0 ||
            ::send(fd, hello_.data(), hello_.size(), MSG_NOSIGNAL) < 0)
            leave(fd);
    }
    void wait() {
        const timespec limit{0, 500'000};
        epoll_event events[256];
        const int count = ::epoll_pwait2(poll_, events, 256, &limit, nullptr);
        for (int i = 0; i < count; ++i) {
            char first = 0;
            answered_ += ::recv(events[i].data.fd, &first, 1, MSG_DONTWAIT) == 1 ? 1U : 0U;
            leave(events[i].data.fd);
        }
    }
    // With a reset, so that ports do not run out.
    void leave(int fd) {
        const linger now{1, 0};
        (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd);
        open_.erase(fd);
    }

    const std::string hello_ = make_hello();
    int port_;
    double rate_;
    double seconds_;
    std::size_t open_max_;
    int poll_;
    std::set<int> open_;
    std::uint64_t begun_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t given_up_ = 0;
};

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock::bench;
    return run_tool([argc, argv] {
        const arguments given(argc, argv);
        const int port = static_cast<int>(given.number("--port", 0));
        const double rate = given.number("--rate", 0);
        const double seconds = given.number("--seconds", 3);
        const auto open_max = static_cast<std::size_t>(given.number("--open", 4000));
        given.check();
        if (port == 0 || rate <= 0)
            throw std::runtime_error("needs --port and --rate");
        storm made(port, rate, seconds, open_max);
        made.run();
        made.print();
    });
}
