#include "admin/families.hpp"
#include "admin/process_facts.hpp"
#include "penstock/base/build_info.hpp"
#include "penstock/base/log.hpp"

#include <string>

namespace penstock::admin {
namespace {

using prometheus::MetricType;

void add_gauge(families& all, std::string name, std::string help, double value) {
    family made(std::move(name), std::move(help), MetricType::Gauge);
    made.gauge({}, value);
    made.move_to(all);
}

void add_workers(const process_view& of, families& all) {
    family delay("penstock_loop_delay_seconds",
                 "How long the latest turn of a worker's loop kept other events waiting.",
                 MetricType::Gauge);
    family exceptions("penstock_worker_exceptions_total",
                      "Tasks that ended with an exception; each is a defect and is logged.",
                      MetricType::Counter);
    family dropped("penstock_log_dropped_total",
                   "Lines of either log that found no room on their way to the file, or in it.",
                   MetricType::Counter);
    std::uint64_t lost = of.access_lost + log_lines_dropped();
    for (const worker_view& one : of.workers) {
        const labels name{{"worker", std::to_string(one.worker->index())}};
        delay.gauge(name, static_cast<double>(one.worker->loop_delay()) / 1e9);
        exceptions.counter(name, static_cast<double>(one.worker->exceptions()));
        lost += one.access != nullptr ? one.access->dropped() : 0;
    }
    dropped.counter({}, static_cast<double>(lost));
    for (family* const made : {&delay, &exceptions, &dropped})
        made->move_to(all);
}

void add_facts(const process_view& of, families& all) {
    const process_facts facts = read_process_facts();
    family cpu("process_cpu_seconds_total", "User and system time of the process.",
               MetricType::Counter);
    cpu.counter({}, facts.cpu_seconds);
    cpu.move_to(all);
    add_gauge(all, "process_resident_memory_bytes", "Resident memory.", facts.resident_bytes);
    add_gauge(all, "process_virtual_memory_bytes", "Virtual memory.", facts.virtual_bytes);
    add_gauge(all, "process_open_fds", "Open file descriptors.", facts.open_descriptors);
    add_gauge(all, "process_max_fds", "Limit of open file descriptors.", facts.descriptors_max);
    add_gauge(all, "process_start_time_seconds", "When the process began, since the epoch.",
              static_cast<double>(of.started_at));
}

}  // namespace

void add_process_families(const process_view& of, families& all) {
    add_workers(of, all);
    add_gauge(all, "penstock_config_generation", "Number of the configuration in force.",
              static_cast<double>(of.generation));
    add_gauge(all, "penstock_config_last_reload_success", "1 if the latest (re)load took effect.",
              of.last_reload_ok ? 1 : 0);
    const build_info& build = this_build();
    family info("penstock_build_info", "Always 1; its labels say which build this is.",
                MetricType::Gauge);
    info.gauge({{"version", std::string(build.version)},
                {"revision", std::string(build.revision)},
                {"build_type", std::string(build.build_type)},
                {"compiler", std::string(build.compiler)}},
               1);
    info.move_to(all);
    add_facts(of, all);
}

}  // namespace penstock::admin
