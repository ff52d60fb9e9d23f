#include "net/tls_session.hpp"

#include "net/tls_context.hpp"
#include "net/tls_diagnosis.hpp"
#include "net/tls_material.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace penstock::net {

// The functions that OpenSSL calls; their BIO's data is the session.
struct tls_session::bio_calls {
    static tls_session& of(BIO* bio) { return *static_cast<tls_session*>(BIO_get_data(bio)); }

    // There are frames of C above these, so no exception may leave them.
    static int read(BIO* bio, char* into, int size) noexcept {
        BIO_clear_retry_flags(bio);
        tls_session& self = of(bio);
        try {
            const int got = self.bio_read({into, static_cast<std::size_t>(size)});
            if (got < 0 && !self.io_error_)
                BIO_set_retry_read(bio);
            return got;
        } catch (const std::bad_alloc&) {
            self.io_error_ = out_of_memory();
            return -1;
        }
    }
    static int write(BIO* bio, const char* from, int size) noexcept {
        BIO_clear_retry_flags(bio);
        tls_session& self = of(bio);
        try {
            return self.bio_write({from, static_cast<std::size_t>(size)}) ? size : -1;
        } catch (const std::bad_alloc&) {
            self.io_error_ = out_of_memory();
            return -1;
        }
    }
    static error out_of_memory() noexcept {
        return make_error_code(boost::system::errc::not_enough_memory);
    }
    static long control(BIO*, int command, long, void*) noexcept {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }
    static int create(BIO* bio) noexcept {
        BIO_set_init(bio, 1);
        return 1;
    }

    static bio_method_ptr make_method() {
        bio_method_ptr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penstock"));
        if (!made || BIO_meth_set_read(made.get(), read) != 1 ||
            BIO_meth_set_write(made.get(), write) != 1 ||
            BIO_meth_set_ctrl(made.get(), control) != 1 ||
            BIO_meth_set_create(made.get(), create) != 1)
            return nullptr;
        return made;
    }
    static const BIO_METHOD* method() {
        static const bio_method_ptr instance = make_method();
        return instance.get();
    }
};

result<std::unique_ptr<tls_session>> tls_session::create(socket& over, tls_context& context,
                                                         role as, peer with) {
    ERR_clear_error();
    const tls_context::implementation& from = context.impl();
    SSL_CTX* const begins =
        as == role::server ? from.sites.front()->context.get() : from.context.get();
    ssl_ptr ssl(SSL_new(begins));
    if (!ssl)
        return error(errc::tls_failed);
    const bool verifies = as == role::client && from.verifies;
    auto made = std::make_unique<tls_session>(over, std::move(ssl), as, verifies);
    made->peer_ = std::move(with);
    made->store_ = from.store;
    made->record_size_ = from.record_size;
    if (!made->prepare())
        return error(verifies ? errc::certificate_untrusted : errc::tls_failed);
    return made;
}

tls_session::tls_session(socket& over, ssl_ptr ssl, role as, bool verifies) noexcept
    : socket_(over), ssl_(std::move(ssl)), role_(as), verifies_(verifies) {}

