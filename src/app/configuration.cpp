#include "app/configuration.hpp"

#include "app/command_line.hpp"
#include "app/diagnostics.hpp"
#include "app/file_source.hpp"
#include "app/output.hpp"
#include "penstock/app/app.hpp"

#include <unistd.h>

#include <map>

namespace penstock::app {
namespace {

constexpr std::string_view standard_input_name = "<stdin>";

configuration failed(configuration made, const std::string& why) {
    config::diagnostic problem;
    problem.where.file = made.name;
    problem.message = "cannot read the configuration: " + why;
    made.read.problems.push_back(std::move(problem));
    return made;
}

configuration load_standard_input() {
    configuration made;
    made.name = standard_input_name;
    made.again = false;
    // One byte more than is allowed tells a text at the limit from one above it.
    result<std::string> text = read_whole(STDIN_FILENO, config::file_size_max + 1);
    if (!text && text.error() == boost::system::errc::file_too_large)
        return failed(std::move(made), "it is larger than 4MiB");
    if (!text)
        return failed(std::move(made), text.error().message());
    made.text = std::move(*text);
    made.read = config::load_text(made.text, made.name);
    return made;
}

}  // namespace

configuration load_configuration(const std::string& path) {
    if (path == standard_input)
        return load_standard_input();
    configuration made;
    made.name = path;
    made.read = config::load_file(path);
    return made;
}

void locate(std::vector<config::diagnostic>& problems, std::string_view text) {
    std::map<std::string, std::string> files{{std::string(standard_input_name), std::string(text)}};
    for (config::diagnostic& one : problems) {
        if (one.where.line == 0)
            continue;
        const auto [found, added] = files.try_emplace(one.where.file);
        if (added) {
            if (result<std::string> whole = file_source().read(one.where.file))
                found->second = std::move(*whole);
        }
        if (one.source_line.empty())
            one.source_line = config::source_line(found->second, one.where);
    }
}

int refuse(const configuration& of) {
    print_error(config::render_text(of.read.problems, rendering_for(STDERR_FILENO)));
    complain(of.name + ": " + summary_of(of.read.problems));
    return exit_config;
}

}  // namespace penstock::app
