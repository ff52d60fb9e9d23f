// The commands that look at a configuration and serve nothing: check, dump, schema, version.
#include "app/commands.hpp"
#include "app/compile.hpp"
#include "app/diagnostics.hpp"
#include "app/output.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/build_info.hpp"
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "penstock/config/schema.hpp"
#include "penstock/net/libraries.hpp"

#include <algorithm>

namespace penstock::app {
namespace {

bool has_errors(const std::vector<config::diagnostic>& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const config::diagnostic& one) {
        return one.severity == config::severity::error;
    });
}

int exit_after(bool printed, int code) { return printed ? code : exit_runtime; }

}  // namespace

int check(const command& from) {
    config::loaded loaded = config::load_file(from.file);
    if (loaded.ok()) {
        for (config::diagnostic& one : check_files(*loaded.value, file_source()))
            loaded.problems.push_back(std::move(one));
    }
    const std::string text = from.json ? config::render_json(loaded.problems)
                                       : config::render_text(loaded.problems) + from.file + ": " +
                                             (has_errors(loaded.problems) ? "" : "ok, ") +
                                             summary_of(loaded.problems) + "\n";
    return exit_after(print(text), has_errors(loaded.problems) ? exit_config : exit_ok);
}

int dump(const command& from) {
    const config::loaded loaded = config::load_file(from.file);
    if (!loaded.ok()) {
        print_error(config::render_text(loaded.problems));
        complain(from.file + ": " + summary_of(loaded.problems));
        return exit_config;
    }
    return exit_after(print(config::dump(*loaded.value)), exit_ok);
}

int print_schema() { return exit_after(print(config::json_schema()), exit_ok); }

int print_version() {
    const build_info& build = this_build();
    const auto line = [](std::string_view what, std::string_view value) {
        std::string made(what);
        made.resize(std::max<std::size_t>(made.size() + 1, 10), ' ');
        return made + std::string(value) + "\n";
    };
    std::string text = "penstock " + std::string(build.version) + "\n";
    text += line("revision", build.revision);
    text += line("build", build.build_type);
    text += line("compiler", build.compiler);
    for (const net::library& one : net::libraries())
        text += line(one.name, one.version);
    text += line("with", build.libraries);
    return exit_after(print(text), exit_ok);
}

}  // namespace penstock::app