// OpenSSL takes a session for a bad one if its connection ends without close_notify, also where it
// has been given to others.
tls_session::~tls_session() {
    if (ssl_ && !failed_)
        SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

bool tls_session::prepare() {
    BIO* const bio = BIO_new(bio_calls::method());
    if (bio == nullptr)
        return false;
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_msg_callback(ssl_.get(), note_message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
    SSL_set_ex_data(ssl_.get(), 0, this);
    if (role_ == role::server) {
        secrets_ = std::make_unique<tls_traffic_secrets>();
        SSL_set_accept_state(ssl_.get());
        return true;
    }
    SSL_set_connect_state(ssl_.get());
    if (store_) {
        const tls_session_store::kept known = store_->take(peer_.origin, socket_.home().now());
        verified_until_ = known.until;
        if (known.session)
            SSL_set_session(ssl_.get(), known.session.get());
    }
    // A certificate that is valid for any name proves nothing.
    if (verifies_ && peer_.server_name.empty())
        return false;
    return set_tls_server_name(ssl_.get(), peer_.server_name, verifies_);
}

tls_session* session_of(const SSL* ssl) noexcept {
    return static_cast<tls_session*>(SSL_get_ex_data(ssl, 0));
}

bool tls_session::keep(session_ptr session) {
    if (!store_ || SSL_SESSION_is_resumable(session.get()) != 1) {
        // It stays OpenSSL's.
        static_cast<void>(session.release());
        return false;
    }
    const time_point now = socket_.home().now();
    if (SSL_session_reused(ssl_.get()) != 1) {
        X509* const leaf = SSL_get0_peer_certificate(ssl_.get());
        verified_until_ = now + tls_session_store::age_max;
        if (leaf != nullptr)
            verified_until_ = std::min(verified_until_, end_of(leaf, now));
    }
    store_->put(peer_.origin, {std::move(session), verified_until_}, now);
    return true;
}

// The key log of a server's context.
void note_tls_secret(const SSL* of, const char* line) noexcept {
    tls_session* const self = session_of(of);
    if (self != nullptr && self->secrets_)
        self->secrets_->note(line);
}

// Told of every message of TLS's own and of every record's header. A KeyUpdate too many ends the
// connection at the next record, whatever has been received already.
void tls_session::note_message(int written, int, int type, const void* bytes, std::size_t size,
                               SSL*, void* self) noexcept {
    tls_session& of = *static_cast<tls_session*>(self);
    const auto* const data = static_cast<const unsigned char*>(bytes);
    if (type == SSL3_RT_HEADER && size == SSL3_RT_HEADER_LENGTH)
        of.note_record(written != 0, data[0], std::size_t{data[3]} << 8U | data[4]);
    if (written != 0) {
        of.alerted_ =
            of.alerted_ || (type == SSL3_RT_ALERT && size > 0 && data[0] == SSL3_AL_FATAL);
        // A HelloRetryRequest is a ServerHello and nothing else: another hello is to come.
        const bool message = type == SSL3_RT_HANDSHAKE && size > 0;
        const bool hello = message && data[0] == SSL3_MT_SERVER_HELLO;
        of.answered_ = of.answered_ || (message && !hello);
        if (of.answered_) {
            of.early_data_.note_answer();
        } else if (hello) {
            of.hello_bytes_ = 0;
            of.early_data_.note_retry();
        }
        return;
    }
    if (type != SSL3_RT_HANDSHAKE || size == 0 || data[0] != SSL3_MT_KEY_UPDATE)
        return;
    if (!of.key_updates_.take(of.socket_.home().now()))
        of.io_error_ = errc::tls_failed;
}

// A record's header has been read or written. OpenSSL counts by itself what may be early data,
// which it skips: between a hello and the one that a HelloRetryRequest asks for it looks like data.
void tls_session::note_record(bool written, unsigned char type, std::size_t size) noexcept {
    if (secrets_)
        secrets_->count(written, type);
    if (written || role_ == role::client || answered_ || type == SSL3_RT_APPLICATION_DATA)
        return;
    // Text that came in place of a record has no length, and OpenSSL refuses it by itself.
    if (type < SSL3_RT_CHANGE_CIPHER_SPEC || type > SSL3_RT_APPLICATION_DATA)
        return;
    hello_bytes_ += SSL3_RT_HEADER_LENGTH + size;
    if (hello_bytes_ > hello_bytes_max)
        io_error_ = errc::too_large;
}

// For what OpenSSL is not told of. No key is agreed on before a hello is answered.
void tls_session::refuse_plainly(unsigned char alert) {
    std::string record("\x15\3\3\0\2\2", 6);
    record += static_cast<char>(alert);
    alerted_ = bio_write(record);
}

result<void> tls_session::handshake() {
    if (failed_ || socket_.aborted())
        return failed_ ? failed_ : socket_.aborted();
    if (!established_) {
        ERR_clear_error();
        const int outcome = SSL_do_handshake(ssl_.get());
        if (received() == 0)
            in_.release();
        if (outcome == 1) {
            established_ = true;
            note_facts();
            if (secrets_)
                go_on_alone();
        } else if (SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ) {
            return fail();
        }
    }
    if (records_)
        park_input();
    if (holds_) {
        shrink_unsent();
        return {};
    }
    const result<void> sent = flush();
    if (sent && !established_)
        return error(errc::would_block);
    return sent;
}

// A name that is not known ends the hello in our callback, which OpenSSL has no reason for.
tls_failure tls_session::diagnose() const noexcept {
    if (io_error_ == errc::too_large)
        return tls_failure::hello_too_large;
    if (io_error_ == errc::handshake_timeout)
        return tls_failure::timeout;
    if (own_failure_ || io_error_ == boost::system::errc::not_enough_memory)
        return tls_failure::internal_error;
    if (early_data_.exceeded())
        return tls_failure::protocol_error;
    if (io_error_ || fin_)
        return tls_failure::client_gone;
    const unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CALLBACK_FAILED)
        return tls_failure::unknown_name;
    return diagnose_handshake(code, SSL_get_verify_result(ssl_.get()));
}

std::string_view tls_session::handshake_phase() const noexcept {
    if (established_)
        return "done";
    if (!heard_)
        return "hello";
    return answered_ ? "client_answer" : "server_answer";
}

void tls_session::note_hello(std::string_view server_name, std::string protocols,
                             std::string_view version) {
    heard_ = true;
    facts_.server_name = server_name;
    facts_.alpn = std::move(protocols);
    facts_.version = version;
}

// Decides what the failure of an SSL call is called. The socket's own reason comes first, whatever
// OpenSSL made of it.
error tls_session::fail() {
    if (!established_) {
        why_failed_ = diagnose();
        if (why_failed_ == tls_failure::not_tls)
            misread_.assign(first_.data(), first_size_).append(in_.data() + in_begin_, received());
        if (answered_)
            note_agreement();
        else if (early_data_.exceeded())
            refuse_plainly(SSL_AD_UNEXPECTED_MESSAGE);
        else if (hello_bytes_ > hello_bytes_max && !alerted_)
            refuse_plainly(SSL_AD_ILLEGAL_PARAMETER);  // as OpenSSL above its own, higher limit
    }
    const std::string details = take_openssl_errors();
    const long verdict = verifies_ ? SSL_get_verify_result(ssl_.get()) : X509_V_OK;
    if (io_error_) {
        failed_ = io_error_;
        failure_ = key_updates_.exceeded()  ? "too many key updates"
                   : early_data_.exceeded() ? "too much early data"
                                            : io_error_.message();
    } else if (fin_) {
        failed_ = errc::end_of_stream;
        failure_ = "the peer closed the connection";
    } else if (verdict != X509_V_OK) {
        failed_ = errc::certificate_untrusted;
        failure_ = X509_verify_cert_error_string(verdict);
    } else {
        failed_ = errc::tls_failed;
        failure_ = details.empty() ? "TLS failed without a reason" : details;
        // A client's chain has many ways to be no good, and OpenSSL's reason is one for all.
        const long chain = SSL_get_verify_result(ssl_.get());
        if (chain != X509_V_OK && role_ == role::server)
            failure_ += std::string(": ") + X509_verify_cert_error_string(chain);
    }
    return end();
}

// Nothing is read or written any more.
error tls_session::end() {
    in_.release();
    in_begin_ = in_end_ = 0;
    plain_ = {};
    // The alert that tells the peer; it goes out if the kernel takes it now.
    if (!send_unsent()) {
        out_.release();
        out_begin_ = out_end_ = 0;
    }
    return failed_;
}

// Known from our answer on, whatever comes of the handshake.
void tls_session::note_agreement() {
    const SSL* const ssl = ssl_.get();
    facts_.version = SSL_get_version(ssl);
    facts_.cipher = SSL_get_cipher_name(ssl);
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    facts_.alpn = std::string_view(reinterpret_cast<const char*>(protocol), size);
}

void tls_session::note_facts() {
    SSL* const ssl = ssl_.get();
    note_agreement();
    // A client's is there already, and clean.
    if (role_ == role::client)
        facts_.server_name = peer_.server_name;
    facts_.resumed = SSL_session_reused(ssl) == 1;
    facts_.suits_http2 = suits_http2(ssl, SSL_get_current_cipher(ssl));
    if (role_ == role::server)
        note_client();
}

// What a client has proved, and the names under which it may be served for it.
void tls_session::note_client() {
    const auto* const site =
        static_cast<const tls_site*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl_.get()), 0));
    if (SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_NONE || site == nullptr)
        return;
    facts_.site = site;
    X509* const leaf = SSL_get0_peer_certificate(ssl_.get());
    if (leaf == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK)
        return;
    unsigned char* der = nullptr;
    const int size = i2d_X509(leaf, &der);
    if (size > 0) {
        // One byte more for the NUL that OpenSSL writes.
        std::string text(4 * ((static_cast<std::size_t>(size) + 2) / 3) + 1, '\0');
        auto* const out = reinterpret_cast<unsigned char*>(text.data());
        text.resize(static_cast<std::size_t>(EVP_EncodeBlock(out, der, size)));
        facts_.client_certificate = std::move(text);
    }
    OPENSSL_free(der);
    facts_.client_subject = subject_of(leaf);
}

