// tls_ticket_ring: the keys of session tickets (RFC 8446 §4.6.1, RFC 5077), which change by the
// clock. Keys are HKDF(secret, epoch, scope): processes with one secret resume each other's
// sessions with nothing to agree on, and no session of one scope is good in another.
//
// Each worker has its own, and they agree; each handshake reads it, the clock moves it on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::net {

struct tls_ticket_key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
};

class tls_ticket_ring {
 public:
    // `scope` is what a session is bound to; `rotate` the length of an epoch in seconds.
    tls_ticket_ring(std::string_view secret, std::string_view scope, std::int64_t rotate);
    ~tls_ticket_ring();
    tls_ticket_ring(const tls_ticket_ring&) = delete;
    tls_ticket_ring& operator=(const tls_ticket_ring&) = delete;

    // For a new ticket, at `now` in seconds since the epoch of 1970. Nothing if OpenSSL fails.
    [[nodiscard]] std::optional<tls_ticket_key> current(std::int64_t now);
    // That of a ticket: of the epoch before, the present one, or the next (of a faster clock).
    [[nodiscard]] std::optional<tls_ticket_key> find(std::span<const unsigned char> name,
                                                     std::int64_t now);

 private:
    static constexpr std::size_t around = 3;
    [[nodiscard]] bool move_to(std::int64_t epoch);
    [[nodiscard]] bool derive(std::int64_t epoch, tls_ticket_key& into) const;

    std::string secret_;
    std::string scope_;
    std::int64_t rotate_;
    std::optional<std::int64_t> epoch_;
    std::array<tls_ticket_key, around> keys_{};  // before, present, next
};

}  // namespace penstock::net
