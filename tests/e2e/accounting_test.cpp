// Everything that was sent is counted, once, and the metrics are what Prometheus expects.
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace penstock::test {
namespace {

int wrk_requests() { return sanitized() ? 5'000 : 95'000; }
int curl_requests() { return sanitized() ? 500 : 5'000; }

// Counts where requests are made, one line for each thread: a connection may have one under way
// when wrk is told to stop. The first thread is asked for a request once only to look at it.
constexpr const char* wrk_script =
    "local threads = {}\n"
    "function setup(thread)\n"
    "  thread:set('sent', #threads == 0 and -1 or 0)\n"
    "  table.insert(threads, thread)\n"
    "end\n"
    "local paths = {'/', '/a/b?c=d', '/missing', '/respond', '/old/x'}\n"
    "function request()\n"
    "  sent = sent + 1\n"
    "  return wrk.format(nil, paths[sent % #paths + 1])\n"
    "end\n"
    "function done()\n"
    "  for _, thread in ipairs(threads) do print('sent ' .. thread:get('sent')) end\n"
    "end\n";

double sent_by_wrk(const std::string& output) {
    double total = 0;
    for (std::size_t at = output.find("sent "); at != std::string::npos;
         at = output.find("sent ", at + 1)) {
        total += std::atof(output.c_str() + at + 5);
    }
    return total;
}

std::string configuration(const std::string& origin) {
    return "admin: {bind: \"127.0.0.1:0\"}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
           "routes:\n"
           "  - {name: fixed, match: {path: {exact: /respond}}, respond: {status: 200, body: hi}}\n"
           "  - {name: moved, match: {path: {prefix: /old/}}, redirect: {to: \"http://x.test/\"}}\n"
           "  - {upstream: app}\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]}}\n";
}

TEST(Accounting, CountsEveryRequestOfWrkAndCurlOnce) {
    nginx_origin origin(
        "location / { return 200 'hello'; } location /missing { return 404 'no'; }");
    daemon proxy(configuration(origin.address()));
    const temp_dir dir;
    process wrk({"wrk", "-t2", "-c32", "-d300s", "-s", dir.write("load.lua", wrk_script),
                 proxy.url("web")});
    wait_for_sum(proxy, "penstock_requests_total", {}, wrk_requests());
    wrk.signal(SIGINT);
    ASSERT_EQ(wrk.wait().code, 0) << wrk.err() << wrk.out();
    const double by_wrk = sent_by_wrk(wrk.out());
    EXPECT_GE(by_wrk, wrk_requests()) << wrk.out();

    const std::string range = "[1-" + std::to_string(curl_requests()) + "]";
    const command_result many = curl(
        {"--parallel", "--parallel-max", "20", "-o", "/dev/null", proxy.url("web", "/n?" + range)},
        120s);
    ASSERT_EQ(many.status.code, 0) << many.err;

    const double expected = by_wrk + curl_requests();
    const samples found = wait_for_sum(proxy, "penstock_requests_total", {}, expected);
    EXPECT_EQ(sum(found, "penstock_requests_total"), expected);
    EXPECT_EQ(sum(found, "penstock_request_duration_seconds_count"), expected);
    EXPECT_GT(sum(found, "penstock_requests_total", {"route=\"fixed\"", "code_class=\"2xx\""}), 0);
    EXPECT_GT(sum(found, "penstock_requests_total", {"route=\"moved\"", "code_class=\"3xx\""}), 0);
    EXPECT_GT(sum(found, "penstock_requests_total", {"route=\"app\"", "code_class=\"4xx\""}), 0);
}

TEST(Accounting, ExposesMetricsThatPromtoolFindsNoFaultWith) {
    nginx_origin origin("location / { return 200 'hello'; }");
    daemon proxy(configuration(origin.address()));
    curl({proxy.url("web"), proxy.url("web", "/respond")});
    const temp_dir dir;
    const std::string text = curl({proxy.admin_url("/metrics")}).out;
    const std::string file = dir.write("metrics", text);
    const command_result checked = run({"sh", "-c", "promtool check metrics < " + file});
    EXPECT_EQ(checked.status.code, 0) << checked.out << checked.err;
    EXPECT_EQ(checked.out + checked.err, "");
    for (const char* family :
         {"penstock_requests_total", "penstock_request_duration_seconds",
          "penstock_request_phase_seconds", "penstock_connections", "penstock_upstream_connections",
          "penstock_pool_reuse_total", "penstock_upstream_attempts_total",
          "penstock_loop_delay_seconds", "penstock_log_dropped_total", "penstock_config_generation",
          "penstock_config_last_reload_success", "penstock_build_info"}) {
        EXPECT_NE(text.find("# TYPE " + std::string(family) + " "), std::string::npos) << family;
    }
}

}  // namespace
}  // namespace penstock::test