result<std::size_t> tls_session::read(std::span<char> into) {
    if (socket_.aborted())
        return socket_.aborted();
    if (into.empty())
        return error(errc::too_large);
    if (records_)
        return read_records(into);
    std::size_t total = 0;
    error stopped = failed_;
    read_size_ = into.size();
    while (!stopped && total < into.size()) {
        if (close_notify_)
            break;
        std::size_t got = 0;
        ERR_clear_error();
        const int outcome = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &got);
        if (outcome != 1) {
            stopped = after_read(outcome);
            continue;
        }
        total += got;
        // More would need another system call; the reader asks again if it has room for it.
        if (received() == 0 && SSL_pending(ssl_.get()) == 0)
            break;
    }
    if (received() == 0)
        in_.release();
    // Answers that OpenSSL wrote by itself. If the kernel takes none, the next write brings them.
    if (unsent() > 0)
        static_cast<void>(flush());
    if (total > 0 || !stopped)
        return total;
    return stopped;
}

// An SSL_read that gave nothing: no error means close_notify.
error tls_session::after_read(int outcome) {
    const int reason = SSL_get_error(ssl_.get(), outcome);
    if (reason == SSL_ERROR_WANT_READ)
        return errc::would_block;
    if (reason == SSL_ERROR_ZERO_RETURN) {
        close_notify_ = true;
        return {};
    }
    // TCP's end alone ends reading, as an error, since somebody may have cut the stream there. It
    // does not end writing.
    if (reason == SSL_ERROR_SYSCALL && fin_ && !io_error_)
        return errc::end_of_stream;
    return fail();
}

