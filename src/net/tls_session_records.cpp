// A server's connection after its handshake: tls_session without OpenSSL's object.
#include "net/tls_session.hpp"
#include "penstock/net/error.hpp"
#include "penstock/net/worker.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace penstock::net {

static_assert(tls_record_source::record_max == tls_records::data_max);
// A whole record fits into the smallest slab, behind whatever came in front of it.
static_assert(buffer_pool::small >= tls_record_key::header_size + tls_record_key::sealed_max);

namespace {

// What the client has asked for (RFC 6066 §4), or the most there is.
std::size_t fragment_max(SSL* ssl) noexcept {
    constexpr std::size_t unit = 256;
    const SSL_SESSION* const session = SSL_get_session(ssl);
    const std::uint8_t mode = session != nullptr ? SSL_SESSION_get_max_fragment_length(session)
                                                 : TLSEXT_max_fragment_length_DISABLED;
    return mode == TLSEXT_max_fragment_length_DISABLED ? tls_records::data_max : unit << mode;
}

bool begin_tls12(tls_records& records, SSL* ssl, const tls_traffic_secrets& counted) {
    const SSL_SESSION* const session = SSL_get_session(ssl);
    if (session == nullptr)
        return false;
    tls12_secrets from;
    const bool whole =
        SSL_SESSION_get_master_key(session, from.master.data(), from.master.size()) ==
            from.master.size() &&
        SSL_get_client_random(ssl, from.client_random.data(), from.client_random.size()) ==
            from.client_random.size() &&
        SSL_get_server_random(ssl, from.server_random.data(), from.server_random.size()) ==
            from.server_random.size();
    from.of_client = counted.opened;
    from.of_server = counted.sealed;
    return whole && records.begin(SSL_get_current_cipher(ssl), from);
}

}  // namespace

// Where anything speaks against it, OpenSSL goes on.
void tls_session::go_on_alone() {
    const std::unique_ptr<tls_traffic_secrets> secrets = std::move(secrets_);
    SSL* const ssl = ssl_.get();
    const int version = SSL_version(ssl);
    if (SSL_has_pending(ssl) != 0)
        return;
    const std::size_t fragment = fragment_max(ssl);
    auto made = std::make_unique<tls_records>(fragment);
    const bool begun = version == TLS1_3_VERSION
                           ? made->begin(SSL_get_current_cipher(ssl), *secrets)
                           : version == TLS1_2_VERSION && begin_tls12(*made, ssl, *secrets);
    if (!begun)
        return;
    records_ = std::move(made);
    record_size_ = std::min(record_size_, fragment);
    // It shall neither say anything nor take the session for a failed one.
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ssl_.reset();
    // The client has what it needs and waits for an answer; tickets leave with it. TLS 1.2's client
    // still waits for our Finished.
    holds_ = version == TLS1_3_VERSION && has_record() && unsent() > 0;
}

bool tls_session::has_record() const noexcept {
    const std::size_t held = received();
    const std::size_t size = held > 0 ? tls_records::size_of({in_.data() + in_begin_, held}) : 0;
    return size > 0 && size <= held;
}

result<std::size_t> tls_session::read_records(std::span<char> into) {
    std::size_t total = 0;
    error stopped = failed_;
    read_size_ = into.size();
    while (!stopped && !close_notify_ && total < into.size()) {
        // More would need another system call, which only the rest of a record is worth; the
        // reader asks again if it has room for it.
        const bool begun = received() > 0 && socket_.maybe_readable();
        if (total > 0 && plain_.empty() && !has_record() && !begun)
            break;
        const std::span<char> room = into.subspan(total);
        const result<std::string_view> data = open_next(room);
        if (!data) {
            stopped = data.error();
            break;
        }
        const std::size_t count = std::min(data->size(), room.size());
        if (count > 0 && data->data() != room.data())
            std::memcpy(room.data(), data->data(), count);
        plain_ = data->substr(count);
        total += count;
    }
    park_input();
    // Answers of our own. If the kernel takes none, the next write brings them.
    if (holds_ && total > 0)
        shrink_unsent();
    else if (unsent() > 0)
        static_cast<void>(flush());
    if (total > 0 || !stopped)
        return total;
    return stopped;
}

