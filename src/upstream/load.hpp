// What the balancer looks at: the endpoints of one cluster on one worker and what each carries.
#pragma once

#include "upstream/balancer.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace penstock::upstream {

struct load_counts {
    std::vector<candidate> endpoints;
    std::size_t total = 0;  // exchanges in flight
};

// One exchange that counts at its endpoint until it is destroyed.
class load {
 public:
    load() noexcept = default;
    load(load_counts& of, std::size_t endpoint) noexcept : of_(&of), endpoint_(endpoint) {
        ++of_->total;
        ++of_->endpoints[endpoint_].in_flight;
    }
    load(load&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), endpoint_(other.endpoint_) {}
    load& operator=(load&& other) noexcept {
        std::swap(of_, other.of_);
        std::swap(endpoint_, other.endpoint_);
        return *this;
    }
    ~load() { end(); }

    // The exchange goes to another endpoint than it was picked for.
    void move_to(std::size_t endpoint) noexcept {
        --of_->endpoints[endpoint_].in_flight;
        endpoint_ = endpoint;
        ++of_->endpoints[endpoint_].in_flight;
    }
    void end() noexcept {
        if (of_ == nullptr)
            return;
        --of_->total;
        --std::exchange(of_, nullptr)->endpoints[endpoint_].in_flight;
    }

 private:
    load_counts* of_ = nullptr;
    std::size_t endpoint_ = 0;
};

}  // namespace penstock::upstream
