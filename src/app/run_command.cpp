// `penstock run`: a configuration from a file, or one made of two options.
#include "app/commands.hpp"
#include "app/descriptor_limit.hpp"
#include "app/diagnostics.hpp"
#include "app/output.hpp"
#include "app/process.hpp"
#include "app/text.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/log.hpp"

namespace penstock::app {
namespace {

int serve(config::model model, const std::string& reload_from) {
    process::block_signals();
    process_options options;
    options.model = std::move(model);
    options.reload_from = reload_from;
    options.descriptors = raise_descriptor_limit();
    process running(std::move(options));
    return running.run();
}

int run_file(const std::string& path) {
    config::loaded loaded = config::load_file(path);
    if (!loaded.ok()) {
        print_error(config::render_text(loaded.problems));
        complain(path + ": " + summary_of(loaded.problems));
        return exit_config;
    }
    set_log_level(log_level_of(loaded.value->log.level));
    for (const config::diagnostic& one : loaded.problems)
        log_warn("{}", one_line(one));
    return serve(std::move(*loaded.value), path);
}

// Through the loader, so that addresses are checked as those of a file are.
int run_pair(const command& from) {
    const auto parsed = parse_origin_url(from.to);
    if (const auto* const wrong = std::get_if<usage_error>(&parsed)) {
        complain(wrong->message);
        return exit_usage;
    }
    const auto& origin = std::get<origin_url>(parsed);
    const std::string text = "listeners: {web: {bind: " + json_string(from.listen) +
                             "}}\n"
                             "upstreams: {app: {endpoints: [" +
                             json_string(origin.address) + "]" + (origin.tls ? ", tls: {}" : "") +
                             "}}\n"
                             "routes: [{upstream: app}]\n";
    config::loaded loaded = config::load_text(text, "");
    for (const config::diagnostic& one : loaded.problems) {
        if (one.severity != config::severity::error)
            continue;
        complain("run: --" + std::string(one.where.line == 1 ? "listen" : "to") + ": " +
                 one.message + (one.hint.empty() ? "" : " (" + one.hint + ")"));
    }
    return loaded.ok() ? serve(std::move(*loaded.value), {}) : exit_usage;
}

}  // namespace

int run_proxy(const command& from) {
    return from.listen.empty() ? run_file(from.file) : run_pair(from);
}

}  // namespace penstock::app
