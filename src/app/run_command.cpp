// `penstock run`: a configuration from a file, or one made of two options.
#include "app/commands.hpp"
#include "app/configuration.hpp"
#include "app/descriptor_limit.hpp"
#include "app/diagnostics.hpp"
#include "app/output.hpp"
#include "app/process.hpp"
#include "app/text.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/log.hpp"

namespace penstock::app {
namespace {

int serve(process_options options) {
    process::block_signals();
    options.descriptors = raise_descriptor_limit();
    process running(std::move(options));
    return running.run();
}

int run_file(const std::string& path) {
    configuration of = load_configuration(path);
    if (!of.read.ok())
        return refuse(of);
    set_log_level(log_level_of(of.read.value->log.level));
    for (const config::diagnostic& one : of.read.problems)
        log_warn("{}", one_line(one));
    process_options options;
    options.model = std::move(*of.read.value);
    options.text = std::move(of.text);
    options.reload_from = of.again ? path : "";
    return serve(std::move(options));
}

// The option that a line of `run_pair`'s text was made of.
std::string flag_of(const config::location& where) {
    return where.line == 1 ? "run: --listen" : "run: --to";
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
        complain(flag_of(one.where) + ": " + one.message +
                 (one.hint.empty() ? "" : " (" + one.hint + ")"));
    }
    if (!loaded.ok())
        return exit_usage;
    process_options options;
    options.model = std::move(*loaded.value);
    options.name_place = flag_of;
    return serve(std::move(options));
}

}  // namespace

int run_proxy(const command& from) {
    return from.listen.empty() ? run_file(from.file) : run_pair(from);
}

}  // namespace penstock::app
