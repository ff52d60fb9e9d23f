// The deadline of a whole exchange: it fires the exchange's abort signal, which ends whatever waits
// on the origin's side. Before a head came that becomes a 504; within a body the response is cut.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/worker.hpp"

#include <cstddef>
#include <memory>

namespace penstock::proxy {

class total_deadline final : public net::deadline {
 public:
    total_deadline(net::worker& home, exchange::abort_signal& aborted, time_point at) noexcept;

    // Recycled per thread, like the bodies that own them.
    static void* operator new(std::size_t size) { return allocate_recycled(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        release_recycled(memory, size);
    }

 private:
    void on_expire(error why) noexcept override { aborted_.fire(why); }

    exchange::abort_signal& aborted_;
};

// The body of a response whose exchange has a deadline; both end together.
[[nodiscard]] std::unique_ptr<exchange::body_source> make_timed_body(
    std::unique_ptr<exchange::body_source> inner, std::unique_ptr<total_deadline> until);

}  // namespace penstock::proxy
