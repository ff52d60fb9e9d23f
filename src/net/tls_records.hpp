// tls_records: a TLS connection after its handshake, as the server's side of it: application data,
// alerts and TLS 1.3's KeyUpdate (RFC 8446 §5, §4.6.3, §6; RFC 5246 §6.2, §7.2). OpenSSL makes the
// handshake; from then on its object, some 11 KiB, is not needed, and neither are its copies of
// every byte.
//
// Flow: `begin`; then `open` for each whole record that came, `seal` for data, and before it
// `seal_owed` while `owes` says so. Memory in, memory out; the caller brings all room.
#pragma once

#include "net/key_update_limit.hpp"
#include "net/tls_record_key.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace penstock::net {

// What tls_records goes on from; wiped when it ends.
struct tls_traffic_secrets {
    struct one {
        std::array<unsigned char, tls_record_key::secret_max> bytes{};
        std::size_t size = 0;  // 0 = not known yet
    };

    tls_traffic_secrets() = default;
    ~tls_traffic_secrets();
    tls_traffic_secrets(const tls_traffic_secrets&) = delete;
    tls_traffic_secrets& operator=(const tls_traffic_secrets&) = delete;

    // A line of OpenSSL's key log; those of other secrets are passed over.
    void note(std::string_view line) noexcept;
    // A record of the handshake, by its header's type.
    void count(bool written, unsigned char type) noexcept;

    one client;
    one server;
    // Records each way under the latest key: since TLS 1.3's secret of the server was known
    // (tickets), or TLS 1.2's ChangeCipherSpec (Finished).
    std::uint64_t sealed = 0;
    std::uint64_t opened = 0;
};

class tls_records {
 public:
    enum class event : std::uint8_t {
        data,
        nothing,  // the record was for this layer; `owes` may be true now
        closed,   // close_notify
        failed,   // `failure` says why, and `seal_alert` tells the peer
    };
    struct opened {
        event what = event::failed;
        std::string_view data;
    };

    static constexpr std::size_t overhead_max = tls_record_key::overhead_max;
    static constexpr std::size_t data_max = tls_record_key::data_max;
    // Of KeyUpdate and alerts, sealed.
    static constexpr std::size_t message_max = 5 + overhead_max;
    // Records that bring nothing: without data one behind the other, or warnings of a connection.
    static constexpr int empty_max = 32;
    // Records under one key; below RFC 8446 §5.5's 2^24.5. TLS 1.2 has no way to change it.
    static constexpr std::uint64_t key_records_max = std::uint64_t{1} << 23U;

    // `fragment_max`: of data in a record of the client's (RFC 6066 §4).
    explicit tls_records(std::size_t fragment_max = data_max,
                         std::uint64_t records_max = key_records_max) noexcept
        : fragment_max_(fragment_max), records_max_(records_max) {}

    // TLS 1.3 and TLS 1.2. False if they cannot be used: then the caller stays with OpenSSL.
    [[nodiscard]] bool begin(const SSL_CIPHER* suite, const tls_traffic_secrets& secrets);
    [[nodiscard]] bool begin(const SSL_CIPHER* suite, const tls12_secrets& secrets);

    // As tls_record_key's.
    [[nodiscard]] std::size_t data_offset() const noexcept { return seals_.data_offset(); }
    [[nodiscard]] std::size_t overhead() const noexcept { return seals_.overhead(); }

    // The size of the record that begins here, header and all; 0 if that is not to be seen yet. One
    // that is too large has a size too, of what is here, and `open` fails.
    [[nodiscard]] static std::size_t size_of(std::string_view received) noexcept;
    // A whole record. Its data lies in `room` if it has room, else within the record.
    [[nodiscard]] opened open(std::span<char> record, std::span<char> room, time_point now);

    // Writes `data` + overhead() bytes; `data` may lie at out + data_offset(). False: it failed.
    [[nodiscard]] bool seal(std::string_view data, char* out);
    // A KeyUpdate, or TLS 1.2's refusal of a new handshake, has to leave before the next data. At
    // most `message_max` bytes; 0 = it failed.
    [[nodiscard]] bool owes() const noexcept {
        return owes_answer_ || (seals_.sequence() >= records_max_ && !seals_.tls12());
    }
    [[nodiscard]] std::size_t seal_owed(char* out);
    [[nodiscard]] std::size_t seal_close(char* out);
    [[nodiscard]] std::size_t seal_alert(char* out);

    [[nodiscard]] std::string_view failure() const noexcept { return failure_; }

 private:
    [[nodiscard]] opened open_tls13(std::string_view plain, time_point now);
    [[nodiscard]] opened take(unsigned char type, std::string_view data, time_point now);
    [[nodiscard]] opened take_alert(std::string_view data);
    [[nodiscard]] opened take_handshake(std::string_view data, time_point now);
    [[nodiscard]] opened take_key_update(std::string_view data, time_point now);
    [[nodiscard]] opened take_hello(std::string_view data);
    [[nodiscard]] opened fail(unsigned char alert, std::string_view why) noexcept;
    [[nodiscard]] std::size_t seal_message(unsigned char type, std::string_view data, char* out);

    // A KeyUpdate: its type, its length of 1 and whether it asks for an answer (RFC 8446 §4.6.3).
    static constexpr std::size_t key_update_size = 5;

    tls_record_key opens_{tls_record_key::use::open};
    tls_record_key seals_{tls_record_key::use::seal};
    key_update_limit key_updates_;
    std::size_t fragment_max_;
    std::uint64_t records_max_;
    std::string_view failure_;
    std::array<char, key_update_size> message_{};  // the client's, as far as it has come
    std::size_t message_size_ = 0;
    int empty_ = 0;            // since the last data
    int warnings_ = 0;         // alerts and refused hellos, of the whole connection
    unsigned char alert_ = 0;  // that `seal_alert` sends, 0 = none
    bool owes_answer_ = false;
};

}  // namespace penstock::net
