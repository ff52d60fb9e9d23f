#include "support/peer.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>

namespace penstock::test {

struct peer::tls_state {
    SSL* ssl = nullptr;

    tls_state() = default;
    tls_state(const tls_state&) = delete;
    tls_state& operator=(const tls_state&) = delete;
    ~tls_state() { SSL_free(ssl); }
};

namespace {

// OpenSSL writes without MSG_NOSIGNAL, and the other side may have gone: that is an error of the
// write, and must not end the test program.
class pipe_signal_off {
 public:
    pipe_signal_off() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~pipe_signal_off() {
        const int outcome = errno;  // of what was done meanwhile
        const timespec at_once{};
        while (::sigtimedwait(&pipe_, nullptr, &at_once) == SIGPIPE) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = outcome;
    }
    pipe_signal_off(const pipe_signal_off&) = delete;
    pipe_signal_off& operator=(const pipe_signal_off&) = delete;

 private:
    sigset_t pipe_{};
    sigset_t before_{};
};

[[nodiscard]] bool is_reset(int number) { return number == ECONNRESET || number == EPIPE; }

void make_ready(int fd) {
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

// Of all clients: OpenSSL needs milliseconds to make one.
SSL_CTX* client_context() {
    static SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    return made;
}

void offer(SSL* ssl, const std::string& protocol) {
    const std::string list = static_cast<char>(protocol.size()) + protocol;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
}

// Translates what SSL_* returned: a count, 0 for the end, or -1 with what to wait for (0 = failed).
long ssl_outcome(SSL* ssl, int count, short& wait_for) {
    wait_for = 0;
    if (count > 0) {
        return count;
    }
    switch (SSL_get_error(ssl, count)) {
        case SSL_ERROR_WANT_READ:
            wait_for = POLLIN;
            return -1;
        case SSL_ERROR_WANT_WRITE:
            wait_for = POLLOUT;
            return -1;
        case SSL_ERROR_ZERO_RETURN:
            return 0;
        case SSL_ERROR_SYSCALL:
            return -1;
        default:
            errno = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                        ? ECONNRESET
                        : EPROTO;
            return -1;
    }
}

}  // namespace

gate::gate() : fd_(::eventfd(0, EFD_CLOEXEC)) {}

void gate::open() const {
    const std::uint64_t one = 1;
    if (::write(fd_.get(), &one, sizeof one) != sizeof one) {
        throw_errno("gate");
    }
}

// As wait_fd, but also ends when the test is over.
bool peer::await(int fd, short events, const time_limit& limit) const {
    while (true) {
        std::array<pollfd, 2> entries{{{fd, events, 0}, {stop_, POLLIN, 0}}};
        const int count = ::poll(entries.data(), entries.size(), limit.poll_ms());
        if (entries[1].revents != 0) {
            throw stopped();
        }
        if (count > 0) {
            return true;
        }
        if (count == 0 && limit.passed()) {
            return false;
        }
    }
}

peer::peer(std::uint16_t port, const connect_options& options)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (options.receive_buffer > 0) {
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(int));
    }
    if (!options.source.empty()) {
        sockaddr_in from{};
        from.sin_family = AF_INET;
        if (::inet_pton(AF_INET, options.source.c_str(), &from.sin_addr) != 1 ||
            ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
            throw_errno("bind to " + options.source);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        throw_errno("connect to port " + std::to_string(port));
    }
    make_ready(fd_.get());
    if (options.tls) {
        tls_ = std::make_unique<tls_state>();
        tls_->ssl = SSL_new(client_context());
        if (!options.server_name.empty()) {
            // SSL_set_tlsext_host_name is a macro with a C cast.
            std::string name = options.server_name;
            SSL_ctrl(tls_->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     name.data());
        }
        if (options.tls12) {
            SSL_ctrl(tls_->ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, nullptr);
        }
        if (!options.alpn.empty()) {
            offer(tls_->ssl, options.alpn);
        }
        handshake(true);
    }
}

peer::peer(descriptor accepted, SSL_CTX* tls, int stop) : fd_(std::move(accepted)), stop_(stop) {
    make_ready(fd_.get());
    if (tls != nullptr) {
        tls_ = std::make_unique<tls_state>();
        tls_->ssl = SSL_new(tls);
        handshake(false);
    }
}

peer::peer(peer&&) noexcept = default;
peer::~peer() = default;

void peer::handshake(bool client) {
    const pipe_signal_off off;
    SSL_set_fd(tls_->ssl, fd_.get());
    const time_limit limit(patience);
    while (true) {
        ERR_clear_error();
        const int done = client ? SSL_connect(tls_->ssl) : SSL_accept(tls_->ssl);
        if (done == 1) {
            return;
        }
        short wait_for = 0;
        ssl_outcome(tls_->ssl, done, wait_for);
        if (wait_for == 0 || !await(fd_.get(), wait_for, limit)) {
            throw test_error("TLS handshake failed");
        }
    }
}

long peer::write_some(std::string_view bytes, short& wait_for) {
    if (tls_) {
        const pipe_signal_off off;
        ERR_clear_error();
        const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
        return ssl_outcome(tls_->ssl, SSL_write(tls_->ssl, bytes.data(), size), wait_for);
    }
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    wait_for = count < 0 && errno == EAGAIN ? POLLOUT : short{0};
    return count;
}

long peer::read_bytes(char* to, std::size_t size, short& wait_for) {
    if (tls_) {
        const pipe_signal_off off;
        ERR_clear_error();
        return ssl_outcome(tls_->ssl, SSL_read(tls_->ssl, to, static_cast<int>(size)), wait_for);
    }
    const ssize_t count = ::recv(fd_.get(), to, size, 0);
    wait_for = count < 0 && errno == EAGAIN ? POLLIN : short{0};
    return count;
}

void peer::send(std::string_view bytes) {
    const time_limit limit(patience);
    while (!bytes.empty()) {
        short wait_for = 0;
        const long count = write_some(bytes, wait_for);
        if (count > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        } else if (wait_for == 0) {
            throw_errno("send");
        } else if (!await(fd_.get(), wait_for, limit)) {
            throw test_error("send: the other side does not read");
        }
    }
}

void peer::send_in_pieces(std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        send(bytes.substr(0, piece));
    }
}

