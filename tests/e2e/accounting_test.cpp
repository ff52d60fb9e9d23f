// Everything that was sent is counted, once, and the metrics are what Prometheus expects.
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace penstock::test {
namespace {

constexpr int wrk_requests = sanitized() ? 5'000 : 95'000;
constexpr int curl_requests = sanitized() ? 500 : 5'000;

// Sends `wrk_requests` and a little more: each connection may have one under way when its thread
// stops. What was really sent is counted where requests are made, one line for each thread.
std::string wrk_script(int each_thread) {
    return "local threads = {}\n"
           "function setup(thread) table.insert(threads, thread) end\n"
           "function init(args) sent = 0 end\n"
           "local paths = {'/', '/a/b?c=d', '/missing', '/respond', '/old/x'}\n"
           "function request()\n"
           "  sent = sent + 1\n"
           "  return wrk.format(nil, paths[sent % #paths + 1])\n"
           "end\n"
           "function response() if sent >= " +
           std::to_string(each_thread) +
           " then wrk.thread:stop() end end\n"
           "function done()\n"
           "  for _, thread in ipairs(threads) do print('sent ' .. thread:get('sent')) end\n"
           "end\n";
}

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
    const command_result load =
        run({"wrk", "-t2", "-c32", "-d60s", "-s",
             dir.write("load.lua", wrk_script(wrk_requests / 2)), proxy.url("web")},
            90s);
    ASSERT_EQ(load.status.code, 0) << load.err << load.out;
    const double by_wrk = sent_by_wrk(load.out);
    EXPECT_GE(by_wrk, wrk_requests) << load.out;

    const std::string range = "[1-" + std::to_string(curl_requests) + "]";
    const command_result many = curl(
        {"--parallel", "--parallel-max", "20", "-o", "/dev/null", proxy.url("web", "/n?" + range)},
        120s);
    ASSERT_EQ(many.status.code, 0) << many.err;

    const double expected = by_wrk + curl_requests;
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
          "penstock_tls_handshakes_total", "penstock_loop_delay_seconds",
          "penstock_log_dropped_total", "penstock_config_generation",
          "penstock_config_last_reload_success", "penstock_build_info"}) {
        EXPECT_NE(text.find("# TYPE " + std::string(family) + " "), std::string::npos) << family;
    }
}

}  // namespace
}  // namespace penstock::test
