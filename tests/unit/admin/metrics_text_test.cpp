#include "unit/admin/stand_in.hpp"

#include "penstock/base/build_info.hpp"
#include "penstock/base/log.hpp"

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace penstock::admin {
namespace {

using namespace test;
using exchange::reason;

using samples = std::map<std::string, std::string>;

// The samples of one family, for a comparison as a whole.
samples family_of(const process_view& view, const std::string& name) {
    samples found;
    for (const auto& [sample, value] : samples_of(view)) {
        if (sample == name || sample.starts_with(name + '{'))
            found.emplace(sample.substr(name.size()), value);
    }
    return found;
}

// Every family has something to say.
void fill(stand_in& process) {
    worker_side& side = *process.sides[0];
    for (const int status : {101, 200, 304, 404, 502})
        side.metrics.count(record_of("site", status));
    side.metrics.count_attempt({intern_name("app"), intern_name("127.0.0.1:3000"), true, {}});
    listener_view& front = process.shown.listeners[0];
    front.tls = true;
    front.certificates.push_back({"site.pem", 1893456000});
}

void expect_promtool_is_content(const process_view& view) {
    if (!is_installed("promtool"))
        GTEST_SKIP() << "promtool is not installed";
    const penstock::test::temp_dir dir;
    const std::string file = dir.write("metrics", metrics_text(view));
    const auto checked = penstock::test::run({"sh", "-c", "promtool check metrics < " + file});
    EXPECT_EQ(checked.status.code, 0);
    EXPECT_EQ(checked.out + checked.err, "");
}

TEST(MetricsText, IsCleanBeforeTheFirstRequest) {
    const stand_in process;
    expect_promtool_is_content(process.view());
}

TEST(MetricsText, IsCleanForAProcessWithoutAnything) {
    expect_promtool_is_content(process_view());
    EXPECT_EQ(family_of(process_view(), "penstock_config_generation"), (samples{{"", "0"}}));
}

TEST(MetricsText, IsCleanWithEveryFamily) {
    stand_in process;
    fill(process);
    expect_promtool_is_content(process.view());
}

TEST(MetricsText, SaysNothingAboutRequestsBeforeTheFirst) {
    const stand_in process;
    const std::string text = metrics_text(process.view());
    EXPECT_EQ(text.find("penstock_requests_total"), std::string::npos);
    EXPECT_EQ(text.find("penstock_request_duration_seconds"), std::string::npos);
    EXPECT_EQ(text.find("penstock_upstream_attempts_total"), std::string::npos);
}

TEST(MetricsText, CountsRequestsOfAllWorkersByWhatCameOfThem) {
    stand_in process;
    process.sides[0]->metrics.count(record_of("site", 200));
    process.sides[1]->metrics.count(record_of("site", 204));
    exchange::record late = record_of("site", 504);
    late.why = reason::deadline;
    process.sides[1]->metrics.count(late);
    exchange::record old = record_of("none", 400);
    old.http10 = true;
    old.upstream = no_name;
    old.why = reason::http_request_error;
    process.sides[0]->metrics.count(old);
    exchange::record nothing = record_of("site", 0);
    nothing.http2 = true;
    process.sides[0]->metrics.count(nothing);
    EXPECT_EQ(
        family_of(process.view(), "penstock_requests_total"),
        (samples{
            {R"({listener="web",route="site",upstream="app",protocol="http/1.1",code_class="2xx",)"
             R"(reason="none"})",
             "2"},
            {R"({listener="web",route="site",upstream="app",protocol="http/1.1",code_class="5xx",)"
             R"(reason="deadline"})",
             "1"},
            {R"({listener="web",route="none",upstream="none",protocol="http/1.0",)"
             R"(code_class="4xx",reason="http_request_error"})",
             "1"},
            {R"({listener="web",route="site",upstream="app",protocol="h2",code_class="none",)"
             R"(reason="none"})",
             "1"},
        }));
}

// D3: the reasons' sums are exact, however many sets of names there have been.
TEST(MetricsText, CountsWhatFindsNoRoomByItsReason) {
    stand_in process;
    proxy::worker_metrics& metrics = process.sides[0]->metrics;
    constexpr std::size_t room = proxy::worker_metrics::series_max / 4 * 3;
    exchange::record one = record_of("site", 200);
    const auto count = [&](const std::string& name, reason why) {
        one.why = why;
        one.listener = intern_name(name);
        metrics.count(one);
        metrics.count_attempt({one.upstream, one.listener, false, one.why});
    };
    for (std::size_t i = 0; i < room; ++i)
        count("room." + std::to_string(i), reason::none);
    for (std::size_t i = 0; i < 3 * exchange::reason_count; ++i)
        count("more." + std::to_string(i % 3), static_cast<reason>(i / 3));
    one.status = 503;
    one.http2 = true;
    count("more.0", reason::shed_memory);
    const samples all = samples_of(process.view());
    const std::string other = R"(penstock_requests_total{listener="_other",route="_other",)"
                              R"(upstream="_other",protocol="_other",code_class=)";
    const std::string attempt =
        R"(penstock_upstream_attempts_total{upstream="_other",endpoint="_other",result="failed",)";
    for (std::size_t i = 0; i < exchange::reason_count; ++i) {
        const auto why = static_cast<reason>(i);
        const std::string of = "reason=\"" + std::string(exchange::token(why)) + "\"}";
        EXPECT_EQ(all.at(other + "\"2xx\"," + of), "3") << of;
        EXPECT_EQ(all.at(attempt + of), why == reason::shed_memory ? "4" : "3") << of;
    }
    EXPECT_EQ(all.at(other + R"("5xx",reason="shed_memory"})"), "1");
    EXPECT_EQ(all.at(R"(penstock_shed_total{signal="memory"})"), "4");
    for (const auto& [name, value] : all)
        EXPECT_EQ(name.find(R"(reason="_other")"), name.npos) << name;
}

TEST(MetricsText, ShowsBoundsThatAreExact) {
    stand_in process;
    exchange::record one = record_of("site", 200);
    const auto took = [&](nanoseconds time) {
        one.ledger.start(time_point(), exchange::phase::loop);
        one.ledger.finish(time_point() + time);
        process.sides[0]->metrics.count(one);
    };
    for (const nanoseconds time : {nanoseconds(100us), nanoseconds(100001), nanoseconds(3ms),
                                   nanoseconds(60s), nanoseconds(61s)})
        took(time);
    const std::string name = "penstock_request_duration_seconds";
    const samples buckets = family_of(process.view(), name + "_bucket");
    const std::pair<const char*, const char*> expected[] = {
        {"0.0001", "1"}, {"0.0002", "2"}, {"0.0005", "2"}, {"0.001", "2"}, {"0.002", "2"},
        {"0.005", "3"},  {"0.01", "3"},   {"0.02", "3"},   {"0.05", "3"},  {"0.1", "3"},
        {"0.2", "3"},    {"0.5", "3"},    {"1", "3"},      {"2", "3"},     {"5", "3"},
        {"10", "3"},     {"20", "3"},     {"50", "3"},     {"60", "4"},    {"+Inf", "5"}};
    EXPECT_EQ(buckets.size(), std::size(expected));
    for (const auto& [bound, count] : expected) {
        const std::string labels = std::string(R"({route="site",le=")") + bound + "\"}";
        const auto found = buckets.find(labels);
        EXPECT_EQ(found == buckets.end() ? "missing" : found->second, count) << bound;
    }
    EXPECT_EQ(family_of(process.view(), name + "_count"), (samples{{R"({route="site"})", "5"}}));
    const samples sum = family_of(process.view(), name + "_sum");
    ASSERT_EQ(sum.count(R"({route="site"})"), 1U);
    EXPECT_DOUBLE_EQ(std::stod(sum.begin()->second), 121.003200001);
}

TEST(MetricsText, AddsUpDurationsOfAllWorkers) {
    stand_in process;
    process.sides[0]->metrics.count(record_of("site", 200));
    process.sides[1]->metrics.count(record_of("site", 200));
    process.sides[1]->metrics.count(record_of("api", 200));
    EXPECT_EQ(family_of(process.view(), "penstock_request_duration_seconds_count"),
              (samples{{R"({route="api"})", "1"}, {R"({route="site"})", "2"}}));
}

TEST(MetricsText, ShowsThePhasesThatRequestsEntered) {
    stand_in process;
    process.sides[0]->metrics.count(record_of("site", 200));
    process.sides[1]->metrics.count(record_of("site", 200));
    EXPECT_EQ(family_of(process.view(), "penstock_request_phase_seconds_count"),
              (samples{{R"({phase="head",upstream="app"})", "2"},
                       {R"({phase="first_byte",upstream="app"})", "2"}}));
    const samples sums = family_of(process.view(), "penstock_request_phase_seconds_sum");
    EXPECT_DOUBLE_EQ(std::stod(sums.at(R"({phase="head",upstream="app"})")), 0.002);
    EXPECT_DOUBLE_EQ(std::stod(sums.at(R"({phase="first_byte",upstream="app"})")), 0.004);
}

TEST(MetricsText, CountsAttemptsByEndpoint) {
    stand_in process;
    const name_id app = intern_name("app");
    const name_id endpoint = intern_name("127.0.0.1:3000");
    process.sides[0]->metrics.count_attempt({app, endpoint, true, reason::none});
    process.sides[1]->metrics.count_attempt({app, endpoint, true, reason::none});
    process.sides[1]->metrics.count_attempt({app, endpoint, false, reason::connection_refused});
    EXPECT_EQ(
        family_of(process.view(), "penstock_upstream_attempts_total"),
        (samples{{R"({upstream="app",endpoint="127.0.0.1:3000",result="ok",reason="none"})", "2"},
                 {R"({upstream="app",endpoint="127.0.0.1:3000",result="failed",)"
                  R"(reason="connection_refused"})",
                  "1"}}));
}

TEST(MetricsText, ShowsClientConnections) {
    stand_in process;
    process.sides[0]->serves.active = 2;
    process.sides[1]->serves.active = 1;
    process.sides[1]->serves.idle = 40;
    process.counts.accepted = 1234567;
    process.counts.refused = 5;
    const process_view view = process.view();
    EXPECT_EQ(family_of(view, "penstock_connections"),
              (samples{{R"({listener="web",state="active"})", "3"},
                       {R"({listener="web",state="idle"})", "40"}}));
    EXPECT_EQ(family_of(view, "penstock_connections_accepted_total"),
              (samples{{R"({listener="web"})", "1234567"}}));
    EXPECT_EQ(family_of(view, "penstock_connections_refused_total"),
              (samples{{R"({listener="web",reason="address_cap"})", "0"},
                       {R"({listener="web",reason="connection_cap"})", "5"}}));
}

TEST(MetricsText, TellsHandshakesApartOnTlsListeners) {
    stand_in process;
    EXPECT_EQ(family_of(process.view(), "penstock_tls_handshakes_total"), samples());
    process.shown.listeners[0].tls = true;
    process.sides[0]->serves.handshakes_ok[0][0] = 1;
    process.sides[0]->serves.handshakes_ok[0][1] = 20;
    process.sides[1]->serves.handshakes_ok[1][0] = 300;
    process.sides[1]->serves.handshakes_ok[1][1] = 4000;
    process.sides[0]->serves.handshakes_ok[1][1] = 1;
    process.sides[1]->serves.handshakes_failed[1] = 3;
    process.sides[0]->serves.handshakes_failed[2] = 4;
    const samples failed = family_of(process.view(), "penstock_tls_handshake_failures_total");
    EXPECT_EQ(failed.size(), net::tls_failure_count - 1);
    for (const char* const one : {R"({listener="web",reason="not_tls"})",
                                  R"({listener="web",reason="version_unsupported"})"})
        EXPECT_NE(std::find_if(
                      failed.begin(), failed.end(),
                      [one](const auto& each) { return each.first == one && each.second != "0"; }),
                  failed.end())
            << one;
    EXPECT_EQ(family_of(process.view(), "penstock_tls_handshakes_total"),
              (samples{
                  {R"({listener="web",result="ok",resumed="false",version="TLSv1.2"})", "1"},
                  {R"({listener="web",result="ok",resumed="false",version="TLSv1.3"})", "20"},
                  {R"({listener="web",result="ok",resumed="true",version="TLSv1.2"})", "300"},
                  {R"({listener="web",result="ok",resumed="true",version="TLSv1.3"})", "4001"},
                  {R"({listener="web",result="failed",resumed="false",version="none"})", "7"},
              }));
}

TEST(MetricsText, CountsProbesOfTlsListenersByThemselves) {
    stand_in process;
    EXPECT_EQ(family_of(process.view(), "penstock_tls_probes_total"), samples());
    process.shown.listeners[0].tls = true;
    process.sides[0]->serves.probes = 2;
    process.sides[1]->serves.probes = 3;
    EXPECT_EQ(family_of(process.view(), "penstock_tls_probes_total"),
              (samples{{R"({listener="web"})", "5"}}));
}

TEST(MetricsText, ShowsHowLongHandshakesTook) {
    stand_in process;
    process.shown.listeners[0].tls = true;
    using counters = downstream::server_counters;
    process.sides[0]->serves.handshake_times[counters::full].observe(2ms);
    process.sides[1]->serves.handshake_times[counters::full].observe(4ms);
    process.sides[1]->serves.handshake_times[counters::resumed].observe(300us);
    process.sides[0]->serves.handshake_times[counters::failed].observe(10s);
    const auto of = [&](const std::string& part, const std::string& labels) {
        const samples all = family_of(process.view(), "penstock_tls_handshake_seconds_" + part);
        const auto found = all.find('{' + labels + '}');
        return found != all.end() ? found->second : "none";
    };
    const std::string full = R"(listener="web",result="ok",resumed="false")";
    EXPECT_EQ(of("count", full), "2");
    EXPECT_EQ(of("sum", full), "0.006");
    EXPECT_EQ(of("bucket", full + R"(,le="0.002")"), "1");
    EXPECT_EQ(of("count", R"(listener="web",result="ok",resumed="true")"), "1");
    EXPECT_EQ(of("count", R"(listener="web",result="failed",resumed="false")"), "1");
}

TEST(MetricsText, ShowsWhenCertificatesEnd) {
    stand_in process;
    std::vector<certificate_view>& certificates = process.shown.listeners[0].certificates;
    certificates = {{"site.pem", 1893456000}, {"api.pem", 1900000000}, {"site.pem", 1893450000}};
    const samples all = family_of(process.view(), "penstock_tls_certificate_not_after_seconds");
    EXPECT_EQ(all, (samples{{R"({listener="web",cert="api.pem"})", "1900000000"},
                            {R"({listener="web",cert="site.pem"})", "1893450000"}}));
}

TEST(MetricsText, ShowsThePoolsOfAllWorkers) {
    stand_in process;
    upstream::cluster_counters& one = process.sides[0]->origins;
    upstream::cluster_counters& other = process.sides[1]->origins;
    one.active = 1;
    other.active = 2;
    other.idle = 8;
    one.queued = 3;
    one.reused = 100;
    other.reused = 1;
    other.fresh = 9;
    one.stale = 4;
    const process_view view = process.view();
    EXPECT_EQ(family_of(view, "penstock_upstream_connections"),
              (samples{{R"({upstream="app",state="active"})", "3"},
                       {R"({upstream="app",state="idle"})", "8"}}));
    EXPECT_EQ(family_of(view, "penstock_upstream_queue"), (samples{{R"({upstream="app"})", "3"}}));
    EXPECT_EQ(family_of(view, "penstock_pool_reuse_total"),
              (samples{{R"({upstream="app",result="reused"})", "101"},
                       {R"({upstream="app",result="fresh"})", "9"},
                       {R"({upstream="app",result="stale"})", "4"}}));
}

// `check` only warns about an endpoint that is listed twice.
TEST(MetricsText, NamesAnEndpointOnce) {
    stand_in process;
    process.add_endpoint("127.0.0.1:3000");
    process.add_endpoint("[::1]:3000");
    EXPECT_EQ(family_of(process.view(), "penstock_endpoint_health"),
              (samples{{R"({upstream="app",endpoint="127.0.0.1:3000"})", "1"},
                       {R"({upstream="app",endpoint="[::1]:3000"})", "1"}}));
}

TEST(MetricsText, AddsUpNamesThatShareALabel) {
    stand_in process;
    upstream::shared_upstream beyond;
    process.origins.id = beyond.id = other_name;
    process.shown.listeners[0].id = other_name;
    process.shown.listeners.push_back(process.shown.listeners[0]);
    process.shown.upstreams.push_back({&beyond, process.shown.upstreams[0].workers});
    process.sides[0]->origins.active = 2;
    process.counts.accepted = 3;
    const samples all = samples_of(process.view());
    EXPECT_EQ(all.at(R"(penstock_upstream_connections{upstream="_other",state="active"})"), "4");
    EXPECT_EQ(all.at(R"(penstock_connections_accepted_total{listener="_other"})"), "6");
}

TEST(MetricsText, ShowsTheWorkers) {
    stand_in process;
    set_log_level(log_level::off);
    process.sides[1]->loop.note_exception("a test");
    set_log_level(log_level::info);
    const process_view view = process.view();
    EXPECT_EQ(family_of(view, "penstock_worker_exceptions_total"),
              (samples{{R"({worker="0"})", "0"}, {R"({worker="1"})", "1"}}));
    EXPECT_EQ(family_of(view, "penstock_loop_delay_seconds").size(), 2U);
}

TEST(MetricsText, CountsLogLinesLostOnTheWayAndAtTheFile) {
    stand_in process;
    process.shown.access_lost = 5;
    const std::string text(100, 'x');
    const std::span<const char> part(text);
    EXPECT_FALSE(process.sides[0]->access.push({&part, 1}));
    EXPECT_FALSE(process.sides[1]->access.push({&part, 1}));
    EXPECT_EQ(family_of(process.view(), "penstock_log_dropped_total"), (samples{{"", "7"}}));
    process.shown.workers[0].access = nullptr;
    EXPECT_EQ(family_of(process.view(), "penstock_log_dropped_total"), (samples{{"", "6"}}));
}

TEST(MetricsText, ShowsTheConfigurationInForce) {
    stand_in process;
    process.shown.generation = 12;
    EXPECT_EQ(family_of(process.view(), "penstock_config_generation"), (samples{{"", "12"}}));
    EXPECT_EQ(family_of(process.view(), "penstock_config_last_reload_success"),
              (samples{{"", "1"}}));
    process.shown.last_reload_ok = false;
    EXPECT_EQ(family_of(process.view(), "penstock_config_last_reload_success"),
              (samples{{"", "0"}}));
}

TEST(MetricsText, SaysWhichBuildItIs) {
    const samples info = family_of(stand_in().view(), "penstock_build_info");
    ASSERT_EQ(info.size(), 1U);
    const std::string& labels = info.begin()->first;
    EXPECT_NE(labels.find("version=\"" + std::string(this_build().version) + '"'),
              std::string::npos);
    EXPECT_NE(labels.find("revision=\""), std::string::npos);
    EXPECT_EQ(info.begin()->second, "1");
}

TEST(MetricsText, KnowsItsOwnProcess) {
    stand_in process;
    process.shown.started_at = 1700000000;
    const samples all = samples_of(process.view());
    EXPECT_EQ(all.at("process_start_time_seconds"), "1700000000");
    EXPECT_GT(std::stod(all.at("process_resident_memory_bytes")), 1e6);
    EXPECT_GE(std::stod(all.at("process_virtual_memory_bytes")),
              std::stod(all.at("process_resident_memory_bytes")));
    EXPECT_GE(std::stod(all.at("process_cpu_seconds_total")), 0);
    EXPECT_GE(std::stod(all.at("process_open_fds")), 3);
    EXPECT_GE(std::stod(all.at("process_max_fds")), std::stod(all.at("process_open_fds")));
}

TEST(MetricsText, EscapesLabels) {
    stand_in process;
    process.shown.listeners[0].certificates = {{"a \"b\"\\c\nd.pem", 1}};
    process.add_endpoint("h\"ost\\\n:1");
    const samples all = samples_of(process.view());
    EXPECT_EQ(all.count(R"(penstock_tls_certificate_not_after_seconds{listener="web",)"
                        R"(cert="a \"b\"\\c\nd.pem"})"),
              1U);
    EXPECT_EQ(all.count(R"(penstock_endpoint_health{upstream="app",endpoint="h\"ost\\\n:1"})"), 1U);
    expect_promtool_is_content(process.view());
}

}  // namespace
}  // namespace penstock::admin
