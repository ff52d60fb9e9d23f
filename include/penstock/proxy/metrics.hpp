// What one worker counts about exchanges: plain integers with a single writer, read by /metrics
// while they change. Labels are ids of configured names and members of closed sets, so the number
// of series is bounded whatever clients send.
#pragma once

#include "penstock/base/counter_table.hpp"
#include "penstock/base/histogram.hpp"
#include "penstock/base/names.hpp"
#include "penstock/exchange/record.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <vector>

namespace penstock::proxy {

enum class protocol : std::uint8_t { http_1_0, http_1_1, http_2, other };
[[nodiscard]] std::string_view name(protocol p) noexcept;  // "http/1.0", "http/1.1", "h2", "_other"

// The labels of penstock_requests_total, and their packing into a key of a counter_table.
struct request_labels {
    name_id listener = no_name;
    name_id route = no_name;
    name_id upstream = no_name;
    proxy::protocol protocol = proxy::protocol::http_1_1;
    std::uint8_t code_class = 2;  // 1 … 5; 0 = no status
    exchange::reason why = exchange::reason::none;

    [[nodiscard]] std::uint64_t key() const noexcept;
    // What a full table tells apart: class and reason, so that sums by these stay exact.
    [[nodiscard]] request_labels coarse() const noexcept;
    static constexpr std::size_t coarse_max = 6 * exchange::reason_count;
    [[nodiscard]] static request_labels from_key(std::uint64_t key) noexcept;
    bool operator==(const request_labels&) const = default;
};

// Of penstock_upstream_attempts_total.
struct attempt_labels {
    name_id upstream = no_name;
    name_id endpoint = no_name;
    bool ok = false;  // a response head came
    exchange::reason why = exchange::reason::none;

    [[nodiscard]] std::uint64_t key() const noexcept;
    // Likewise: result and reason.
    [[nodiscard]] attempt_labels coarse() const noexcept;
    static constexpr std::size_t coarse_max = 2 * exchange::reason_count;
    [[nodiscard]] static attempt_labels from_key(std::uint64_t key) noexcept;
    bool operator==(const attempt_labels&) const = default;
};

// Histograms by a configured name, made at the first use of the name by the writer.
template <std::size_t Each>
class histogram_table {
 public:
    using group = std::array<histogram, Each>;
    [[nodiscard]] group& at(name_id id) {
        const std::size_t index = id < names_max ? id : other_name;
        group* found = slots_[index].load(std::memory_order_relaxed);
        if (found == nullptr) {
            owned_.push_back(std::make_unique<group>());
            found = owned_.back().get();
            slots_[index].store(found, std::memory_order_release);
        }
        return *found;
    }
    // From any thread; null if nothing was observed.
    [[nodiscard]] const group* find(name_id id) const noexcept {
        return id < names_max ? slots_[id].load(std::memory_order_acquire) : nullptr;
    }

 private:
    std::array<std::atomic<group*>, names_max> slots_{};
    std::vector<std::unique_ptr<group>> owned_;
};

class worker_metrics {
 public:
    static constexpr std::size_t series_max = 4096;  // slots of each counter table

    worker_metrics();

    // An exchange is over: counts the request, its duration, and each phase that took time.
    void count(const exchange::record& of);
    // One try at an origin is over.
    void count_attempt(const attempt_labels& of) noexcept {
        attempts_.add(of.key(), of.coarse().key());
    }

    [[nodiscard]] const counter_table& requests() const noexcept { return requests_; }
    [[nodiscard]] const counter_table& attempts() const noexcept { return attempts_; }
    // By route.
    [[nodiscard]] const histogram_table<1>& durations() const noexcept { return durations_; }
    // By upstream ("none" for replies without one), one histogram for each phase.
    [[nodiscard]] const histogram_table<exchange::phase_count>& phases() const noexcept {
        return phases_;
    }

 private:
    counter_table requests_;
    counter_table attempts_;
    histogram_table<1> durations_;
    histogram_table<exchange::phase_count> phases_;
};

}  // namespace penstock::proxy
