#include "penstock/app/app.hpp"

#include "app/commands.hpp"
#include "app/output.hpp"
#include "app/standard_streams.hpp"
#include "penstock/base/log.hpp"

#include <unistd.h>

namespace penstock::app {
namespace {

int print_help(const command& from) { return print(from.help) ? exit_ok : exit_runtime; }

int dispatch(const command& from) {
    switch (from.what) {
        case verb::run:
            return run_proxy(from);
        case verb::demo:
            return run_demo(from);
        case verb::check:
            return check(from);
        case verb::dump:
            return dump(from);
        case verb::schema:
            return print_schema();
        case verb::doctor:
            return examine(from);
        case verb::version:
            return print_version(from);
        case verb::help:
            return print_help(from);
    }
    return exit_usage;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    if (!open_standard_streams())
        return exit_os;
    set_log_colour(rendering_for(STDERR_FILENO) == config::rendering::coloured);
    const parsed_command parsed = parse_command_line(arguments);
    if (const auto* const wrong = std::get_if<usage_error>(&parsed)) {
        complain(wrong->message);
        print_error("see: penstock --help\n");
        return exit_usage;
    }
    return dispatch(std::get<command>(parsed));
}

}  // namespace penstock::app