result<std::size_t> tls_session::write(std::span<const iovec> from) {
    if (failed_ || socket_.aborted())
        return failed_ ? failed_ : socket_.aborted();
    if (!holds_) {
        if (const result<void> clear = flush(); !clear)
            return clear.error();
    }
    if (records_)
        return write_records(from);
    tls_record_source records(from, record_size_);
    slab scratch;
    const auto room = [this, &scratch] {
        if (!scratch)
            scratch = socket_.home().buffers().take_small();
        return scratch.data();
    };
    std::size_t taken = 0;
    while (unsent() < unsent_max) {
        const std::string_view record = records.next(room);
        if (record.empty())
            break;
        std::size_t written = 0;
        ERR_clear_error();
        // The BIO takes everything, so a write never stops in the middle.
        if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &written) != 1)
            return fail();
        taken += written;
    }
    if (ends_with_write_ && unsent() < unsent_max)
        say_close();
    const result<void> sent = flush();
    if (!sent && sent.error() != errc::would_block)
        return sent.error();
    return taken;
}

result<void> tls_session::flush() {
    if (failed_)
        return failed_;
    return send_unsent();
}

result<void> tls_session::send_unsent() {
    holds_ = false;
    if (unsent() > 0) {
        const iovec part{out_.data() + out_begin_, unsent()};
        const result<std::size_t> sent = socket_.write({&part, 1});
        if (sent)
            out_begin_ += *sent;
        if (!sent && sent.error() != errc::would_block)
            return sent.error();
        // A short write filled the kernel's buffer; there is nothing to gain from asking again.
        if (unsent() > 0) {
            shrink_unsent();
            return error(errc::would_block);
        }
    }
    out_.release();
    out_begin_ = out_end_ = 0;
    return {};
}

void tls_session::shutdown() {
    if (!established_ || failed_)
        return;
    say_close();
    static_cast<void>(flush());
}

