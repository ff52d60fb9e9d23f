// held_share: that an exchange holds one connection, or one HTTP/2 stream, of an upstream. Costs
// two links while nobody waits; see contention.
#pragma once

#include "penstock/exchange/exchange.hpp"
#include "upstream/cut_list.hpp"
#include "upstream/fair_queue.hpp"

#include <cstddef>
#include <cstdint>

namespace penstock::upstream {

class contention;

class held_share final : public cut_list::entry {
 public:
    // Held until `end` or destroyed. The request outlives it.
    held_share(contention& in, exchange::request& from, std::size_t endpoint);
    ~held_share() { end(); }

    void end() noexcept;
    // The response's head has come; `tunnel` says that raw bytes follow.
    void note_answer(bool tunnel) noexcept {
        answered_ = true;
        if (tunnel)
            count_tunnel();
    }

    // How long its client has kept it waiting, as of now. Two looks tell more than one: what moves
    // less than `progress_min` in between has stood still, and what moves more slowly than
    // fair_queue::least_rate is behind by the rest of the time.
    static constexpr std::uint64_t progress_min = 1024;
    [[nodiscard]] fair_queue::standing look(time_point now) noexcept;

 private:
    friend class contention;
    [[nodiscard]] bool open_ended() const noexcept;
    void count_tunnel() noexcept;
    [[nodiscard]] nanoseconds unpaid(std::uint64_t progress, nanoseconds waited) noexcept;

    contention* in_;
    exchange::request& from_;
    held_share* previous_ = nullptr;
    held_share* next_ = nullptr;
    client_id client_;  // once it is counted
    std::uint64_t progress_seen_ = 0;
    nanoseconds waited_seen_{0};
    std::uint64_t paid_progress_ = 0;
    nanoseconds paid_until_{0};  // of the time it has waited, what its bytes have paid for
    bool counted_ = false;
    bool looked_at_ = false;
    bool answered_ = false;
    bool tunnel_ = false;
    bool cut_ = false;  // it has been told to give way
};

[[nodiscard]] client_id client_of(const exchange::request& from) noexcept;

}  // namespace penstock::upstream
