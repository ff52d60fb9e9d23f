// A load of TLS handshakes: a connection, a request and its answer, the end, one after the other.
// Prints what h2load would: the count of good answers, of failures, and the rate; and which share
// of the handshakes resumed a session. --most: the newest version of TLS that it offers.
//
// Usage: handshakes --port N --seconds S [--path /128] [--resume 1] [--most 1.2]
#include "macro/tool.hpp"

#include <openssl/ssl.h>

#include <unistd.h>

#include <memory>

namespace penstock::bench {
namespace {

struct deleter {
    void operator()(SSL_CTX* one) const noexcept { SSL_CTX_free(one); }
    void operator()(SSL* one) const noexcept { SSL_free(one); }
    void operator()(SSL_SESSION* one) const noexcept { SSL_SESSION_free(one); }
};

struct tally {
    std::uint64_t good = 0;
    std::uint64_t failed = 0;
    std::uint64_t resumed = 0;
};

std::unique_ptr<SSL_SESSION, deleter> latest;

int keep(SSL*, SSL_SESSION* session) {
    latest.reset(session);
    return 1;
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        throw std::runtime_error("cannot connect");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// The ticket of TLS 1.3 comes in front of the answer.
void once(SSL_CTX* context, std::uint16_t port, const std::string& request, bool resume,
          tally& count) {
    const int fd = connect_to(port);
    const std::unique_ptr<SSL, deleter> ssl(SSL_new(context));
    SSL_set_fd(ssl.get(), fd);
    if (resume && latest)
        SSL_set_session(ssl.get(), latest.get());
    char answer[4096];
    const bool good = SSL_connect(ssl.get()) == 1 &&
                      SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) > 0 &&
                      SSL_read(ssl.get(), answer, sizeof answer) > 12 &&
                      std::string(answer + 9, 3) == "200";
    (good ? count.good : count.failed) += 1;
    count.resumed += SSL_session_reused(ssl.get()) == 1 ? 1 : 0;
    SSL_shutdown(ssl.get());
    ::close(fd);
}

int run(const arguments& with) {
    const auto port = static_cast<std::uint16_t>(with.number("--port", 0));
    const double seconds = with.number("--seconds", 1);
    const bool resume = with.number("--resume", 0) > 0;
    const std::string request = "GET " + with.text("--path", "/128") +
                                " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    const std::unique_ptr<SSL_CTX, deleter> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), keep);
    if (with.text("--most", "1.3") == "1.2")
        SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    tally count;
    const auto began = std::chrono::steady_clock::now();
    std::chrono::duration<double> passed{};
    while (passed.count() < seconds) {
        once(context.get(), port, request, resume, count);
        passed = std::chrono::steady_clock::now() - began;
    }
    latest.reset();
    const double all = static_cast<double>(count.good + count.failed);
    std::printf("%llu 2xx, %llu failed, 0 errored, 0 timeout\n",
                static_cast<unsigned long long>(count.good),
                static_cast<unsigned long long>(count.failed));
    std::printf("%.2f req/s, resumed %.3f\n", static_cast<double>(count.good) / passed.count(),
                static_cast<double>(count.resumed) / all);
    return 0;
}

}  // namespace
}  // namespace penstock::bench

int main(int count, char** values) {
    try {
        return penstock::bench::run(penstock::bench::arguments(count, values));
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "handshakes: %s\n", fault.what());
        return 1;
    }
}
