#include "admin/families.hpp"

#include <algorithm>
#include <limits>

namespace penstock::admin {
namespace {

// Which of the histogram's bounds are shown: 1, 2 and 5 of each decade from 100 µs on, and 60 s.
// All are exact bounds of buckets, so nothing is estimated.
bool is_shown(std::size_t bucket) noexcept {
    const std::size_t digit = bucket % 9 + 1;
    const bool last_decade = bucket / 9 + 1 == penstock::histogram::decades;
    return digit == 1 || digit == 2 || digit == 5 || (last_decade && digit == 6);
}

double seconds(nanoseconds time) noexcept { return std::chrono::duration<double>(time).count(); }

}  // namespace

family::family(std::string name, std::string help, prometheus::MetricType type) {
    made_.name = std::move(name);
    made_.help = std::move(help);
    made_.type = type;
}

family::place family::find(const labels& of) {
    const auto [entry, fresh] = places_.try_emplace(of, made_.metric.size());
    if (!fresh)
        return {made_.metric[entry->second], false};
    prometheus::ClientMetric& made = made_.metric.emplace_back();
    for (const auto& [name, value] : of)
        made.label.push_back({name, value});
    return {made, true};
}

void family::counter(const labels& of, double value) { find(of).at.counter.value += value; }

void family::gauge(const labels& of, double value) { find(of).at.gauge.value += value; }

void family::fact(const labels& of, double value) {
    const place found = find(of);
    double& shown = found.at.gauge.value;
    shown = found.fresh ? value : std::min(shown, value);
}

void family::histogram(const labels& of, const penstock::histogram::totals& value) {
    prometheus::ClientMetric::Histogram& made = find(of).at.histogram;
    made.sample_count = value.count();
    made.sample_sum = static_cast<double>(value.sum_ns) / 1e9;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i + 1 < value.counts.size(); ++i) {
        cumulative += value.counts[i];
        if (is_shown(i))
            made.bucket.push_back({cumulative, seconds(penstock::histogram::upper_bound(i))});
    }
    made.bucket.push_back({made.sample_count, std::numeric_limits<double>::infinity()});
}

void family::move_to(families& all) {
    if (!made_.metric.empty())
        all.push_back(std::move(made_));
}

}  // namespace penstock::admin
