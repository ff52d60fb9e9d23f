// Sends generated payloads, valid and hostile, through a penstock of its own and judges every
// answer and every byte at the origin. Ends with 1 if anything is wrong or unexplained.
//
//   campaign [--first INDEX] [--payloads N] [--seed S] [--connections C]
//   campaign --seed S --show INDEX     one payload, its answers and what came of them
//   campaign --seed S --payloads N --write DIR    the raw payloads and answers, for other readers
#include "campaign/driver.hpp"
#include "campaign/files.hpp"
#include "campaign/path_reading.hpp"
#include "support/daemon.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace penstock::campaign {
namespace {

struct options {
    plan what;
    bool show = false;
    std::string write;
};

// Short deadlines, so that messages without an end are soon over; all else as it comes.
std::string configuration(std::uint16_t origin_port) {
    return "workers: 1\n"
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: /dev/null}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\", "
           "timeouts: {head: 1s, body_idle: 500ms, keepalive: 500ms}}}\n" +
           routes_yaml() +
           "upstreams: {app: {endpoints: [\"127.0.0.1:" + std::to_string(origin_port) +
           "\"], pool: {connections: 1000}, timeouts: {first_byte: 1s, idle: 500ms}}}\n";
}

options read_options(int argc, char** argv) {
    options read;
    for (int i = 1; i < argc; i += 2) {
        const std::string name = argv[i];
        if (i + 1 >= argc)
            throw std::runtime_error(name + " needs a value");
        const std::string value = argv[i + 1];
        const auto number = std::strtoull(value.c_str(), nullptr, 10);
        if (name == "--payloads")
            read.what.count = static_cast<std::uint32_t>(number);
        else if (name == "--first")
            read.what.first = static_cast<std::uint32_t>(number);
        else if (name == "--seed")
            read.what.seed = number;
        else if (name == "--connections" && number > 0)
            read.what.connections = number;
        else if (name == "--write")
            read.write = value;
        else if (name == "--show") {
            read.show = true;
            read.what.first = static_cast<std::uint32_t>(number);
            read.what.count = 1;
        } else
            throw std::runtime_error("unknown option: " + name);
    }
    return read;
}

void print_differences(const report& of, bool& good) {
    for (const auto& [what, times] : of.differences) {
        const std::string_view why = explanation(what);
        good = good && !why.empty();
        std::printf("%9llu  %s (first: payload %u)\n           %s\n",
                    static_cast<unsigned long long>(times), what.c_str(), of.examples.at(what),
                    why.empty() ? "NOT EXPLAINED" : std::string(why).c_str());
    }
}

bool print_report(const report& of, const plan& was, double seconds) {
    bool good = of.findings.empty() && of.payloads == was.count;
    std::printf(
        "%llu payloads (seed %llu, %llu of them damaged), %llu requests at the origin, "
        "%llu answers, %.0f s\n",
        static_cast<unsigned long long>(of.payloads), static_cast<unsigned long long>(was.seed),
        static_cast<unsigned long long>(of.damaged), static_cast<unsigned long long>(of.requests),
        static_cast<unsigned long long>(of.answers), seconds);
    std::printf("Read otherwise than by the strict reader:\n");
    print_differences(of, good);
    for (const std::string& finding : of.findings)
        std::printf("DEFECT %s\n", finding.c_str());
    if (of.findings_left_out > 0)
        std::printf("and %llu more\n", static_cast<unsigned long long>(of.findings_left_out));
    return good;
}

int run(int argc, char** argv) {
    const options chosen = read_options(argc, argv);
    if (!chosen.write.empty()) {
        write_files(chosen.what, chosen.write);
        return 0;
    }
    driver sends(chosen.what);
    if (chosen.show)
        sends.show_everything();
    test::daemon proxy(configuration(sends.origin_port()));
    const auto begun = std::chrono::steady_clock::now();
    const report made = sends.run(proxy.port("web"));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const bool good = print_report(made, chosen.what, took.count());
    const bool ended_well = proxy.stop().code == 0;
    if (!ended_well)
        std::printf("DEFECT penstock did not end well\n");
    return good && ended_well ? 0 : 1;
}

}  // namespace
}  // namespace penstock::campaign

int main(int argc, char** argv) {
    try {
        return penstock::campaign::run(argc, argv);
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "campaign: %s\n", thrown.what());
        return 2;
    }
}
