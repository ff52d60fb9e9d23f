// The clients that people run, over connections that GOAWAY ends again and again: no request is
// executed twice, and none that the client takes for lost was executed.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr int requests = 600;

// Counts how often each path was asked for.
constexpr const char* counting = R"(
const seen = global.seen = global.seen || {};
if (request.url === '/counts')
    return response.end(Object.entries(seen).map((each) => each.join(' ')).join('\n'));
request.resume();
request.on('end', () => {
    seen[request.url] = (seen[request.url] || 0) + 1;
    response.end('ok');
});
)";

// Lines of a path and a number.
std::map<std::string, int> numbers_by_path(const std::string& text) {
    std::map<std::string, int> found;
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string path;
        int number = 0;
        if (words >> path >> number && path.find("/run/") != std::string::npos)
            found[path.substr(path.find("/run/"))] = number;
    }
    return found;
}

bool is_installed(const std::string& program) {
    return run({"sh", "-c", "command -v " + program}).status == exit_status{0, 0};
}

class GoawayClients : public testing::Test {
 protected:
    [[nodiscard]] std::string base() const {
        return "https://127.0.0.1:" + std::to_string(proxy.port("edge"));
    }
    // Every path once.
    [[nodiscard]] std::vector<std::string> urls() const {
        std::vector<std::string> all;
        for (int i = 0; i < requests; ++i)
            all.push_back(base() + "/run/" + std::to_string(i));
        return all;
    }
    [[nodiscard]] std::map<std::string, int> executed() const {
        return numbers_by_path(curl({"http://" + origin.address() + "/counts"}).out);
    }
    // `statuses` are what the client has got.
    void expect_each_answered_once(const std::map<std::string, int>& statuses) const {
        const std::map<std::string, int> times = executed();
        EXPECT_FALSE(statuses.empty());
        for (const auto& [path, status] : statuses) {
            EXPECT_EQ(status, 200) << path;
            EXPECT_EQ(times.count(path), 1U) << path;
        }
        for (const auto& [path, count] : times)
            EXPECT_EQ(count, 1) << path;
    }
    void expect_nothing_lost(const std::map<std::string, int>& statuses) const {
        for (const auto& [path, count] : executed())
            EXPECT_EQ(statuses.count(path), 1U) << path << " was executed and is lost";
    }

    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
    node_origin origin{counting};
    daemon proxy{
        "workers: 2\n"
        "listeners: {edge: {bind: \"127.0.0.1:0\", limits: {requests: 30}, "
        "tls: {certificates: [{cert: " +
        files.cert + ", key: " + files.key +
        "}]}}}\n"
        "routes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
        origin.address() + "\"], pool: {connections: 500, queue_timeout: 20s}}}\n"};
};

// It opens another connection for what was refused. Where it gives a request up instead, which a
// slow machine shows now and then, that was not executed either.
TEST_F(GoawayClients, CurlGetsTheAnswerToWhatWasExecuted) {
    const command_result got =
        curl({"-k", "--http2", "--parallel", "--parallel-max", "300", "-d", "x", "-o", "/dev/null",
              "-w", "%{url} %{http_code}\n", base() + "/run/[1-" + std::to_string(requests) + "]"});
    std::map<std::string, int> statuses = numbers_by_path(got.out);
    EXPECT_EQ(statuses.size(), static_cast<std::size_t>(requests)) << got.err;
    const std::size_t given_up =
        std::erase_if(statuses, [](const auto& each) { return each.second == 0; });
    EXPECT_LE(given_up, static_cast<std::size_t>(requests) / 50);
    expect_each_answered_once(statuses);
    expect_nothing_lost(statuses);
}

// It has one connection only, and says which requests were not processed.
TEST_F(GoawayClients, NghttpLosesNothingThatWasExecuted) {
    std::vector<std::string> command{"nghttp", "--stat", "-d", dir.write("body", "x")};
    for (const std::string& url : urls())
        command.push_back(url);
    const command_result got = run(command, 60s);
    EXPECT_NE(got.err.find("Some requests were not processed"), std::string::npos) << got.err;
    // id, end, start, duration, status, size, path.
    std::map<std::string, int> statuses;
    std::istringstream lines(got.out.substr(got.out.rfind("request path")));
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string skipped;
        std::string path;
        int status = 0;
        if (words >> skipped >> skipped >> skipped >> skipped >> status >> skipped >> path)
            statuses[path] = status;
    }
    expect_each_answered_once(statuses);
    expect_nothing_lost(statuses);
}

// The JDK's client gives up all streams of a connection with its GOAWAY, so it may take requests
// for lost that were executed; it repeats none of them.
TEST_F(GoawayClients, JavaRepeatsNothingThatWasExecuted) {
    if (!is_installed("java"))
        GTEST_SKIP() << "java is not installed";
    const std::string program = std::string(PENSTOCK_SOURCE_DIR) + "/tests/e2e/posts.java";
    const command_result got = run({"java", program, base(), "200"}, 120s);
    EXPECT_EQ(got.status, (exit_status{0, 0})) << got.err;
    std::map<std::string, int> answered;
    for (const auto& [path, status] : numbers_by_path(got.out)) {
        if (status != 0)
            answered[path] = status;
    }
    expect_each_answered_once(answered);
}

}  // namespace
}  // namespace penstock::test