// No slab is held for what is little, or will not be looked at.
void tls_session::park_input() {
    if (!plain_.empty())
        return;
    const std::size_t held = close_notify_ ? 0 : received();
    if (held == 0) {
        in_.release();
        in_begin_ = in_end_ = 0;
        return;
    }
    if (held > buffer_pool::scrap_max || in_.size() < buffer_pool::small || has_record())
        return;
    slab scrap = socket_.home().buffers().take_scrap(held);
    std::memcpy(scrap.data(), in_.data() + in_begin_, held);
    in_ = std::move(scrap);
    in_begin_ = 0;
    in_end_ = held;
}

// Data of the next record that has some, or what was left of the one before; in `into` if it was
// decrypted there. Nothing at the peer's close_notify.
result<std::string_view> tls_session::open_next(std::span<char> into) {
    while (plain_.empty()) {
        if (!has_record()) {
            if (receive())
                continue;
            if (io_error_)
                return fail_records();
            return error(fin_ ? errc::end_of_stream : errc::would_block);
        }
        char* const begin = in_.data() + in_begin_;
        const std::size_t size = tls_records::size_of({begin, received()});
        in_begin_ += size;
        const tls_records::opened next = records_->open({begin, size}, into, socket_.home().now());
        if (next.what == tls_records::event::failed)
            return fail_records();
        if (next.what == tls_records::event::closed) {
            close_notify_ = true;
            return std::string_view();
        }
        if (!said_close_ && records_->owes() && !seal_owed())
            return fail_records();
        if (next.what == tls_records::event::data)
            return next.data;
    }
    return std::exchange(plain_, std::string_view());
}

result<std::size_t> tls_session::write_records(std::span<const iovec> from) {
    std::size_t all = 0;
    for (const iovec& part : from)
        all += part.iov_len;
    tls_record_source records(from, record_size_);
    std::size_t taken = 0;
    while (taken < all && unsent() < unsent_max) {
        if (records_->owes() && !seal_owed())
            return fail_records();
        // Room for all at once, so that nothing is copied for want of it.
        const std::size_t most = unsent_max - unsent() + tls_records::data_max;
        const std::size_t left = std::min(all - taken, most);
        const std::size_t count = left / record_size_ + 1;
        if (!make_room(left + count * records_->overhead()))
            return fail_records();
        char* const out = out_.data() + out_end_;
        const auto room = [this, out] { return out + records_->data_offset(); };
        const std::string_view data = records.next(room);
        if (!records_->seal(data, out))
            return fail_records();
        out_end_ += data.size() + records_->overhead();
        taken += data.size();
    }
    if (ends_with_write_ && taken == all)
        say_close();
    const result<void> sent = flush();
    if (!sent && sent.error() != errc::would_block)
        return sent.error();
    return taken;
}

bool tls_session::seal_owed() {
    if (!make_room(tls_records::message_max))
        return false;
    const std::size_t size = records_->seal_owed(out_.data() + out_end_);
    out_end_ += size;
    return size > 0;
}

error tls_session::fail_records() {
    if (io_error_) {
        failed_ = io_error_;
        failure_ = io_error_.message();
    } else {
        failed_ = errc::tls_failed;
        failure_ = records_->failure().empty() ? "a record could not be written"
                                               : std::string(records_->failure());
        if (make_room(tls_records::message_max)) {
            const std::size_t alert = records_->seal_alert(out_.data() + out_end_);
            out_end_ += alert;
            alerted_ = alert > 0;
        }
    }
    return end();
}

}  // namespace penstock::net
