// restraints: how much clients may hold that had to give way, and until when. Each worker remembers
// its own decisions and tells the others of those about addresses; what it hears of them is kept
// apart, so that no decision comes back to the worker that forgot it. Pure.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/upstream/share_board.hpp"
#include "upstream/client_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace penstock::upstream {

class restraints {
 public:
    // How long a client holds no more than its share after it gave way.
    static constexpr nanoseconds held_back_for{10'000'000'000};
    // Addresses, and as many connections, of this worker's own decisions; and addresses heard of.
    static constexpr std::size_t kept_max = 4096;

    struct limit {
        std::uint32_t most = 0;  // connections, or HTTP/2 streams
        std::uint32_t full = 0;  // that all clients held together when it was set
        time_point until{};

        [[nodiscard]] bool allows(std::uint32_t held, std::uint32_t all,
                                  time_point now) const noexcept {
            // Where a quarter has become free, there is room enough.
            return now >= until || held < most || all < full - full / 4;
        }
    };
    // What is decided about one client: a limit of its address, or of its connection alone, or
    // none.
    struct decision {
        std::optional<limit> address, connection;
    };

    restraints();

    // Beyond `kept_max` a new client is not remembered.
    void add(const client_id& of, const decision& what);
    // Whether an address that holds `held`, while all hold `all`, may hold one more.
    [[nodiscard]] bool allow_address(const net::address_key& which, std::uint32_t held,
                                     std::uint32_t all, time_point now) const noexcept;
    [[nodiscard]] bool allow_connection(std::uint64_t which, std::uint32_t held, std::uint32_t all,
                                        time_point now) const noexcept;
    // The most that was held when any of the decisions in force was made: what clients give up must
    // not make the shares of the others smaller. 0 = there is none.
    [[nodiscard]] std::uint32_t full() const noexcept { return full_; }
    [[nodiscard]] bool empty() const noexcept {
        return addresses_.empty() && connections_.empty() && heard_.empty();
    }

    // What other workers have decided, in place of what they said before.
    void hear(const std::vector<share_board::entry>& others, time_point now);
    // Adds this worker's own decisions about addresses.
    void tell(std::vector<share_board::entry>& to, time_point now) const;
    void forget_expired(time_point now) noexcept;
    void clear() noexcept;

 private:
    struct hash {
        std::uint64_t seed;
        std::size_t operator()(const net::address_key& of) const noexcept { return of.hash(seed); }
    };
    using address_map = std::unordered_map<net::address_key, limit, hash>;

    void find_full() noexcept;

    address_map addresses_;
    std::unordered_map<std::uint64_t, limit> connections_;
    address_map heard_;
    std::uint32_t full_ = 0;
};

}  // namespace penstock::upstream
