// The commands that look at a configuration and serve nothing: check, dump, schema, version.
#include "app/commands.hpp"
#include "app/compile.hpp"
#include "app/configuration.hpp"
#include "app/diagnostics.hpp"
#include "app/output.hpp"
#include "penstock/app/app.hpp"
#include "penstock/base/build_info.hpp"
#include "penstock/config/dump.hpp"
#include "penstock/config/schema.hpp"
#include "penstock/http/h2.hpp"
#include "penstock/net/libraries.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace penstock::app {
namespace {

bool has_errors(const std::vector<config::diagnostic>& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const config::diagnostic& one) {
        return one.severity == config::severity::error;
    });
}

// What only the files that it names can tell.
void find_in_files(configuration& of) {
    if (!of.read.ok())
        return;
    std::vector<config::diagnostic> found = check_files(*of.read.value, file_source());
    locate(found, of.text);
    std::vector<config::diagnostic>& all = of.read.problems;
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
    // In the order of the files, as the loader has them.
    const auto place = [](const config::diagnostic& one) {
        return std::tie(one.where.file, one.where.line, one.where.column);
    };
    std::stable_sort(all.begin(), all.end(), [place](const auto& left, const auto& right) {
        return place(left) < place(right);
    });
}

// `penstock -t`.
int test(configuration& of, bool quiet) {
    find_in_files(of);
    const std::vector<config::diagnostic>& problems = of.read.problems;
    const bool good = !has_errors(problems);
    if (good && quiet)
        return exit_ok;
    print_error(config::render_text(problems, rendering_for(STDERR_FILENO)));
    complain("configuration " + of.name + ": " + summary_of(problems) + ": the test " +
             (good ? "is successful" : "failed"));
    return good ? exit_ok : exit_config;
}

int exit_after(bool printed, int code) { return printed ? code : exit_runtime; }

}  // namespace

int check(const command& from) {
    configuration of = load_configuration(from.file);
    if (from.as == spelling::nginx)
        return test(of, from.quiet);
    find_in_files(of);
    const std::vector<config::diagnostic>& problems = of.read.problems;
    const bool good = from.strict ? problems.empty() : !has_errors(problems);
    if (good && from.quiet)
        return exit_ok;
    const std::string text =
        from.json ? config::render_json(problems)
                  : config::render_text(problems, rendering_for(STDOUT_FILENO)) + of.name + ": " +
                        (good ? "ok, " : "") + summary_of(problems) + "\n";
    return exit_after(print(text), good ? exit_ok : exit_config);
}

int dump(const command& from) {
    configuration of = load_configuration(from.file);
    if (from.as == spelling::nginx && test(of, from.quiet) != exit_ok)
        return exit_config;
    if (!of.read.ok())
        return refuse(of);
    return exit_after(print(config::dump(*of.read.value)), exit_ok);
}

int print_schema() { return exit_after(print(config::json_schema()), exit_ok); }

int print_version(const command& from) {
    const build_info& build = this_build();
    std::string text = "penstock " + std::string(build.version) + "\n";
    if (from.as == spelling::nginx)
        return exit_after(print(text), exit_ok);
    const auto line = [](std::string_view what, std::string_view value) {
        std::string made(what);
        made.resize(std::max<std::size_t>(made.size() + 1, 10), ' ');
        return made + std::string(value) + "\n";
    };
    text += line("revision", build.revision);
    text += line("build", build.build_type);
    text += line("compiler", build.compiler);
    for (const net::library& one : net::libraries())
        text += line(one.name, one.version);
    text += line("nghttp2", http::h2_library_version());
    text += line("with", build.libraries);
    return exit_after(print(text), exit_ok);
}

}  // namespace penstock::app
