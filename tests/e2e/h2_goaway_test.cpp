// RFC 9113 §6.8: a client may send again what is above the last stream of a GOAWAY, so the origin
// has seen none of that; and what is not above it is answered.
#include "support/certificate.hpp"
#include "support/h2_client.hpp"
#include "support/probe.hpp"
#include "support/scripted_origin.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

constexpr std::uint32_t requests_max = 10;
constexpr std::uint32_t burst = 60;

// Counts what it executes, by target.
class counting_origin {
 public:
    [[nodiscard]] std::string address() const { return origin_.address(); }
    std::map<std::string, int> executed() const {
        const std::lock_guard held(mutex_);
        return executed_;
    }

 private:
    std::string count(const http_request& request) {
        const std::lock_guard held(mutex_);
        ++executed_[request.target];
        return ok_response("done");
    }

    mutable std::mutex mutex_;
    std::map<std::string, int> executed_;
    scripted_origin origin_{
        scripted_origin::answer([this](const http_request& request) { return count(request); })};
};

struct site {
    counting_origin origin;
    temp_dir dir;
    certificate_files files = write_certificate(dir, "a.test");
    std::string limits = "limits: {requests: " + std::to_string(requests_max) + "}";
    daemon proxy{"listeners:\n  web: {bind: \"127.0.0.1:0\", " + limits +
                 "}\n  edge: {bind: \"127.0.0.1:0\", " + limits +
                 ", tls: {certificates: [{cert: " + files.cert + ", key: " + files.key +
                 "}]}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
                 origin.address() + "\"], pool: {connections: 200}}}\n"};
};

std::string target(std::uint32_t id) { return "/" + std::to_string(id); }

// A POST and a GET, each with so much that a read of the proxy's does not hold the burst.
std::string request(const std::string& method, std::uint32_t id) {
    if (method == "GET")
        return h2::head(id, h2::get(target(id), {{"x-long", std::string(2000, 'x')}}));
    return h2::head(id, h2::post(target(id)), false) + h2::body(id, std::string(2000, 'x'));
}

class H2Goaway : public testing::TestWithParam<std::string> {};

TEST_P(H2Goaway, IsTrueOfABurstAboveTheLimitOfRequests) {
    const site here;
    h2_client client(here.proxy.port("web"));
    std::string all = h2::window(0, 1 << 24);
    for (std::uint32_t i = 0; i < burst; ++i)
        all += request(GetParam(), 2 * i + 1);
    client.send(all);
    while (client.read()) {
    }
    ASSERT_EQ(client.goaways.size(), 1U);
    EXPECT_EQ(client.goaways[0].number(4), 0U);
    const std::uint32_t last = client.goaways[0].number();
    EXPECT_GE((last + 1) / 2, requests_max);
    EXPECT_LT(last, 2 * burst - 1);
    const std::map<std::string, int> executed = here.origin.executed();
    for (std::uint32_t id = 1; id < 2 * burst; id += 2) {
        const bool taken_up = id <= last;
        EXPECT_EQ(executed.contains(target(id)) ? executed.at(target(id)) : 0, taken_up ? 1 : 0);
        EXPECT_EQ(client.responses[id].status(), taken_up ? 200 : 0) << id;
        EXPECT_EQ(client.responses[id].ended, taken_up) << id;
    }
    client.wire.close();
}

INSTANTIATE_TEST_SUITE_P(Methods, H2Goaway, testing::Values("GET", "POST"),
                         [](const auto& of) { return of.param; });

// Whatever the client sends again, each request ran once. (Several at once over HTTP/2 without TLS
// are more than this curl knows.)
TEST(H2GoawayClient, CurlRepeatsNothingThatWasExecuted) {
    const site here;
    const std::string edge = "https://127.0.0.1:" + std::to_string(here.proxy.port("edge"));
    std::vector<std::string> arguments{"-k", "-Z", "-X", "POST", "-w", "%{http_code}\\n"};
    arguments.insert(arguments.end(), {"--parallel-max", std::to_string(burst)});
    for (std::uint32_t id = 0; id < burst; ++id)
        arguments.insert(arguments.end(), {"-o", "/dev/null", edge + target(id)});
    const command_result got = curl(arguments);
    EXPECT_EQ(got.status.code, 0) << got.err;
    std::string expected;
    for (std::uint32_t id = 0; id < burst; ++id)
        expected += "200\n";
    EXPECT_EQ(got.out, expected);
    const std::map<std::string, int> executed = here.origin.executed();
    EXPECT_EQ(executed.size(), burst);
    for (const auto& [one, times] : executed)
        EXPECT_EQ(times, 1) << one;
}

// nghttp sends nothing again, so it has as many answers as there were executions.
TEST(H2GoawayClient, NghttpIsAnsweredForWhatWasExecuted) {
    const site here;
    const command_result got =
        run({"nghttp", "-n", "-v", "-m", std::to_string(burst), here.proxy.url("web", "/n")});
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = got.out.find(":status: 200", at)) != std::string::npos; ++at)
        ++answers;
    const std::map<std::string, int> executed = here.origin.executed();
    EXPECT_GE(answers, requests_max);
    ASSERT_EQ(executed.count("/n"), 1U);
    EXPECT_EQ(static_cast<std::size_t>(executed.at("/n")), answers) << got.out;
}

}  // namespace
}  // namespace penstock::test
