#include "support/probe.hpp"

#include "support/http_reader.hpp"
#include "support/wait.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace penstock::test {

samples scrape(const daemon& of) {
    peer asking(of.admin_port());
    asking.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const http_response got = read_response(asking);
    if (got.status != 200)
        throw test_error("no metrics: " + got.head);
    samples found;
    std::istringstream lines(got.body);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.rfind(' ');
        if (!line.empty() && line.front() != '#' && space != std::string::npos) {
            found[line.substr(0, space)] = std::atof(line.c_str() + space + 1);
        }
    }
    return found;
}

double sum(const samples& in, std::string_view family, const std::vector<std::string>& labels) {
    double total = 0;
    for (const auto& [name, value] : in) {
        const bool same = name.compare(0, family.size(), family) == 0 &&
                          (name.size() == family.size() || name[family.size()] == '{');
        bool all = same;
        for (const std::string& label : labels) {
            all = all && name.find(label) != std::string::npos;
        }
        total += all ? value : 0;
    }
    return total;
}

samples wait_for_sum(const daemon& of, std::string_view family,
                     const std::vector<std::string>& labels, double least) {
    const time_limit limit(patience);
    for (;;) {
        samples found = scrape(of);
        if (sum(found, family, labels) >= least) {
            return found;
        }
        if (limit.passed()) {
            throw test_error("the metric " + std::string(family) + " stays below " +
                             std::to_string(least));
        }
    }
}

memory memory_of(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    memory found;
    for (std::string line; std::getline(status, line);) {
        const auto bytes = [&line] {
            return std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10) * 1024;
        };
        if (line.rfind("VmRSS:", 0) == 0) {
            found.resident = bytes();
        }
        if (line.rfind("VmHWM:", 0) == 0) {
            found.highest = bytes();
        }
    }
    return found;
}

double number_in(std::string_view json, std::string_view key) {
    const std::string mark = "\"" + std::string(key) + "\":";
    const std::size_t at = json.find(mark);
    return at == std::string_view::npos
               ? -1
               : std::atof(std::string(json.substr(at + mark.size(), 32)).c_str());
}

std::string text_in(std::string_view json, std::string_view key) {
    const std::string mark = "\"" + std::string(key) + "\":\"";
    const std::size_t at = json.find(mark);
    if (at == std::string_view::npos) {
        return {};
    }
    const std::string_view rest = json.substr(at + mark.size());
    return std::string(rest.substr(0, rest.find('"')));
}

namespace {

const std::string& build_under_test() {
    static const std::string text = run({penstock_binary(), "version"}).out;
    return text;
}

// User and system time so far, in hundredths of a second.
std::uint64_t ticks_of(pid_t process) {
    std::ifstream in("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    std::getline(in, line);
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        rest >> skipped;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    rest >> user >> system;
    return user + system;
}

}  // namespace

bool sanitized() {
    return thread_sanitized() || build_under_test().find("(address") != std::string::npos;
}

bool thread_sanitized() { return build_under_test().find("(thread") != std::string::npos; }

std::string proxy_to(const std::string& origin, const std::string& upstream,
                     const std::string& more) {
    // More workers than cores, so that the thread sanitizer sees them meet.
    const std::string workers = thread_sanitized() ? "workers: 4\n" : "";
    return workers +
           "admin: {bind: \"127.0.0.1:0\"}\n"
           "log: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes: [{upstream: app}]\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]" + (upstream.empty() ? "" : ", " + upstream) + "}}\n" + more;
}

std::size_t descriptors_of(pid_t process) {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(process) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool grows_quiet(pid_t process) {
    const time_limit limit(30s);
    while (!limit.passed()) {
        const std::uint64_t before = ticks_of(process);
        hold_for(300ms);
        if (ticks_of(process) <= before + 1)
            return true;
    }
    return false;
}

}  // namespace penstock::test
