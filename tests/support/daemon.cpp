#include "support/daemon.hpp"

#include <csignal>
#include <cstdlib>

namespace penstock::test {

namespace {

// The port in "… on HOST:PORT …"; 0 if there is none.
std::uint16_t port_in(std::string_view line, std::string_view after) {
    const std::size_t begin = line.find(after);
    if (begin == std::string_view::npos) {
        return 0;
    }
    const std::string_view address = line.substr(begin + after.size());
    const std::size_t colon = address.substr(0, address.find_first_of(" \n")).rfind(':');
    if (colon == std::string_view::npos) {
        return 0;
    }
    return static_cast<std::uint16_t>(std::atoi(std::string(address.substr(colon + 1)).c_str()));
}

}  // namespace

std::string penstock_binary() {
    const char* other = std::getenv("PENSTOCK_BINARY");
    return other != nullptr ? other : PENSTOCK_BINARY;
}

daemon::daemon(std::string_view yaml) {
    write_configuration(yaml);
    start({"run", "-c", configuration_path()});
}

daemon::daemon(const std::vector<std::string>& arguments) { start(arguments); }

void daemon::start(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{penstock_binary()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    process_.emplace(argv);
    process_->wait_for("ready: ");
}

std::uint16_t daemon::port(std::string_view listener, int nth) const {
    const std::string mark = "(listener " + std::string(listener) + ")";
    const std::string log = process_->err();
    std::size_t begin = 0;
    for (std::size_t end = log.find('\n'); end != std::string::npos;
         begin = end + 1, end = log.find('\n', begin)) {
        const std::string_view line = std::string_view(log).substr(begin, end - begin);
        const bool here = line.find(mark) != std::string_view::npos;
        const std::uint16_t found = here ? port_in(line, "listening on ") : std::uint16_t{0};
        if (found != 0 && nth-- == 0) {
            return found;
        }
    }
    throw test_error("no such listener: " + std::string(listener) + "\n" + log);
}

std::uint16_t daemon::admin_port() const {
    const std::uint16_t found = port_in(process_->err(), "admin on ");
    if (found == 0) {
        throw test_error("no admin listener\n" + process_->err());
    }
    return found;
}

std::string daemon::url(std::string_view listener, std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port(listener)) + std::string(path);
}

std::string daemon::admin_url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(admin_port()) + std::string(path);
}

void daemon::write_configuration(std::string_view yaml) const { dir_.write("penstock.yaml", yaml); }

exit_status daemon::stop(milliseconds limit) {
    process_->signal(SIGTERM);
    return process_->wait(limit);
}

}  // namespace penstock::test
