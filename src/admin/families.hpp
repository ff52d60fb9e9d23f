// The metric families of /metrics, built from a view of the process. prometheus-cpp's types stay in
// this module.
#pragma once

#include "penstock/admin/admin.hpp"

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace penstock::admin {

using families = std::vector<prometheus::MetricFamily>;
using labels = std::vector<std::pair<std::string, std::string>>;

// A family in the making.
class family {
 public:
    family(std::string name, std::string help, prometheus::MetricType type);

    void counter(const labels& of, double value);
    void gauge(const labels& of, double value);
    void histogram(const labels& of, const penstock::histogram::totals& value);
    // Families without a sample are left out: there is nothing to say about them yet.
    void move_to(families& all);

 private:
    prometheus::ClientMetric& add(const labels& of);
    prometheus::MetricFamily made_;
};

void add_request_families(const process_view& of, families& all);
void add_connection_families(const process_view& of, families& all);
void add_upstream_families(const process_view& of, families& all);
void add_process_families(const process_view& of, families& all);

}  // namespace penstock::admin
