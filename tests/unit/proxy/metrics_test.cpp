#include "penstock/proxy/metrics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace penstock::proxy {
namespace {

using exchange::phase;
using exchange::reason;

constexpr name_id last_name = static_cast<name_id>(names_max - 1);
constexpr reason last_reason = static_cast<reason>(exchange::reason_count - 1);

std::vector<request_labels> corners() {
    std::vector<request_labels> made;
    for (const name_id name : {no_name, other_name, last_name}) {
        for (const auto spoken :
             {protocol::http_1_0, protocol::http_1_1, protocol::http_2, protocol::other}) {
            for (std::uint8_t code = 0; code <= 5; ++code) {
                for (const reason why : {reason::none, reason::deadline, last_reason}) {
                    made.push_back({name, no_name, last_name, spoken, code, why});
                    made.push_back({last_name, name, no_name, spoken, code, why});
                    made.push_back({other_name, other_name, name, spoken, code, why});
                }
            }
        }
    }
    return made;
}

TEST(RequestLabels, SurviveTheKey) {
    for (const request_labels& one : corners())
        EXPECT_EQ(request_labels::from_key(one.key()), one);
}

TEST(RequestLabels, DifferentOnesHaveDifferentKeys) {
    std::map<std::uint64_t, request_labels> seen;
    for (const request_labels& one : corners()) {
        const auto at = seen.emplace(one.key(), one).first;
        EXPECT_EQ(at->second, one);
        EXPECT_LT(one.key(), ~std::uint64_t{0});
    }
}

TEST(AttemptLabels, SurviveTheKey) {
    std::set<std::uint64_t> keys;
    for (const name_id upstream : {no_name, last_name}) {
        for (const name_id endpoint : {no_name, last_name}) {
            for (const bool ok : {false, true}) {
                for (const reason why : {reason::none, last_reason}) {
                    const attempt_labels one{upstream, endpoint, ok, why};
                    EXPECT_EQ(attempt_labels::from_key(one.key()), one);
                    EXPECT_TRUE(keys.insert(one.key()).second);
                }
            }
        }
    }
}

TEST(ProtocolName, IsWhatTheLabelShows) {
    EXPECT_EQ(name(protocol::http_1_0), "http/1.0");
    EXPECT_EQ(name(protocol::http_1_1), "http/1.1");
    EXPECT_EQ(name(protocol::http_2), "h2");
    EXPECT_EQ(name(protocol::other), "_other");
}

exchange::record some_record() {
    exchange::record made;
    made.listener = 3;
    made.route = 4;
    made.upstream = 5;
    made.status = 200;
    made.ledger.start(time_point(1s), phase::head);
    made.ledger.enter(phase::first_byte, time_point(1s + 2ms));
    made.ledger.enter(phase::loop, time_point(1s + 32ms));
    made.ledger.finish(time_point(1s + 32ms));
    return made;
}

std::map<std::uint64_t, std::uint64_t> counted(const counter_table& of) {
    std::map<std::uint64_t, std::uint64_t> made;
    of.each([&](std::uint64_t key, std::uint64_t value) { made[key] = value; });
    return made;
}

TEST(WorkerMetrics, CountsRequestsByTheirLabels) {
    worker_metrics all;
    exchange::record of = some_record();
    all.count(of);
    all.count(of);
    of.status = 502;
    of.why = reason::connection_refused;
    of.http10 = true;
    all.count(of);
    of.http2 = true;
    of.status = 0;
    all.count(of);
    const auto found = counted(all.requests());
    const auto labels = [](protocol spoken, std::uint8_t code, reason why) {
        return request_labels{3, 4, 5, spoken, code, why}.key();
    };
    EXPECT_EQ(found, (std::map<std::uint64_t, std::uint64_t>{
                         {labels(protocol::http_1_1, 2, reason::none), 2},
                         {labels(protocol::http_1_0, 5, reason::connection_refused), 1},
                         {labels(protocol::http_2, 0, reason::connection_refused), 1}}));
}

TEST(WorkerMetrics, ObservesTheDurationByRouteAndPhasesByUpstream) {
    worker_metrics all;
    all.count(some_record());
    EXPECT_EQ(all.durations().find(5), nullptr);
    ASSERT_NE(all.durations().find(4), nullptr);
    histogram::totals duration;
    (*all.durations().find(4))[0].add_to(duration);
    EXPECT_EQ(duration.count(), 1U);
    EXPECT_EQ(duration.sum_ns, 32'000'000U);

    ASSERT_NE(all.phases().find(5), nullptr);
    const auto& phases = *all.phases().find(5);
    for (std::size_t i = 0; i < exchange::phase_count; ++i) {
        histogram::totals one;
        phases[i].add_to(one);
        const auto p = static_cast<phase>(i);
        const bool took_time = p == phase::head || p == phase::first_byte;
        EXPECT_EQ(one.count(), took_time ? 1U : 0U) << exchange::name(p);
    }
}

TEST(WorkerMetrics, CountsAttempts) {
    worker_metrics all;
    const attempt_labels good{5, 6, true, reason::none};
    const attempt_labels bad{5, 7, false, reason::connection_timeout};
    all.count_attempt(good);
    all.count_attempt(bad);
    all.count_attempt(good);
    EXPECT_EQ(counted(all.attempts()),
              (std::map<std::uint64_t, std::uint64_t>{{good.key(), 2}, {bad.key(), 1}}));
}

TEST(WorkerMetrics, SeriesAreBoundedAndNoCountIsLost) {
    worker_metrics all;
    constexpr std::uint64_t many = 3 * worker_metrics::series_max;
    for (std::uint64_t i = 0; i < many; ++i) {
        attempt_labels one;
        one.upstream = static_cast<name_id>(i % names_max);
        one.endpoint = static_cast<name_id>(i / names_max);
        all.count_attempt(one);
    }
    const auto found = counted(all.attempts());
    EXPECT_LE(found.size(), worker_metrics::series_max);
    const attempt_labels rest{other_name, other_name, false, reason::none};
    EXPECT_TRUE(found.contains(rest.key()));
    std::uint64_t total = 0;
    for (const auto& [key, value] : found)
        total += value;
    EXPECT_EQ(total, many);
}

// D3: names give way, reasons don't.
TEST(WorkerMetrics, SumsByReasonAndClassAreExactWithoutRoom) {
    worker_metrics all;
    exchange::record of = some_record();
    constexpr int statuses[] = {0, 100, 200, 304, 404, 503};
    std::map<std::pair<std::uint8_t, reason>, std::uint64_t> expected;
    for (std::size_t i = 0; i < 5 * worker_metrics::series_max; ++i) {
        of.route = static_cast<name_id>(i % names_max);
        of.why = static_cast<reason>(i / names_max % exchange::reason_count);
        of.status = statuses[i % std::size(statuses)];
        all.count(of);
        ++expected[{static_cast<std::uint8_t>(of.status / 100), of.why}];
    }
    // A status of no known class, which RFC 9110 §15 takes for 5xx, has no room of its own.
    for (std::size_t i = 0; i < exchange::reason_count; ++i) {
        of.why = static_cast<reason>(i);
        for (const int status : statuses) {
            of.status = status;
            all.count(of);
            ++expected[{static_cast<std::uint8_t>(status / 100), of.why}];
        }
        of.status = 999;
        all.count(of);
        ++expected[{5, of.why}];
    }
    std::map<std::pair<std::uint8_t, reason>, std::uint64_t> found;
    for (const auto& [key, value] : counted(all.requests())) {
        const request_labels labels = request_labels::from_key(key);
        found[{labels.code_class, labels.why}] += value;
    }
    EXPECT_EQ(found, expected);
    EXPECT_LE(all.requests().size(), 3072U + request_labels::coarse_max);
}

TEST(HistogramTable, NamesOutOfRangeShareOneGroup) {
    histogram_table<1> table;
    EXPECT_EQ(&table.at(static_cast<name_id>(names_max)), &table.at(other_name));
    EXPECT_NE(&table.at(last_name), &table.at(other_name));
    EXPECT_EQ(table.find(static_cast<name_id>(names_max)), nullptr);
}

}  // namespace
}  // namespace penstock::proxy
