// tls_session_store: sessions of origins, to be resumed (RFC 8446 §2.2), and chains that were
// verified a while ago. One for each trust configuration, shared by all workers: with another
// configuration there is another store, so nothing that an old one trusted is trusted on.
#pragma once

#include "net/openssl.hpp"
#include "penstock/base/clock.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace penstock::net {

class tls_session_store {
 public:
    static constexpr std::size_t sessions_max = 16;  // of one origin
    static constexpr std::size_t origins_max = 1024;
    static constexpr std::size_t chains_max = 1024;
    // Neither a session nor a verified chain is good for longer; the chain not beyond its leaf's
    // end either.
    static constexpr nanoseconds age_max = std::chrono::hours(1);

    using digest = std::array<unsigned char, 32>;

    struct kept {
        session_ptr session;  // null = there is none
        time_point until;     // of the handshake that verified the origin, however often resumed
    };
    // The newest of `origin`. One of TLS 1.3 is given out once (§C.4).
    [[nodiscard]] kept take(const std::string& origin, time_point now);
    void put(const std::string& origin, kept one, time_point now);

    [[nodiscard]] bool knows(const digest& chain, time_point now);
    void note(const digest& chain, time_point until);

 private:
    std::mutex mutex_;
    std::map<std::string, std::deque<kept>> sessions_;
    std::map<digest, time_point> chains_;
};

}  // namespace penstock::net
