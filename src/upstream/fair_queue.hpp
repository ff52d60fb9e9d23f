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
#include "penstock/upstream/endpoint_mask.hpp"
#include "penstock/upstream/share_board.hpp"
#include "upstream/client_id.hpp"
#include "upstream/restraints.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <unordered_map>
#include <vector>

namespace penstock::upstream {

class fair_queue {
 public:
    // How long an exchange stands still before it gives way: that of a client above its fair share,
    // and any other.
    static constexpr nanoseconds above_share_patience = 1s;
    static constexpr nanoseconds patience = 10s;
    // Bytes a second at which a client above its fair share does not stand still.
    static constexpr std::uint64_t least_rate = std::uint64_t{16} * 1024;

    enum class item_kind : std::uint8_t { connection, stream };

    // One exchange that waits. Its owner removes it before it goes.
    class item {
     public:
        const item_kind kind;
        client_id client;
        // A holder has been cut for it, or a connection is being made: no exchange gives way to it.
        time_point promised_until{};
        std::uint64_t granted_in = 0;  // contention's: what was granted to it counts as held

        // True if a connection to this endpoint would serve it.
        [[nodiscard]] virtual bool accepts(std::size_t endpoint) const noexcept = 0;
        // All of these endpoints; see endpoint_mask.
        [[nodiscard]] virtual endpoint_mask endpoints() const noexcept = 0;
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
        bool counts_as_holder_ = false;  // because of a promise
        std::list<item*>::iterator place_;
    };
    using predicate = std::function<bool(const item&)>;

    // What one waiting client has to show: how much it holds already, or was promised.
    struct claim {
        net::address_key address;
        std::uint64_t connection = 0;
        std::uint32_t held_by_address = 0;
        std::uint32_t held_by_connection = 0;
        bool newcomer = false;
        bool operator==(const claim&) const = default;
    };
    // What an exchange that holds a connection is judged by.
    struct standing {
        client_id client;
        nanoseconds still{0};     // it has waited for its client so long without progress
        nanoseconds unpaid{0};    // no less: what it moved pays for its time at `least_rate`
        bool open_ended = false;  // a tunnel, an event stream, or an answered call
    };

    // What counts as held: `served` = what is held, `promised` = what is on its way as well.
    enum class counting : std::uint8_t { served, promised };

    fair_queue();

    void hold(const client_id& by);
    void let_go(const client_id& by) noexcept;

    void push(item& what);
    // Ends the wait. An item that comes again keeps its place in front of its connection's others.
    void remove(item& what, bool comes_again = false) noexcept;
    // The item whose client holds least, among those that `accepts` takes; of equal connections of
    // one address one that was served before, then the longest waiting. Null if there is none, or
    // if all belong to clients that may hold no more.
    [[nodiscard]] item* next(const predicate& accepts, time_point now,
                             counting by = counting::served) const;
    // A connection is on its way to this item until then: it counts as held by its client, and no
    // other exchange gives way to it. Ends with its wait, or at the next `end_promises`.
    void promise(item& to, time_point until);
    void end_promise(item& to) noexcept;
    void end_promises(time_point now) noexcept;
    // As `promise`, to an exchange of this address on another worker; `set_elsewhere` ends it.
    void promise_elsewhere(const net::address_key& to);
    // The one that came last of the client with the most that wait; null if nobody waits.
    [[nodiscard]] item* last_of_largest() const noexcept;
    // It holds something or waits.
    [[nodiscard]] bool knows(const client_id& of) const noexcept;
    [[nodiscard]] std::size_t waiting_of(const client_id& by) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t total() const noexcept { return total_; }  // held, also elsewhere

    [[nodiscard]] claim claim_of(const client_id& by) const noexcept;
    // Without what was promised to the item itself.
    [[nodiscard]] claim claim_of(const item& waiting) const noexcept;
    [[nodiscard]] bool above_share(const client_id& by) const noexcept;
    [[nodiscard]] bool yields(const standing& holder, const claim& to) const noexcept;

    // What a client that gives way may hold until `now + held_back_for`: no more than its share,
    // unless a quarter of what is held at present has become free. Asked before the client gives
    // way, since what it holds may be gone right after that, and with it the sign that it was too
    // much.
    [[nodiscard]] restraints::decision restraint_of(const client_id& by,
                                                    time_point now) const noexcept;
    void hold_back(const client_id& by, const restraints::decision& to) { held_back_.add(by, to); }
    [[nodiscard]] bool may_hold(const client_id& by, time_point now) const noexcept;
    // True while some client is held back, as of the last `forget_expired`.
    [[nodiscard]] bool holds_back() const noexcept { return !held_back_.empty(); }
    void forget_expired(time_point now) noexcept { held_back_.forget_expired(now); }

    // What the other workers hold and wait for, in place of what was said before.
    void set_elsewhere(const std::vector<share_board::entry>& others, time_point now);
    [[nodiscard]] std::vector<share_board::entry> summary(time_point now) const;
    // What `summary` will add for this one, which begins to wait.
    [[nodiscard]] share_board::entry summary_of(const item& beginning, time_point now) const;
    void clear();

 private:
    struct connection_entry {
        std::uint32_t held = 0;
        std::uint32_t promised = 0;
        bool newcomer = false;
        std::list<item*> waiting;
        std::list<std::uint64_t>::iterator place;  // among those that wait
    };
    struct address_entry {
        std::uint32_t held = 0;
        std::uint32_t promised = 0;
        std::uint32_t waiting_here = 0;
        std::uint32_t held_elsewhere = 0;
        std::uint32_t waiting_elsewhere = 0;
        std::size_t connections_elsewhere = 0;
        std::unordered_map<std::uint64_t, connection_entry> connections;
        std::list<std::uint64_t> waiting;             // connections, the next one first
        std::list<net::address_key>::iterator place;  // among those that wait
        [[nodiscard]] std::uint32_t all(counting by = counting::promised) const noexcept {
            return held + held_elsewhere + (by == counting::promised ? promised : 0);
        }
        [[nodiscard]] std::size_t connection_count() const noexcept {
            return connections.size() + connections_elsewhere;
        }
    };
    struct hash {
        std::uint64_t seed;
        std::size_t operator()(const net::address_key& of) const noexcept { return of.hash(seed); }
    };

    [[nodiscard]] const address_entry* find(const net::address_key& of) const noexcept;
    [[nodiscard]] item* next_of(const address_entry& in, const predicate& accepts, time_point now,
                                counting by) const;
    void forget_if_idle(const client_id& of) noexcept;
    [[nodiscard]] bool address_above(const address_entry& of) const noexcept;
    [[nodiscard]] static bool connection_above(const address_entry& in,
                                               std::uint32_t held) noexcept;

    std::unordered_map<net::address_key, address_entry, hash> addresses_;
    std::list<net::address_key> waiting_;  // addresses, the next one first
    std::list<item*> promised_;
    restraints held_back_;
    std::size_t size_ = 0;
    std::uint32_t total_ = 0;  // held or promised, also elsewhere
};

}  // namespace penstock::upstream