void tls_session::say_close() {
    if (std::exchange(said_close_, true))
        return;
    if (!records_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    } else if (make_room(tls_records::message_max)) {
        out_end_ += records_->seal_close(out_.data() + out_end_);
    }
}

bool tls_session::readable_now() const noexcept {
    if (records_)
        return !plain_.empty() || has_record() || failed_ || close_notify_ || fin_;
    return received() > 0 || failed_ || close_notify_ || fin_ || SSL_pending(ssl_.get()) > 0;
}

int tls_session::bio_read(std::span<char> into) {
    while (!io_error_) {
        const char* const from = in_.data() + in_begin_;
        const auto [dropped, passed] = early_data_.next({from, received()}, into.size());
        in_begin_ += dropped + passed;
        if (passed > 0) {
            note_first({from, passed});
            std::memcpy(into.data(), from, passed);
            return static_cast<int>(passed);
        }
        if (early_data_.exceeded())
            io_error_ = errc::tls_failed;
        else if (dropped == 0 && !receive())
            return fin_ && !io_error_ ? 0 : -1;
    }
    return -1;
}

// OpenSSL takes the header of the first record before it knows whether it is one.
void tls_session::note_first(std::string_view bytes) noexcept {
    if (first_size_ == first_.size())
        return;
    const std::size_t count = std::min(bytes.size(), first_.size() - first_size_);
    std::copy_n(bytes.begin(), count, first_.begin() + first_size_);
    first_size_ = static_cast<std::uint8_t>(first_size_ + count);
}

// One recv. False if it brought nothing.
bool tls_session::receive() {
    if (fin_ || !socket_.maybe_readable())
        return false;
    // A record's first part, if it came alone, with the rest behind it.
    const std::size_t held = received();
    const std::size_t wanted =
        read_size_ > buffer_pool::small ? buffer_pool::large : buffer_pool::small;
    if (!in_ || in_.size() < wanted) {
        buffer_pool& pool = socket_.home().buffers();
        slab roomier = wanted == buffer_pool::large ? pool.take_large() : pool.take_small();
        if (held > 0)
            std::memcpy(roomier.data(), in_.data() + in_begin_, held);
        in_ = std::move(roomier);
    } else if (held > 0 && in_begin_ > 0) {
        std::memmove(in_.data(), in_.data() + in_begin_, held);
    }
    const result<std::size_t> got = socket_.read({in_.data() + held, in_.size() - held});
    in_begin_ = 0;
    in_end_ = held + (got ? *got : 0);
    fin_ = got && *got == 0;
    silent_ = silent_ && in_end_ == held;
    if (!got && got.error() != errc::would_block)
        io_error_ = got.error();
    return in_end_ > held && !io_error_;
}

bool tls_session::bio_write(std::string_view bytes) {
    if (!make_room(bytes.size())) {
        io_error_ = errc::too_large;
        return false;
    }
    std::memcpy(out_.data() + out_end_, bytes.data(), bytes.size());
    out_end_ += bytes.size();
    return true;
}

bool tls_session::make_room(std::size_t count) {
    if (out_ && count <= out_.size() - out_end_)
        return true;
    const std::size_t held = unsent();
    if (held + count > buffer_pool::large)
        return false;
    buffer_pool& pool = socket_.home().buffers();
    const bool small = held + count <= buffer_pool::small;
    slab roomier = small ? pool.take_small() : pool.take_large();
    if (held > 0)
        std::memcpy(roomier.data(), out_.data() + out_begin_, held);
    out_ = std::move(roomier);
    out_begin_ = 0;
    out_end_ = held;
    return true;
}

// A slow reader's rest must not keep a large slab, and little no slab at all.
void tls_session::shrink_unsent() {
    const std::size_t held = unsent();
    const bool little = held <= buffer_pool::scrap_max;
    if (held > buffer_pool::small || out_.size() < buffer_pool::small ||
        (out_.size() == buffer_pool::small && !little))
        return;
    buffer_pool& pool = socket_.home().buffers();
    slab smaller = little ? pool.take_scrap(held) : pool.take_small();
    std::memcpy(smaller.data(), out_.data() + out_begin_, held);
    out_ = std::move(smaller);
    out_begin_ = 0;
    out_end_ = held;
}

}  // namespace penstock::net
