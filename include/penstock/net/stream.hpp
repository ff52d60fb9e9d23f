// stream: one connection's bytes, plain TCP or TLS, either side. Codecs see only this.
//
// Flow: `co_await s.readable()`, then `s.read(room)` until it says would_block; likewise for
// writing, or `co_await s.write_all(...)`. Deadlines are stores (see net/deadline). `abort(why)`
// makes every wait of either direction fail with `why`: whoever aborts first decides what is
// reported. Lifetime: a local of the coroutine that serves it; closed when destroyed.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/socket.hpp"
#include "penstock/net/task.hpp"
#include "penstock/net/tls_failure.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::net {

class tls_context;
class tls_session;
struct tls_site;

// What the TLS handshake agreed on; empty strings on a plain stream.
struct tls_facts {
    std::string version;  // "TLSv1.3"
    std::string cipher;
    std::string alpn;         // "http/1.1", or empty
    std::string server_name;  // SNI
    bool resumed = false;
    // RFC 9113 §9.2.2: forward secrecy and authenticated encryption, which an operator's own list
    // of ciphers for TLS 1.2 may be without.
    bool suits_http2 = true;
    // If clients are asked for certificates: what this one was answered with, of the context, and
    // what it has shown and proved to own (DER in base64; empty = nothing).
    const tls_site* site = nullptr;
    std::string client_certificate;
    std::string client_subject;  // of that certificate (RFC 4514)
};

class stream {
 public:
    stream(worker& home, unique_fd fd);
    ~stream();
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    // Performs the handshake; until it succeeded nothing may be read or written. Deadlines are the
    // caller's. `server_name` is what a client asks for and verifies; sessions are resumed among
    // connections to the same `origin`.
    [[nodiscard]] task<result<void>> accept_tls(tls_context& context);
    [[nodiscard]] task<result<void>> connect_tls(tls_context& context, std::string server_name,
                                                 std::string origin);
    [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }
    [[nodiscard]] const tls_facts& tls() const noexcept;
    // One line about the latest TLS failure; empty if there was none.
    [[nodiscard]] std::string tls_failure_text() const;
    // Of a client's handshake, and how far it had come: "hello", "server_answer" or
    // "client_answer".
    [[nodiscard]] tls_failure tls_failed() const noexcept;
    [[nodiscard]] std::string_view handshake_phase() const noexcept;
    // The handshake failed without a byte of the peer's: a probe of the port, most likely.
    [[nodiscard]] bool silent() const noexcept;
    // After a handshake that failed as `not_tls`: gives TLS up, so that this is a plain stream from
    // here on, and returns what has been read. At most one slab.
    [[nodiscard]] std::string go_plain() noexcept;
    // False: the context that the handshake was made with may end before this stream.
    [[nodiscard]] bool uses_tls_context() const noexcept;
    // TLS has failed, and an alert of ours says why. What the peer still sends must not turn the
    // close into a reset, which would overtake the alert: `lingering_close`.
    [[nodiscard]] bool alerted() const noexcept;

    // co_await s.readable(): an error, or success once a read is worth trying.
    struct readiness {
        stream& owner;
        bool write;
        bool await_ready() const noexcept;
        void await_suspend(std::coroutine_handle<> waiter) noexcept;
        [[nodiscard]] error await_resume() noexcept;
    };
    [[nodiscard]] readiness readable() noexcept { return {*this, false}; }
    [[nodiscard]] readiness writable() noexcept { return {*this, true}; }

