#include "support/scripted_origin.hpp"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace penstock::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

descriptor bind_any(std::uint16_t& port) {
    descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) {
        throw_errno("bind");
    }
    port = ntohs(name.sin_port);
    return fd;
}

// HTTP/1.1 when the client offers it, else no protocol.
int choose_http1(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                 unsigned in_size, void*) {
    static constexpr unsigned char http1[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, out_size, http1, sizeof http1 - 1, in, in_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX* server_context(const certificate_files& files) {
    SSL_CTX* const out = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(out, files.cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(out, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(out);
        throw test_error("origin: certificate " + files.cert);
    }
    SSL_CTX_set_alpn_select_cb(out, choose_http1, nullptr);
    return out;
}

}  // namespace

scripted_origin::scripted_origin(script run, std::optional<certificate_files> tls)
    : run_(std::move(run)) {
    listener_ = bind_any(port_);
    if (::listen(listener_.get(), SOMAXCONN) != 0) {
        throw_errno("listen");
    }
    if (tls) {
        tls_ = server_context(*tls);
    }
    acceptor_ = std::thread([this] { accept_all(); });
}

scripted_origin::~scripted_origin() {
    stop_.open();
    acceptor_.join();
    for (std::thread& connection : connections_) {
        connection.join();
    }
    SSL_CTX_free(tls_);
}

void scripted_origin::accept_all() {
    while (true) {
        std::array<pollfd, 2> entries{{{listener_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
        ::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) {
            return;
        }
        const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        const std::lock_guard lock(mutex_);
        const int index = accepted_++;
        connections_.emplace_back([this, fd, index] { serve(fd, index); });
        changed_.notify_all();
    }
}

void scripted_origin::serve(int fd, int index) {
    std::optional<peer> client;
    std::string failure;
    try {
        client.emplace(descriptor(fd), tls_, stop_.fd());
        run_(*client, index);
    } catch (const stopped&) {
        // The test is over; that is no failure.
    } catch (const std::exception& thrown) {
        failure = "connection " + std::to_string(index) + ": " + thrown.what();
    }
    note_end(index, client ? client->received() : "", failure);
}

void scripted_origin::note_end(int index, std::string received, std::string failure) {
    const std::lock_guard lock(mutex_);
    received_[index] = std::move(received);
    if (!failure.empty()) {
        failures_.push_back(std::move(failure));
    }
    changed_.notify_all();
}

scripted_origin::script scripted_origin::answer(handler handle) {
    return [handle = std::move(handle)](peer& client, int) {
        while (const std::optional<http_request> request = read_request(client)) {
            client.send(handle(*request));
        }
    };
}

int scripted_origin::connections() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
}

void scripted_origin::wait_for_connections(int count, milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, time_limit(limit).at(), [&] { return accepted_ >= count; })) {
        throw test_error("origin: " + std::to_string(accepted_) + " connections, expected " +
                         std::to_string(count));
    }
}

std::string scripted_origin::received(int index, milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, time_limit(limit).at(),
                             [&] { return received_.contains(index); })) {
        throw test_error("origin: connection " + std::to_string(index) + " has not ended");
    }
    return received_.at(index);
}

std::vector<std::string> scripted_origin::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

refusing_port::refusing_port() : fd_(bind_any(port_)) {}

// A listening socket whose queue is full: the kernel then drops what asks for a connection.
silent_port::silent_port() : fd_(bind_any(port_)) {
    if (::listen(fd_.get(), 0) != 0) {
        throw_errno("listen");
    }
    const sockaddr_in to = loopback(port_);
    for (int i = 0; i < 4; ++i) {
        descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
        fill_.push_back(std::move(fd));
    }
}

}  // namespace penstock::test
