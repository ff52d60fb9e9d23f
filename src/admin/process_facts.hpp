// What the kernel says about this process, under the names that Prometheus' own client libraries
// use.
#pragma once

#include <cstdint>

namespace penstock::admin {

struct process_facts {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double virtual_bytes = 0;
    double open_descriptors = 0;
    double descriptors_max = 0;
};

[[nodiscard]] process_facts read_process_facts();

}  // namespace penstock::admin
