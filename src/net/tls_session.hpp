// tls_session: TLS of one connection. OpenSSL reads and writes through a BIO of ours that stands on
// the worker's slabs: one recv fetches as many records as came, and what a write encrypts leaves in
// one send. Behind stream; nothing else uses it.
//
// OpenSSL makes the handshake. A server's connection goes on without it, by tls_records; the
// client's side stays with it, and so do suites that those do not know.
//
// Only the handshake ever waits for the socket to take bytes: later on, what TLS has to say by
// itself is held and leaves with the next write or flush; so do tickets, if a request came with the
// handshake's end. Lifetime: no slab is held while nothing is in flight, nor buffers of OpenSSL's.
#pragma once

#include "net/key_update_limit.hpp"
#include "net/openssl.hpp"
#include "net/tls_early_data.hpp"
#include "net/tls_record_source.hpp"
#include "net/tls_records.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/socket.hpp"
#include "penstock/net/stream.hpp"
#include "penstock/net/tls.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace penstock::net {

class tls_session {
 public:
    enum class role { server, client };

    // No write encrypts more while this much waits for the kernel; with the record that crosses the
    // line and alerts it stays within a large slab.
    static constexpr std::size_t unsent_max = std::size_t{64} * 1024;
    // Of the records that a ClientHello comes in, headers included. No client that we know sends
    // one that is larger.
    static constexpr std::size_t hello_bytes_max = std::size_t{16} * 1024;

    // `server_name` is what a client asks for and verifies: a DNS name or an address. `origin`
    // tells the ones apart whose sessions are not each other's.
    struct peer {
        std::string server_name;
        std::string origin;
    };
    [[nodiscard]] static result<std::unique_ptr<tls_session>> create(socket& over,
                                                                     tls_context& context, role as,
                                                                     peer with);
    tls_session(socket& over, ssl_ptr ssl, role as, bool verifies) noexcept;
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    // errc::would_block: wait for the socket as `handshake_waits_to_write` says and call again.
    [[nodiscard]] result<void> handshake();
    [[nodiscard]] bool handshake_waits_to_write() const noexcept { return unsent() > 0; }
    // The next step may be the expensive one: the answer to a hello.
    [[nodiscard]] bool answered() const noexcept { return answered_; }
    [[nodiscard]] bool may_meet_hello() const noexcept {
        return role_ == role::server && !answered_ && socket_.maybe_readable();
    }

    // As stream's functions of these names.
    [[nodiscard]] result<std::size_t> read(std::span<char> into);
    [[nodiscard]] result<std::size_t> write(std::span<const iovec> from);
    [[nodiscard]] result<void> flush();
    // Sends close_notify as far as the kernel takes it; reading goes on.
    void shutdown();
    // The write that takes all it is given is the last, and close_notify leaves with it.
    void end_with_write() noexcept { ends_with_write_ = true; }
    // A read has something to say without another event of the socket.
    [[nodiscard]] bool readable_now() const noexcept;

    // From the hello, before anything of it is judged: the name (empty = none), the protocols that
    // it offers and the newest version. What a failure is told with until something is agreed on.
    void note_hello(std::string_view server_name, std::string protocols, std::string_view version);
    void note_early_data(bool offered) noexcept { early_data_.note_offer(offered); }
    // The handshake ends from without: its deadline, or the end of the connection. TLS has no alert
    // for a client that is late, so it is closed on as it would be within a request.
    void note_given_up() {
        if (answered_)
            note_agreement();
    }
    // The handshake ends before what the peer may have sent is looked at.
    void note_unread() noexcept { silent_ = false; }
    // The connection has failed and an alert of ours says so. A reset must not overtake it.
    [[nodiscard]] bool alerted() const noexcept { return alerted_; }

    // A callback of ours failed, and with it the handshake.
    void note_own_failure() noexcept { own_failure_ = true; }

    // False once nothing of the context is needed any more.
    [[nodiscard]] bool uses_context() const noexcept { return !records_ || facts_.site != nullptr; }

    // A session of the origin's. False if it is of no use; then nothing is taken.
    [[nodiscard]] bool keep(session_ptr session);
    [[nodiscard]] const std::string& peer_name() const noexcept { return peer_.server_name; }

