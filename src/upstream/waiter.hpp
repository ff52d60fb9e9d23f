// One exchange in the queue of a connection_pool. Lives in the coroutine that waits.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "upstream/connection_pool.hpp"
#include "upstream/fair_queue.hpp"

namespace penstock::upstream {

class connection_pool::waiter final : public net::deadline,
                                      public exchange::abort_listener,
                                      public fair_queue::item {
 public:
    waiter(connection_pool& pool, net::worker& home, const lease_wish& what) noexcept
        : item(fair_queue::item_kind::connection), wish(what), decided(home), pool_(pool) {}

    [[nodiscard]] bool accepts(std::size_t endpoint) const noexcept override {
        if (wish.endpoint == endpoint)
            return true;
        return !wish.pinned && (endpoint >= 64 || (wish.tried >> endpoint & 1U) == 0);
    }

    [[nodiscard]] endpoint_mask endpoints() const noexcept override {
        const endpoint_mask own = mask_of(wish.endpoint);
        return wish.pinned ? own : own | ~wish.tried | mask_of(64);
    }

    lease_wish wish;
    net::event decided;
    // What came of it: a connection, or a place to make one, or an error.
    std::unique_ptr<connection> given;
    place granted;
    error failed;
    time_point latest = never;  // of what its wait may last at most

 private:
    void on_expire(error why) noexcept override {
        if (pool_.extend(*this))
            return;
        pool_.leave(*this, why);
    }
    void on_abort(error why) noexcept override { pool_.leave(*this, why); }

    connection_pool& pool_;
};

}  // namespace penstock::upstream
