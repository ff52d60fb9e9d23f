#include "app/usage.hpp"

namespace penstock::app {
namespace {

constexpr std::string_view all =
    "penstock - an edge proxy for HTTP\n"
    "\n"
    "usage: penstock COMMAND [options]\n"
    "\n"
    "  run -c FILE                  serve in the foreground (default /etc/penstock/penstock.yaml)\n"
    "  run --listen ADDR --to URL   serve without a file: one listener, one origin\n"
    "  demo                         a proxy with an origin of its own; prints URLs to try\n"
    "  check -c FILE                find every problem of a configuration; touches no network\n"
    "  dump -c FILE                 the configuration in force, defaults filled in\n"
    "  schema                       JSON Schema of the configuration\n"
    "  doctor -c FILE               kernel and process limits against what is configured\n"
    "  version                      version and libraries\n"
    "  help COMMAND                 more about a command\n"
    "\n"
    "signals: HUP reload, TERM INT QUIT drain and end (twice: end now), USR1 reopen the access "
    "log\n"
    "exit codes: 0 ok, 1 runtime, 2 usage, 71 operating system, 78 invalid configuration\n";

}  // namespace

std::string usage_of(verb about) {
    switch (about) {
        case verb::run:
            return "usage: penstock run [-c FILE]\n"
                   "       penstock run --listen ADDR --to URL\n"
                   "\n"
                   "  -c, --config FILE   the configuration (default /etc/penstock/penstock.yaml)\n"
                   "  --listen ADDR       where to listen: 127.0.0.1:8080, [::1]:8080, :8080\n"
                   "  --to URL            the origin: http://HOST[:PORT] or https://HOST[:PORT]\n";
        case verb::demo:
            return "usage: penstock demo [--port-base N]\n"
                   "\n"
                   "  --port-base N   http on port N, https on N+1, admin on N+2\n"
                   "                  (default 8080, 8443 and 9901; a free one if it is taken)\n";
        case verb::check:
            return "usage: penstock check [-c FILE] [--format text|json]\n"
                   "\n"
                   "Prints every problem. Exit code 0 if it may be used, 78 if not.\n";
        case verb::dump:
            return "usage: penstock dump [-c FILE]\n";
        case verb::schema:
            return "usage: penstock schema\n";
        case verb::doctor:
            return "usage: penstock doctor [-c FILE]\n"
                   "\n"
                   "Says of each setting of the kernel whether it fits the configuration, and "
                   "why.\n";
        case verb::version:
            return "usage: penstock version\n";
        case verb::help:
            break;
    }
    return std::string(all);
}

}  // namespace penstock::app
