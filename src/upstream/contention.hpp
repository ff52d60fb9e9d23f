// contention: what one worker does while an upstream has too few connections for those who want
// one. Counts who holds what, keeps the fair queue of who waits, and has exchanges that stand still
// give way. While nobody waits it costs a request two links and a look at a flag.
//
//   calm ─► active: somebody waits, here or on another worker, or a client is held back
//     └─◄── no exchange waits, and no client is held back
//
// Workers tell each other on the upstream's share_board: every `tick`, and at once when a wait
// begins. Lifetime: its pools and their exchanges go first.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/worker.hpp"
#include "penstock/upstream/cluster.hpp"
#include "upstream/cut_list.hpp"
#include "upstream/fair_queue.hpp"
#include "upstream/held_share.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::upstream {

class contention final : private net::deadline {
 public:
    static constexpr milliseconds tick = 20ms;
    // Between two looks at all that is held, and between two calls of other workers.
    static constexpr milliseconds look_interval = 5ms;
    // How long an exchange that was cut for another may take to go, and how many that wait are
    // passed over in one look because none has to give way to them.
    static constexpr milliseconds promise = 100ms;
    static constexpr std::size_t passed_over_max = 64;
    // How soon a wait that is over looks again whether somebody is about to give way, and for how
    // long it does.
    static constexpr milliseconds grace = 250ms;
    static constexpr nanoseconds grace_max = fair_queue::above_share_patience + grace;

    contention(net::worker& home, shared_upstream& shared, cluster_counters& counters) noexcept
        : home_(home), shared_(shared), counters_(counters) {}
    ~contention() override;

    [[nodiscard]] bool calm() const noexcept { return !active_; }
    // Whether this exchange may take a connection without waiting, as far as shares go.
    [[nodiscard]] bool admits(const exchange::request& from) const noexcept {
        return !active_ || admits_client(client_of(from));
    }
    // As `admits`, for a free stream of a connection that this worker has. No other worker can use
    // such a stream, so what waits there does not matter.
    [[nodiscard]] bool admits_stream(const exchange::request& from) const noexcept {
        return !active_ || queue_.may_hold(client_of(from), home_.now());
    }

    // The exchange waits from now on. May have others give way, and so serve it at once.
    void begin_wait(fair_queue::item& what, const exchange::request& from);
    void end_wait(fair_queue::item& what, bool comes_again = false) noexcept;
    // Between the end of its wait and its exchange, what was granted counts as held by its client.
    void begin_grant(fair_queue::item& what);
    void end_grant(fair_queue::item& what) noexcept;
    [[nodiscard]] fair_queue::item* next(const fair_queue::predicate& accepts) const;
    // Whose place this client may have where the queue is full; null if it has the most itself.
    [[nodiscard]] fair_queue::item* to_displace(const exchange::request& from) const noexcept;
    // True if what waits on other workers has a better claim than this one.
    [[nodiscard]] bool others_go_first(const fair_queue::item& than) const noexcept;
    // False if those who wait on other workers may have nothing.
    [[nodiscard]] bool others_may_hold() const noexcept;

    // True if an exchange stands still that will have to give way to this one if it goes on so.
    [[nodiscard]] bool served_soon(fair_queue::item& what);

    // Another worker has said something.
    void listen();

 private:
    friend class held_share;

    void add(held_share& one);
    void remove(held_share& one) noexcept;
    void count(held_share& one);
    bool begin();  // false if it was active
    void end() noexcept;
    void tell();
    void hear();
    [[nodiscard]] bool others_wait() const noexcept;
    [[nodiscard]] bool has_claim(const share_board::entry& elsewhere) const noexcept;
    [[nodiscard]] bool takes_place(const share_board::entry& elsewhere) const noexcept;
    [[nodiscard]] std::uint32_t held_by(const share_board::entry& elsewhere) const noexcept;
    [[nodiscard]] bool nothing_idles() const noexcept;
    void look();
    void collect(time_point now);
    [[nodiscard]] bool yields_soon(const fair_queue::item& to);
    void cut_for_own(time_point now);
    void cut_for_others(time_point now);
    [[nodiscard]] bool cut_for(fair_queue::item& waiting, time_point now);
    [[nodiscard]] bool cut_for(share_board::entry& elsewhere, time_point now);
    struct pending_cut {
        held_share* which;
        client_id by;
        restraints::decision restraint;
    };
    [[nodiscard]] pending_cut begin_cut(held_share& which);
    [[nodiscard]] bool end_cut(pending_cut& one);
    [[nodiscard]] bool admits_client(const client_id& of) const noexcept;
    void on_expire(error why) noexcept override;

    net::worker& home_;
    shared_upstream& shared_;
    cluster_counters& counters_;
    held_share* first_ = nullptr;
    fair_queue queue_;
    cut_list cuts_;
    std::vector<share_board::entry> elsewhere_;
    time_point looked_at_{};
    time_point told_at_{};
    std::uint64_t epoch_ = 1;  // of `active_`
    bool active_ = false;
};

// Ends what was granted to an exchange at the end of a scope.
class grant_end {
 public:
    grant_end(contention& in, fair_queue::item& of) noexcept : in_(in), of_(of) {}
    ~grant_end() { in_.end_grant(of_); }
    grant_end(const grant_end&) = delete;
    grant_end& operator=(const grant_end&) = delete;

 private:
    contention& in_;
    fair_queue::item& of_;
};

}  // namespace penstock::upstream