    // Without waiting: errc::would_block, or bytes moved. 0 bytes read = clean end of stream; TCP's
    // FIN without close_notify on TLS is errc::end_of_stream.
    [[nodiscard]] result<std::size_t> read(std::span<char> into);
    [[nodiscard]] result<std::size_t> write(std::span<const iovec> from);
    // Through a pipe, which only plain TCP can (`is_tls` says no); else as read and write.
    [[nodiscard]] result<std::size_t> read_into(pipe& to, std::size_t max) {
        return socket_.read_into(to, max);
    }
    [[nodiscard]] result<std::size_t> write_from(pipe& from) { return socket_.write_from(from); }
    // Hands bytes that TLS still holds to the kernel; errc::would_block if it takes none now.
    [[nodiscard]] result<void> flush();
    // Reads and drops whatever the peer still sends, below TLS; for closing only.
    [[nodiscard]] result<std::size_t> discard(std::span<char> scratch) {
        return socket_.read(scratch);
    }
    // Writes everything, waiting as needed. Changes the iovecs as it goes. `idle` bounds each wait
    // without progress and fails it with `why`.
    [[nodiscard]] task<result<void>> write_all(std::span<iovec> from, milliseconds idle, errc why);

    void read_deadline(time_point at, errc why);
    void read_deadline_off() noexcept {
        if (read_deadline_)
            read_deadline_->disarm();
    }
    void write_deadline(time_point at, errc why);
    void write_deadline_off() noexcept {
        if (write_deadline_)
            write_deadline_->disarm();
    }

    // Makes a pending wait for readability, or for room to write, return success though nothing may
    // be there.
    void wake_reader() noexcept { socket_.wake_reader(); }
    void wake_writer() noexcept { socket_.wake_writer(); }
    void abort(error why) noexcept { socket_.abort(why); }
    [[nodiscard]] error aborted() const noexcept { return socket_.aborted(); }
    // The write that takes all it is given is the last one: TLS's close_notify leaves with it.
    // `shutdown_write` is still to come.
    void end_with_write() noexcept;
    // Says that no more will be written (FIN; close_notify first on TLS).
    void shutdown_write() noexcept;
    void reset_on_close() noexcept { socket_.reset_on_close(); }
    void close() noexcept { socket_.close(); }

    // Events while nobody waits: idle pooled connections, clients that leave in mid-exchange.
    void watch(socket_watcher* watcher) noexcept { socket_.watch(watcher); }
    [[nodiscard]] bool peer_closed() const noexcept { return socket_.peer_closed(); }
    [[nodiscard]] bool peer_reset() const noexcept { return socket_.peer_reset(); }
    // False = the kernel and TLS have said that nothing is there to read.
    [[nodiscard]] bool maybe_readable() const noexcept;
    // The next read asks the kernel, whatever it said last.
    void ask_again() noexcept { socket_.ask_again(); }
    // As socket's function of this name.
    [[nodiscard]] bool unconfirmed() const noexcept { return socket_.unconfirmed(); }
    [[nodiscard]] nanoseconds round_trip() const noexcept { return socket_.round_trip(); }
    [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
    [[nodiscard]] worker& home() const noexcept { return socket_.home(); }

 private:
    class abort_deadline final : public deadline {
     public:
        explicit abort_deadline(stream& owner) noexcept : owner_(owner) {}
        static void* operator new(std::size_t size) { return allocate_recycled(size); }
        static void operator delete(void* block, std::size_t size) noexcept {
            release_recycled(block, size);
        }

     private:
        void on_expire(error why) noexcept override { owner_.abort(why); }
        stream& owner_;
    };
    friend task<> lingering_close(stream& s, milliseconds timeout, std::size_t bytes_max);
    [[nodiscard]] task<result<void>> handshake();

    socket socket_;
    std::unique_ptr<tls_session> tls_;
    // Made when they are first set: most client connections never wait for either.
    std::unique_ptr<abort_deadline> read_deadline_;
    std::unique_ptr<abort_deadline> write_deadline_;
};

// Closes so that the client sees our last reply and not a reset: sends FIN, then reads and drops
// until the peer's FIN, at most `bytes_max` and until `timeout` has passed (RFC 9112 §9.6).
[[nodiscard]] task<> lingering_close(stream& s, milliseconds timeout, std::size_t bytes_max);

}  // namespace penstock::net