    [[nodiscard]] tls_failure failure() const noexcept { return why_failed_; }
    // Not a byte has come.
    [[nodiscard]] bool silent() const noexcept { return silent_; }
    // What came instead of a handshake that failed as `not_tls`, from its first byte on.
    [[nodiscard]] std::string take_misread() noexcept { return std::move(misread_); }
    [[nodiscard]] std::string_view handshake_phase() const noexcept;
    [[nodiscard]] const tls_facts& facts() const noexcept { return facts_; }
    [[nodiscard]] const std::string& failure_text() const noexcept { return failure_; }

 private:
    struct bio_calls;
    friend void note_tls_secret(const SSL* of, const char* line) noexcept;
    static void note_message(int written, int version, int type, const void* bytes,
                             std::size_t size, SSL* ssl, void* self) noexcept;

    [[nodiscard]] bool prepare();
    void note_record(bool written, unsigned char type, std::size_t size) noexcept;
    void refuse_plainly(unsigned char alert);
    error fail();
    error end();
    [[nodiscard]] tls_failure diagnose() const noexcept;
    void note_agreement();
    void note_facts();
    void note_client();
    [[nodiscard]] error after_read(int outcome);

    // From the end of the handshake on, without OpenSSL.
    void go_on_alone();
    [[nodiscard]] result<std::size_t> read_records(std::span<char> into);
    [[nodiscard]] result<std::string_view> open_next(std::span<char> into);
    [[nodiscard]] bool has_record() const noexcept;
    void park_input();
    [[nodiscard]] result<std::size_t> write_records(std::span<const iovec> from);
    [[nodiscard]] bool seal_owed();
    void say_close();
    error fail_records();

    // The BIO's side: bytes from and to the socket.
    [[nodiscard]] int bio_read(std::span<char> into);
    [[nodiscard]] bool bio_write(std::string_view bytes);
    [[nodiscard]] bool receive();
    void note_first(std::string_view bytes) noexcept;
    [[nodiscard]] result<void> send_unsent();
    [[nodiscard]] bool make_room(std::size_t count);
    void shrink_unsent();
    [[nodiscard]] std::size_t received() const noexcept { return in_end_ - in_begin_; }
    [[nodiscard]] std::size_t unsent() const noexcept { return out_end_ - out_begin_; }

    socket& socket_;
    peer peer_;
    std::shared_ptr<tls_session_store> store_;
    ssl_ptr ssl_;                                   // null once `records_` is there
    std::unique_ptr<tls_traffic_secrets> secrets_;  // during a server's handshake
    std::unique_ptr<tls_records> records_;
    slab in_;  // ciphertext that came and is not decrypted
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    slab out_;  // ciphertext that the kernel has not taken
    std::size_t out_begin_ = 0;
    std::size_t out_end_ = 0;
    std::string_view plain_;  // decrypted within in_, and not read yet
    std::size_t record_size_ = tls_record_source::record_max;
    std::size_t read_size_ = 0;    // of the reader's room, for choosing a slab
    std::size_t hello_bytes_ = 0;  // of the hello that is not answered yet; as hello_bytes_max
    tls_early_data early_data_;
    time_point verified_until_{};  // the origin; what is kept of it is good no longer
    key_update_limit key_updates_;
    error io_error_;  // of the socket, as the BIO met it
    error failed_;    // nothing is read or written any more
    tls_facts facts_;
    std::string failure_;
    std::string misread_;
    std::array<char, SSL3_RT_HEADER_LENGTH> first_{};  // bytes that OpenSSL was given
    tls_failure why_failed_ = tls_failure::none;
    role role_;
    bool verifies_;
    bool established_ = false;
    std::uint8_t first_size_ = 0;
    bool silent_ = true;
    bool heard_ = false;         // a hello
    bool answered_ = false;      // it
    bool own_failure_ = false;   // what fails is our fault
    bool alerted_ = false;       // by us, fatally
    bool fin_ = false;           // TCP's end of stream
    bool close_notify_ = false;  // TLS's
    bool said_close_ = false;
    bool ends_with_write_ = false;
    bool holds_ = false;  // what is unsent waits for the first write
};

// Of a server's context: OpenSSL's key log, which goes to the session that it is about.
void note_tls_secret(const SSL* of, const char* line) noexcept;

}  // namespace penstock::net
