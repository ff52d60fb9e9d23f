#include "net/tls_records.hpp"

#include <openssl/crypto.h>
#include <openssl/ssl3.h>
#include <openssl/tls1.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace penstock::net {
namespace {

constexpr unsigned char alert_warning = 1;
constexpr unsigned char alert_fatal = 2;
constexpr unsigned char alert_close_notify = 0;
constexpr unsigned char alert_user_canceled = 90;

unsigned char byte_at(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
}

// False if `hex` is none, or too long.
bool read_hex(std::string_view hex, tls_traffic_secrets::one& into) noexcept {
    if (hex.size() % 2 != 0 || hex.size() > 2 * into.bytes.size())
        return false;
    for (std::size_t i = 0; i < hex.size() / 2; ++i) {
        const char* const from = hex.data() + 2 * i;
        const auto read = std::from_chars(from, from + 2, into.bytes[i], 16);
        if (read.ec != std::errc() || read.ptr != from + 2)
            return false;
    }
    into.size = hex.size() / 2;
    return true;
}

}  // namespace

tls_traffic_secrets::~tls_traffic_secrets() {
    OPENSSL_cleanse(client.bytes.data(), client.bytes.size());
    OPENSSL_cleanse(server.bytes.data(), server.bytes.size());
}

// "LABEL CLIENT_RANDOM SECRET", as the key log of all TLS libraries has it.
void tls_traffic_secrets::note(std::string_view line) noexcept {
    const std::string_view label = line.substr(0, line.find(' '));
    const std::string_view secret = line.substr(line.rfind(' ') + 1);
    if (label == "CLIENT_TRAFFIC_SECRET_0") {
        (void)read_hex(secret, client);
    } else if (label == "SERVER_TRAFFIC_SECRET_0") {
        (void)read_hex(secret, server);
        sealed = 0;
    }
}

// TLS 1.3 sends ChangeCipherSpec for the sake of middleboxes only, before its secrets are known.
void tls_traffic_secrets::count(bool written, unsigned char type) noexcept {
    std::uint64_t& under_key = written ? sealed : opened;
    under_key = type == SSL3_RT_CHANGE_CIPHER_SPEC ? 0 : under_key + 1;
}

bool tls_records::begin(const SSL_CIPHER* suite, const tls_traffic_secrets& secrets) {
    const tls_traffic_secrets::one& client = secrets.client;
    const tls_traffic_secrets::one& server = secrets.server;
    return opens_.set(suite, std::span(client.bytes.data(), client.size), 0) &&
           seals_.set(suite, std::span(server.bytes.data(), server.size), secrets.sealed);
}

bool tls_records::begin(const SSL_CIPHER* suite, const tls12_secrets& secrets) {
    return tls_record_key::set_tls12(suite, secrets, opens_, seals_);
}

std::size_t tls_records::size_of(std::string_view received) noexcept {
    if (received.size() < tls_record_key::header_size)
        return 0;
    const std::size_t length =
        static_cast<std::size_t>(byte_at(received, 3)) << 8U | byte_at(received, 4);
    if (length > tls_record_key::sealed_max)
        return received.size();
    return tls_record_key::header_size + length;
}

tls_records::opened tls_records::open(std::span<char> record, std::span<char> room,
                                      time_point now) {
    const std::string_view received(record.data(), record.size());
    const std::size_t behind = record.size() - tls_record_key::header_size;
    const std::size_t length =
        static_cast<std::size_t>(byte_at(received, 3)) << 8U | byte_at(received, 4);
    if (length > tls_record_key::sealed_max)
        return fail(SSL_AD_RECORD_OVERFLOW, "a record is too long");
    const unsigned char type = byte_at(received, 0);
    if (length != behind || (type != SSL3_RT_APPLICATION_DATA && !opens_.tls12()))
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "a record without protection");
    if (opens_.tls12() && received.substr(1, 2) != "\3\3")
        return fail(SSL_AD_PROTOCOL_VERSION, "a record of another version");
    const bool fits = room.size() >= behind;
    char* const into = fits ? room.data() : record.data() + opens_.data_offset();
    const std::optional<std::size_t> size = opens_.open(record, into);
    if (!size)
        return fail(SSL_AD_BAD_RECORD_MAC, "decryption failed or bad record mac");
    const std::string_view plain(into, *size);
    return opens_.tls12() ? take(type, plain, now) : open_tls13(plain, now);
}

// RFC 8446 §5.4: behind the data stand its type and zeros.
tls_records::opened tls_records::open_tls13(std::string_view plain, time_point now) {
    if (plain.size() > data_max + 1)
        return fail(SSL_AD_RECORD_OVERFLOW, "a record is too long");
    const std::size_t last = plain.find_last_not_of('\0');
    if (last == std::string_view::npos)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "a record without a type");
    return take(byte_at(plain, last), plain.substr(0, last), now);
}

