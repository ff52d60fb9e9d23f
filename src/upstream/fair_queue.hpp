// fair_queue: which waiting exchange gets the next connection of a full pool, and which exchange
// has to give its own up. Clients are addresses first (of IPv6 a /64), then connections of one
// address; whoever holds least is served first. Pure: connection_pool and h2_pool perform what it
// decides.
//
// Flow: `hold` and `let_go` count what each client holds; other workers' counts come in by
// `set_elsewhere`. `push` adds an item that waits, `next` says whose turn it is, `remove` takes it
// out. `yields` judges one holder against one claim; `hold_back` remembers who had to yield. There
// is an entry for every client that holds or waits, so the pool's caps bound it.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/address_key.hpp"
#include "penstock/upstream/share_board.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

namespace penstock::upstream {

struct client_id {
    net::address_key address;
    std::uint64_t connection = 0;  // no other connection in this process ever has this number
    bool newcomer = false;         // the connection has not taken a whole response yet
    bool operator==(const client_id&) const = default;
};

class fair_queue {
 public:
    // How long an exchange stands still before it gives way: that of a client above its fair share,
    // and any other.
    static constexpr nanoseconds above_share_patience = 1s;
    static constexpr nanoseconds patience = 10s;
    // Bytes a second at which a client above its fair share does not stand still.
    static constexpr std::uint64_t least_rate = std::uint64_t{16} * 1024;
    // How long a client that had to give way holds no more than its share, and how many are
    // remembered.
    static constexpr nanoseconds held_back_for = 10s;
    static constexpr std::size_t held_back_max = 4096;

    enum class item_kind : std::uint8_t { connection, stream };

    // One exchange that waits. Its owner removes it before it goes.
    class item {
     public:
        const item_kind kind;
        client_id client;
        // A holder has been cut for it, or a connection is being made: it asks for nobody's place.
        time_point promised_until{};
        std::uint64_t granted_in = 0;  // contention's: what was granted to it counts as held

        // True if a connection to this endpoint would serve it.
        [[nodiscard]] virtual bool accepts(std::size_t endpoint) const noexcept = 0;
        [[nodiscard]] bool queued() const noexcept { return queued_; }
        // It waited before and did not get what it waited for.
        [[nodiscard]] bool comes_again() const noexcept { return again_; }

        item(const item&) = delete;
        item& operator=(const item&) = delete;

     protected:
        explicit item(item_kind what) noexcept : kind(what) {}
        ~item() = default;

     private:
        friend class fair_queue;
        bool queued_ = false;
        bool again_ = false;
        std::list<item*>::iterator place_;
    };
    using predicate = std::function<bool(const item&)>;

    // What one waiting client has to show: how much it holds already.
    struct claim {
        net::address_key address;
        std::uint64_t connection = 0;
        std::uint32_t held_by_address = 0;
        std::uint32_t held_by_connection = 0;
        bool newcomer = false;
        bool operator==(const claim&) const = default;
    };
    struct limit {
        std::uint32_t most = 0;
        std::uint32_t full = 0;  // held by all clients then
        time_point until{};

        [[nodiscard]] bool allows(std::uint32_t held, std::uint32_t all,
                                  time_point now) const noexcept {
            // Where a quarter has become free, there is room enough.
            return now >= until || held < most || all < full - full / 4;
        }
    };
    // The limit of a client's address, or of its connection alone, or none.
    struct restraint {
        std::optional<limit> address, connection;
    };
    // What an exchange that holds a connection is judged by.
    struct standing {
        client_id client;
        nanoseconds still{0};     // it has waited for its client so long without progress
        nanoseconds unpaid{0};    // no less: what it moved pays for its time at `least_rate`
        bool open_ended = false;  // a tunnel, an event stream, or an answered call
    };

    fair_queue();

    void hold(const client_id& by);
    void let_go(const client_id& by) noexcept;