std::size_t peer::send_until_blocked(std::string_view bytes, milliseconds quiet) {
    const std::size_t all = bytes.size();
    while (!bytes.empty()) {
        short wait_for = 0;
        const long count = write_some(bytes, wait_for);
        if (count > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        } else if (wait_for == 0 || !await(fd_.get(), wait_for, time_limit(quiet))) {
            break;
        }
    }
    return all - bytes.size();
}

peer::got peer::receive(const time_limit& limit) {
    while (true) {
        std::array<char, 65536> bytes;
        short wait_for = 0;
        const long count = read_bytes(bytes.data(), bytes.size(), wait_for);
        if (count > 0) {
            pending_.append(bytes.data(), static_cast<std::size_t>(count));
            received_.append(bytes.data(), static_cast<std::size_t>(count));
            return got::bytes;
        }
        if (count == 0) {
            return got::eof;
        }
        if (wait_for == 0) {
            if (!is_reset(errno)) {
                throw_errno("recv");
            }
            return got::reset;
        }
        if (!await(fd_.get(), wait_for, limit)) {
            throw test_error("nothing more came; unread so far: \"" + pending_.substr(0, 200) +
                             "\"");
        }
    }
}

std::string peer::take(std::size_t count) {
    std::string out = pending_.substr(0, count);
    pending_.erase(0, count);
    return out;
}

void peer::require(std::size_t size, const time_limit& limit) {
    while (pending_.size() < size) {
        const got outcome = receive(limit);
        if (outcome != got::bytes) {
            throw test_error(
                std::string("connection ") + (outcome == got::eof ? "closed" : "reset") +
                " where more was expected; unread so far: \"" + pending_.substr(0, 200) + "\"");
        }
    }
}

std::string peer::read_until(std::string_view text, milliseconds limit) {
    const time_limit end(limit);
    std::size_t from = 0;
    std::size_t at = std::string::npos;
    while ((at = pending_.find(text, from)) == std::string::npos) {
        from = pending_.size() - std::min(pending_.size(), text.size() - 1);
        require(pending_.size() + 1, end);
    }
    return take(at + text.size());
}

std::string peer::read_exactly(std::size_t count, milliseconds limit) {
    require(count, time_limit(limit));
    return take(count);
}

std::string peer::read_to_end(milliseconds limit) {
    if (wait_closed(limit) == closing::reset) {
        throw test_error("reset where the end of the stream was expected; unread: " + pending_);
    }
    return take(pending_.size());
}

std::string peer::read_some(milliseconds limit) {
    if (pending_.empty() && receive(time_limit(limit)) == got::reset) {
        throw test_error("connection reset");
    }
    return take(pending_.size());
}

closing peer::wait_closed(milliseconds limit) {
    const time_limit end(limit);
    while (true) {
        const got outcome = receive(end);
        if (outcome != got::bytes) {
            return outcome == got::eof ? closing::eof : closing::reset;
        }
    }
}

bool peer::stays_quiet(milliseconds quiet) {
    const time_limit limit(quiet);
    while (pending_.empty()) {
        char byte = 0;
        short wait_for = 0;
        const long count = read_bytes(&byte, 1, wait_for);
        if (count > 0) {
            pending_.push_back(byte);
            received_.push_back(byte);
        } else if (wait_for == 0) {
            return false;
        } else if (!await(fd_.get(), wait_for, limit)) {
            return true;
        }
    }
    return false;
}

void peer::half_close() {
    if (tls_) {
        const pipe_signal_off off;
        SSL_shutdown(tls_->ssl);
    }
    ::shutdown(fd_.get(), SHUT_WR);
}

void peer::close() {
    if (tls_) {
        const pipe_signal_off off;
        SSL_shutdown(tls_->ssl);
    }
    fd_.reset();
}

void peer::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
}

void peer::wait_for(const gate& to_open, milliseconds limit) const {
    if (!await(to_open.fd(), POLLIN, time_limit(limit))) {
        throw test_error("the gate stayed closed");
    }
}

std::uint16_t peer::local_port() const {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(name.sin_port);
}

std::string peer::alpn() const {
    const unsigned char* data = nullptr;
    unsigned size = 0;
    if (tls_) {
        SSL_get0_alpn_selected(tls_->ssl, &data, &size);
    }
    return {reinterpret_cast<const char*>(data), size};
}

std::string peer::tls_version() const { return tls_ ? SSL_get_version(tls_->ssl) : ""; }

}  // namespace penstock::test
