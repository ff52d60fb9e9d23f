// Picks an endpoint: a pure decision over weights and in-flight counts, with its own state for
// round robin and its own random numbers from a given seed. It knows no sockets and no clock.
//
// Who may be picked: an endpoint that was not tried yet and has room; else one that was not tried;
// else any. So a full or failed endpoint is passed over only while another one can take its place.
#pragma once

#include "penstock/config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace penstock::upstream {

struct candidate {
    std::uint32_t weight = 1;     // at least 1
    std::uint32_t in_flight = 0;  // exchanges of this worker
    bool tried = false;           // by an earlier attempt of this exchange
    bool full = false;            // no free connection now
};

class balancer {
 public:
    balancer(config::balance kind, std::uint64_t seed) noexcept : kind_(kind), random_(seed) {}

    // The index of a candidate; nothing only if there are none. Call it with the same endpoints in
    // the same order each time.
    [[nodiscard]] std::optional<std::size_t> pick(std::span<const candidate> from);

 private:
    std::size_t pick_round_robin(std::span<const candidate> from);
    std::size_t pick_least(std::span<const candidate> from);
    std::size_t pick_p2c(std::span<const candidate> from);
    std::size_t pick_random(std::span<const candidate> from);
    void choose_eligible(std::span<const candidate> from);
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;

    config::balance kind_;
    std::uint64_t random_;
    std::size_t cursor_ = 0;             // where ties of least_request begin
    std::vector<std::int64_t> current_;  // smooth weighted round robin
    std::vector<std::size_t> eligible_;
};

}  // namespace penstock::upstream
