// `penstock doctor`: what the machine allows against what the configuration asks for.
#include "app/commands.hpp"
#include "app/configuration.hpp"
#include "app/doctor.hpp"
#include "app/output.hpp"
#include "app/worker_count.hpp"
#include "penstock/app/app.hpp"

#include <unistd.h>

#include <optional>

namespace penstock::app {
namespace {

// Without a file: one listener and one origin with the defaults.
config::model usual_model() {
    config::model made;
    made.listeners.emplace_back().bind.emplace_back();
    made.upstreams.emplace_back().endpoints.emplace_back();
    return made;
}

std::string text_of(const finding& one) {
    const bool coloured = rendering_for(STDOUT_FILENO) == config::rendering::coloured;
    const std::string warning = coloured ? "\x1b[1;33mwarn\x1b[0m  " : "warn  ";
    std::string text = (one.good ? "ok    " : warning) + one.setting + ": " + one.why + "\n";
    if (!one.advice.empty())
        text += "      " + one.advice + "\n";
    return text;
}

}  // namespace

int examine(const command& from) {
    config::model model;
    std::string text;
    if (from.file == default_configuration && ::access(from.file.c_str(), F_OK) != 0) {
        model = usual_model();
        text = "no " + from.file + ": one listener and one origin with the defaults are assumed\n";
    } else {
        configuration of = load_configuration(from.file);
        if (!of.read.ok())
            return refuse(of);
        model = std::move(*of.read.value);
    }
    const int workers = count_workers(model.workers);
    text += "ok    workers = " + std::to_string(workers) +
            (model.workers == 0 ? ": CPUs of the affinity mask and the cgroup's quota\n"
                                : ": as configured\n");
    for (const finding& one : examine_settings(model, read_kernel_settings(), workers))
        text += text_of(one);
    return print(text) ? exit_ok : exit_runtime;
}

}  // namespace penstock::app