tls_records::opened tls_records::take(unsigned char type, std::string_view data, time_point now) {
    if (data.size() > fragment_max_)
        return fail(SSL_AD_RECORD_OVERFLOW, "a record is too long");
    // RFC 8446 §5.4, RFC 5246 §6.2.1.
    if (data.empty() && type != SSL3_RT_APPLICATION_DATA)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "an empty record");
    if (message_size_ > 0 && type != SSL3_RT_HANDSHAKE)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "a record within a handshake message");
    switch (type) {
        case SSL3_RT_APPLICATION_DATA:
            if (!data.empty()) {
                empty_ = 0;
                return {event::data, data};
            }
            if (++empty_ > empty_max)
                return fail(SSL_AD_UNEXPECTED_MESSAGE, "too many empty records");
            return {event::nothing, {}};
        case SSL3_RT_ALERT:
            return take_alert(data);
        case SSL3_RT_HANDSHAKE:
            return take_handshake(data, now);
        default:
            return fail(SSL_AD_UNEXPECTED_MESSAGE, "a record of an unexpected type");
    }
}

tls_records::opened tls_records::take_alert(std::string_view data) {
    if (data.size() != 2)
        return fail(SSL_AD_DECODE_ERROR, "a malformed alert");
    const unsigned char what = byte_at(data, 1);
    if (what == alert_close_notify)
        return {event::closed, {}};
    // In TLS 1.3 a close_notify follows user_canceled (RFC 8446 §6.1), and every other alert is
    // fatal, whatever its level says (§6.2). In TLS 1.2 the level says it (RFC 5246 §7.2.2).
    const bool harmless =
        opens_.tls12() ? byte_at(data, 0) == alert_warning : what == alert_user_canceled;
    if (harmless && ++warnings_ > empty_max)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "too many warnings");
    if (harmless)
        return {event::nothing, {}};
    // A fatal one needs no answer.
    (void)fail(0, SSL_alert_desc_string_long(what));
    return {event::failed, {}};
}

tls_records::opened tls_records::take_handshake(std::string_view data, time_point now) {
    return opens_.tls12() ? take_hello(data) : take_key_update(data, now);
}

// RFC 5246 §7.4.1.2, §7.2.2: with a hello a client asks for a new handshake, which is refused with
// a warning: whether it goes on with the old keys is up to the client. Nobody's hello is so long
// that it needs several records.
tls_records::opened tls_records::take_hello(std::string_view data) {
    constexpr std::size_t header = 4;
    const bool whole = data.size() >= header && byte_at(data, 0) == SSL3_MT_CLIENT_HELLO &&
                       byte_at(data, 1) == 0 &&
                       data.size() - header ==
                           (static_cast<std::size_t>(byte_at(data, 2)) << 8U | byte_at(data, 3));
    if (!whole)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "an unexpected handshake message");
    if (++warnings_ > empty_max)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "too many warnings");
    owes_answer_ = true;
    return {event::nothing, {}};
}

// A client has nothing else to say after its handshake. The message may come in pieces, and nothing
// stands behind it in its last record, since what follows is under other keys (RFC 8446 §5.1).
tls_records::opened tls_records::take_key_update(std::string_view data, time_point now) {
    constexpr std::string_view length("\0\0\1", 3);
    const std::size_t taken =
        data.copy(message_.data() + message_size_, message_.size() - message_size_);
    message_size_ += taken;
    const std::string_view message(message_.data(), message_size_);
    if (byte_at(message, 0) != SSL3_MT_KEY_UPDATE)
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "an unexpected handshake message");
    if (message.size() > length.size() && message.substr(1, length.size()) != length)
        return fail(SSL_AD_DECODE_ERROR, "a key update of a wrong length");
    if (taken < data.size())
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "a message behind a key update");
    if (message.size() < key_update_size)
        return {event::nothing, {}};
    message_size_ = 0;
    const unsigned char asks = byte_at(message, key_update_size - 1);
    if (asks > 1)
        return fail(SSL_AD_ILLEGAL_PARAMETER, "a malformed key update");
    if (!key_updates_.take(now))
        return fail(SSL_AD_UNEXPECTED_MESSAGE, "too many key updates");
    if (!opens_.update())
        return fail(SSL_AD_INTERNAL_ERROR, "no new keys");
    owes_answer_ = owes_answer_ || asks == 1;
    return {event::nothing, {}};
}

tls_records::opened tls_records::fail(unsigned char alert, std::string_view why) noexcept {
    alert_ = alert;
    failure_ = why;
    return {event::failed, {}};
}

bool tls_records::seal(std::string_view data, char* out) {
    return seals_.seal(SSL3_RT_APPLICATION_DATA, data, out);
}

std::size_t tls_records::seal_message(unsigned char type, std::string_view data, char* out) {
    return seals_.seal(type, data, out) ? data.size() + overhead() : 0;
}

std::size_t tls_records::seal_owed(char* out) {
    owes_answer_ = false;
    if (seals_.tls12()) {
        const std::array<char, 2> refusal{alert_warning, SSL_AD_NO_RENEGOTIATION};
        return seal_message(SSL3_RT_ALERT, {refusal.data(), refusal.size()}, out);
    }
    const std::size_t size =
        seal_message(SSL3_RT_HANDSHAKE, std::string_view("\x18\0\0\1\0", 5), out);
    return seals_.update() ? size : 0;
}

std::size_t tls_records::seal_close(char* out) {
    const std::array<char, 2> alert{alert_warning, alert_close_notify};
    return seal_message(SSL3_RT_ALERT, {alert.data(), alert.size()}, out);
}

std::size_t tls_records::seal_alert(char* out) {
    if (alert_ == 0)
        return 0;
    const std::array<char, 2> alert{alert_fatal, static_cast<char>(std::exchange(alert_, 0))};
    return seal_message(SSL3_RT_ALERT, {alert.data(), alert.size()}, out);
}

}  // namespace penstock::net
