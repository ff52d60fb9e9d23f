// The metric families of /metrics, built from a view of the process. prometheus-cpp's types stay in
// this module.
#pragma once

#include "penstock/admin/admin.hpp"

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace penstock::admin {

using families = std::vector<prometheus::MetricFamily>;
using labels = std::vector<std::pair<std::string, std::string>>;

// A family in the making. A set of labels stands in it once, as the format demands, even if a
// configuration lists an endpoint twice or names beyond the table share one label.
class family {
 public:
    family(std::string name, std::string help, prometheus::MetricType type);

    // Counters and gauges of the same labels add up.
    void counter(const labels& of, double value);
    void gauge(const labels& of, double value);
    // A gauge that states something: of the same labels the smallest value stays, the earliest end
    // or the worst health.
    void fact(const labels& of, double value);
    // At most once for the same labels.
    void histogram(const labels& of, const penstock::histogram::totals& value);
    // Families without a sample are left out: there is nothing to say about them yet.
    void move_to(families& all);

 private:
    struct place {
        prometheus::ClientMetric& at;
        bool fresh;
    };
    place find(const labels& of);

    prometheus::MetricFamily made_;
    std::map<labels, std::size_t> places_;
};

void add_request_families(const process_view& of, families& all);
void add_connection_families(const process_view& of, families& all);
void add_upstream_families(const process_view& of, families& all);
void add_process_families(const process_view& of, families& all);

}  // namespace penstock::admin
