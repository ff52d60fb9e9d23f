// One end of a scripted connection, plain or TLS: sends exactly the bytes it is told, in the pieces
// it is told, and reads with a limit. Blocking; the tests' clients and origins are made of it.
#pragma once

#include "support/descriptor.hpp"
#include "support/wait.hpp"

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace penstock::test {

enum class closing { eof, reset };

struct connect_options {
    bool tls = false;              // the other side's certificate is not verified
    std::string server_name = {};  // SNI; empty = none
    std::string alpn = {};         // one protocol to offer; empty = none
    bool tls12 = false;            // no newer version
    int receive_buffer = 0;        // SO_RCVBUF before connecting; 0 = the system's
    std::string source = {};       // the address to connect from; empty = 127.0.0.1
};

// What a wait throws when the test is over.
class stopped : public test_error {
 public:
    stopped() : test_error("stopped") {}
};

// Closed until a test opens it, from any thread; stays open.
class gate {
 public:
    gate();
    void open() const;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
    descriptor fd_;
};

class peer {
 public:
    // To 127.0.0.1.
    explicit peer(std::uint16_t port, const connect_options& options = {});
    // An accepted socket; with `tls`, the handshake is done here. Once the descriptor `stop` is
    // readable every wait throws `stopped`.
    peer(descriptor accepted, SSL_CTX* tls, int stop);
    peer(peer&&) noexcept;
    ~peer();

    void send(std::string_view bytes);
    // Each piece is a write of its own, and with Nagle's algorithm off a segment of its own.
    void send_in_pieces(std::string_view bytes, std::size_t piece = 1);
    // As much as the other side takes until it took nothing for `quiet`. Returns the count.
    std::size_t send_until_blocked(std::string_view bytes, milliseconds quiet);

    // Everything up to and including `text`.
    std::string read_until(std::string_view text, milliseconds limit = patience);
    std::string read_exactly(std::size_t count, milliseconds limit = patience);
    // Everything up to the end of the stream; throws if that is a reset.
    std::string read_to_end(milliseconds limit = patience);
    // One read: what is there, at least a byte; empty at the end of the stream.
    std::string read_some(milliseconds limit = patience);
    // Reads and keeps everything until the other side closes; says how it did.
    closing wait_closed(milliseconds limit = patience);
    // Gives back what was read too early; it is read first again.
    void put_back(std::string bytes) { pending_.insert(0, bytes); }
    // Received but not yet asked for.
    [[nodiscard]] const std::string& pending() const noexcept { return pending_; }
    // Everything ever received, byte for byte.
    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    // True if nothing arrives within `quiet`: for what must not happen.
    [[nodiscard]] bool stays_quiet(milliseconds quiet);

    void half_close();  // FIN (with TLS: close_notify first); reading goes on
    void close();       // as a program that closes its socket
    void reset();       // RST
    // Waits until somebody opens the gate.
    void wait_for(const gate& to_open, milliseconds limit = patience) const;

    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] std::string alpn() const;  // negotiated; empty without
    [[nodiscard]] std::string tls_version() const;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
    struct tls_state;
    enum class got { bytes, eof, reset };
    got receive(const time_limit& limit);
    long write_some(std::string_view bytes, short& wait_for);
    long read_bytes(char* to, std::size_t size, short& wait_for);
    void handshake(bool client);
    [[nodiscard]] bool await(int fd, short events, const time_limit& limit) const;
    void require(std::size_t size, const time_limit& limit);
    [[nodiscard]] std::string take(std::size_t count);

    descriptor fd_;
    int stop_ = -1;
    std::unique_ptr<tls_state> tls_;
    std::string pending_;
    std::string received_;
};

}  // namespace penstock::test
