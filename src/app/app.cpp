#include "penstock/app/app.hpp"

#include "app/commands.hpp"
#include "app/output.hpp"
#include "app/standard_streams.hpp"
#include "app/usage.hpp"

namespace penstock::app {
namespace {

int print_help(verb about) { return print(usage_of(about)) ? exit_ok : exit_runtime; }

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
            return print_version();
        case verb::help:
            return print_help(from.about);
    }
    return exit_usage;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    if (!open_standard_streams())
        return exit_os;
    const parsed_command parsed = parse_command_line(arguments);
    if (const auto* const wrong = std::get_if<usage_error>(&parsed)) {
        complain(wrong->message);
        print_error("see: penstock help\n");
        return exit_usage;
    }
    return dispatch(std::get<command>(parsed));
}

}  // namespace penstock::app