    void push(item& what);
    // Ends the wait. An item that comes again keeps its place in front of its connection's others.
    void remove(item& what, bool comes_again = false) noexcept;
    // The item whose client holds least, among those that `accepts` takes; of equal connections of
    // one address one that was served before, then the longest waiting. Null if there is none, or
    // if all belong to clients that may hold no more.
    [[nodiscard]] item* next(const predicate& accepts, time_point now) const;
    // The one that came last of the client with the most that wait; null if nobody waits.
    [[nodiscard]] item* last_of_largest() const noexcept;
    // It holds something or waits.
    [[nodiscard]] bool knows(const client_id& of) const noexcept;
    [[nodiscard]] std::size_t waiting_of(const client_id& by) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t total() const noexcept { return total_; }  // held, also elsewhere

    [[nodiscard]] claim claim_of(const client_id& by) const noexcept;
    [[nodiscard]] bool above_share(const client_id& by) const noexcept;
    [[nodiscard]] bool yields(const standing& holder, const claim& to) const noexcept;

    // What a client that gives way may hold until `now + held_back_for`: no more than its share,
    // unless a quarter of what is held at present has become free. To be asked before it gives way,
    // as what it holds may be gone at once then, and with it the sign that it was too much.
    [[nodiscard]] restraint restraint_of(const client_id& by, time_point now) const noexcept;
    void hold_back(const client_id& by, const restraint& to);
    [[nodiscard]] bool may_hold(const client_id& by, time_point now) const noexcept;
    // True while some client is held back, as of the last `forget_expired`.
    [[nodiscard]] bool holds_back() const noexcept {
        return !address_limits_.empty() || !connection_limits_.empty();
    }
    void forget_expired(time_point now) noexcept;

    // What the other workers hold and wait for, in place of what was said before.
    void set_elsewhere(const std::vector<share_board::entry>& others);
    [[nodiscard]] std::vector<share_board::entry> summary(time_point now) const;
    // What `summary` will add for this one, which begins to wait.
    [[nodiscard]] share_board::entry summary_of(const item& beginning, time_point now) const;
    void clear();

 private:
    struct connection_entry {
        std::uint32_t held = 0;
        bool newcomer = false;
        std::list<item*> waiting;
        std::list<std::uint64_t>::iterator place;  // among those that wait
    };
    struct address_entry {
        std::uint32_t held = 0;
        std::uint32_t waiting_here = 0;
        std::uint32_t held_elsewhere = 0;
        std::uint32_t waiting_elsewhere = 0;
        std::size_t connections_elsewhere = 0;
        std::unordered_map<std::uint64_t, connection_entry> connections;
        std::list<std::uint64_t> waiting;             // connections, the next one first
        std::list<net::address_key>::iterator place;  // among those that wait
        [[nodiscard]] std::uint32_t all() const noexcept { return held + held_elsewhere; }
        [[nodiscard]] std::size_t connection_count() const noexcept {
            return connections.size() + connections_elsewhere;
        }
    };
    struct hash {
        std::uint64_t seed;
        std::size_t operator()(const net::address_key& of) const noexcept { return of.hash(seed); }
    };

    [[nodiscard]] const address_entry* find(const net::address_key& of) const noexcept;
    [[nodiscard]] item* next_of(const address_entry& in, const predicate& accepts,
                                time_point now) const;
    [[nodiscard]] bool address_may_hold(const net::address_key& which, std::uint32_t held,
                                        time_point now) const noexcept;
    [[nodiscard]] bool connection_may_hold(std::uint64_t which, std::uint32_t held,
                                           time_point now) const noexcept;
    void forget_if_idle(const client_id& of) noexcept;
    [[nodiscard]] bool address_above(const address_entry& of) const noexcept;
    [[nodiscard]] static bool connection_above(const address_entry& in,
                                               std::uint32_t held) noexcept;

    std::unordered_map<net::address_key, address_entry, hash> addresses_;
    std::list<net::address_key> waiting_;  // addresses, the next one first
    // Of clients that are held back.
    std::unordered_map<net::address_key, limit, hash> address_limits_;
    std::unordered_map<std::uint64_t, limit> connection_limits_;
    std::size_t size_ = 0;
    std::uint32_t total_ = 0;  // held, also elsewhere
    // The most that was held while some client was held back: what those give up must not make
    // everybody's share smaller.
    std::uint32_t full_ = 0;
};

}  // namespace penstock::upstream
