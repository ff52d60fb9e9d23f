// cut_list: the exchanges of one worker that stand still, in the order in which they give way, and
// the claims that none of them gives way to. Pure: contention ends the exchanges it chooses.
//
// Flow: clear() → add() for each → sort() → choose(), and drop() for what is cut or ends by itself.
#pragma once

#include "penstock/upstream/endpoint_mask.hpp"
#include "upstream/fair_queue.hpp"

#include <cstddef>
#include <limits>
#include <vector>

namespace penstock::upstream {

class cut_list {
 public:
    // How many claims are remembered as refused; a claim beyond that is judged again.
    static constexpr std::size_t refused_max = 64;

    // An exchange that may stand in the list. Its owner drops it before it goes.
    class entry {
     public:
        explicit entry(std::size_t endpoint) noexcept : endpoint_(endpoint) {}
        entry(const entry&) = delete;
        entry& operator=(const entry&) = delete;
        [[nodiscard]] std::size_t endpoint() const noexcept { return endpoint_; }

     protected:
        ~entry() = default;

     private:
        friend class cut_list;
        static constexpr std::size_t unlisted = std::numeric_limits<std::size_t>::max();
        std::size_t endpoint_;
        std::size_t place_ = unlisted;
    };

    void clear() noexcept;
    void add(entry& which, const fair_queue::standing& seen);
    // Blocked by its client before what is merely quiet, the longest first.
    void sort() noexcept;
    void drop(entry& which) noexcept;
    [[nodiscard]] std::size_t left() const noexcept { return left_; }
    // Where those stand that were added.
    [[nodiscard]] endpoint_mask endpoints() const noexcept { return endpoints_; }

    // The first that has to give way to this claim, at an endpoint that `waiting` accepts or that
    // is in the mask. Null if there is none; the claim is refused then, unless there is one at
    // another endpoint.
    [[nodiscard]] entry* choose(const fair_queue& judge, const fair_queue::claim& to,
                                const fair_queue::item& waiting);
    [[nodiscard]] entry* choose(const fair_queue& judge, const fair_queue::claim& to,
                                endpoint_mask endpoints);
    [[nodiscard]] bool was_refused(const fair_queue::claim& one) const noexcept;

 private:
    struct candidate {
        entry* which;  // null = gone meanwhile
        fair_queue::standing seen;
    };

    template <class Accepts>
    entry* find(const fair_queue& judge, const fair_queue::claim& to, const Accepts& accepts);
    // Newcomers leave half of what stands still to those of their address who were served before:
    // else as many as are cut come back at once, and nothing is ever old enough to give way.
    [[nodiscard]] bool leaves_to_others(const fair_queue::claim& claim, const client_id& holder,
                                        std::uint32_t total) const noexcept {
        return claim.newcomer && claim.address == holder.address && 2 * left_ <= total;
    }

    std::vector<candidate> candidates_;
    std::size_t left_ = 0;
    endpoint_mask endpoints_ = 0;
    std::vector<fair_queue::claim> refused_;
};

}  // namespace penstock::upstream
