#include "penstock/exchange/record.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace penstock::exchange {
namespace {

const time_point start = time_point() + 1h;

nanoseconds sum_of(const ledger& of) {
    nanoseconds sum{0};
    for (std::size_t i = 0; i < phase_count; ++i)
        sum += of.spent(static_cast<phase>(i));
    return sum;
}

TEST(Phase, HasANameOfItsOwn) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < phase_count; ++i)
        EXPECT_TRUE(seen.insert(name(static_cast<phase>(i))).second) << i;
    EXPECT_EQ(seen.count(""), 0U);
    EXPECT_EQ(name(phase::tls), "tls");
    EXPECT_EQ(name(phase::pool_wait), "pool_wait");
    EXPECT_EQ(name(phase::first_byte), "first_byte");
    EXPECT_EQ(name(phase::client_blocked), "client_blocked");
    EXPECT_EQ(name(phase::retry), "retry");
}

TEST(Ledger, ChargesOnePhaseAtATime) {
    ledger time;
    time.start(start, phase::head);
    time.enter(phase::loop, start + 3ms);
    time.enter(phase::connect, start + 5ms);
    EXPECT_EQ(time.current(), phase::connect);
    time.enter(phase::first_byte, start + 25ms);
    time.enter(phase::loop, start + 65ms);
    time.finish(start + 66ms);
    EXPECT_EQ(time.began(), start);
    EXPECT_EQ(time.spent(phase::head), 3ms);
    EXPECT_EQ(time.spent(phase::loop), 3ms);
    EXPECT_EQ(time.spent(phase::connect), 20ms);
    EXPECT_EQ(time.spent(phase::first_byte), 40ms);
    EXPECT_EQ(time.total(), 66ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Ledger, AddsUpWhenAPhaseIsEnteredAgain) {
    ledger time;
    time.start(start, phase::response);
    time.enter(phase::client_blocked, start + 1ms);
    time.enter(phase::response, start + 3ms);
    time.enter(phase::response, start + 4ms);
    time.finish(start + 7ms);
    EXPECT_EQ(time.spent(phase::response), 5ms);
    EXPECT_EQ(time.spent(phase::client_blocked), 2ms);
    EXPECT_EQ(sum_of(time), time.total());
}

// A turn of the loop has one time, which may lie before a moment that was read off the clock.
TEST(Ledger, CountsEarlierTimesAsNoTime) {
    ledger time;
    time.start(start, phase::head);
    time.enter(phase::loop, start + 10ms);
    time.enter(phase::connect, start + 4ms);
    EXPECT_EQ(time.spent(phase::loop), 0ms);
    time.enter(phase::send, start + 12ms);
    EXPECT_EQ(time.spent(phase::connect), 2ms);
    time.finish(start + 11ms);
    EXPECT_EQ(time.total(), 12ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Ledger, PrependsWhatWasPaidBefore) {
    ledger time;
    time.start(start, phase::head);
    time.prepend(phase::tls, 7ms);
    time.finish(start + 1ms);
    EXPECT_EQ(time.began(), start - 7ms);
    EXPECT_EQ(time.spent(phase::tls), 7ms);
    EXPECT_EQ(time.total(), 8ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Ledger, MovesAGivenUpAttemptToRetry) {
    ledger time;
    time.start(start, phase::head);
    constexpr phase tried[] = {phase::dns,          phase::pool_wait, phase::connect,
                               phase::upstream_tls, phase::send,      phase::first_byte};
    time_point now = start + 1ms;
    for (const phase p : tried) {
        time.enter(p, now);
        now += 2ms;
    }
    time.enter(phase::loop, now);
    time.give_up_attempt();
    for (const phase p : tried)
        EXPECT_EQ(time.spent(p), 0ms) << name(p);
    EXPECT_EQ(time.spent(phase::retry), 12ms);
    EXPECT_EQ(time.spent(phase::head), 1ms);
    // The next attempt begins at nothing; a second one that is given up adds to the first.
    time.enter(phase::connect, now);
    time.enter(phase::loop, now + 5ms);
    time.give_up_attempt();
    time.finish(now + 6ms);
    EXPECT_EQ(time.spent(phase::retry), 17ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Ledger, RechargesNoMoreThanIsThere) {
    ledger time;
    time.start(start, phase::connect);
    time.enter(phase::loop, start + 10ms);
    time.recharge(phase::connect, phase::upstream_tls, 4ms);
    EXPECT_EQ(time.spent(phase::connect), 6ms);
    EXPECT_EQ(time.spent(phase::upstream_tls), 4ms);
    time.recharge(phase::connect, phase::upstream_tls, 40ms);
    time.recharge(phase::connect, phase::upstream_tls, -40ms);
    EXPECT_EQ(time.spent(phase::connect), 0ms);
    EXPECT_EQ(time.spent(phase::upstream_tls), 10ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Ledger, BeginsAnewWhenItIsUsedAgain) {
    ledger time;
    time.start(start, phase::head);
    time.prepend(phase::tls, 7ms);
    time.finish(start + 5ms);
    time.start(start + 1s, phase::head);
    EXPECT_EQ(time.total(), 0ms);
    EXPECT_EQ(sum_of(time), 0ms);
    time.finish(start + 1s + 2ms);
    EXPECT_EQ(time.spent(phase::head), 2ms);
    EXPECT_EQ(sum_of(time), time.total());
}

TEST(Record, IsAsNewOnceCleared) {
    record used;
    used.ledger.start(start, phase::head);
    used.ledger.finish(start + 5ms);
    used.listener = used.route = used.upstream = used.endpoint = 9;
    used.generation = 3;
    used.worker = 1;
    used.http2 = used.http10 = used.tls = used.upgraded = used.upstream_reused = true;
    used.request_complete = used.response_complete = true;
    used.attempts = 2;
    used.status = used.upstream_status = 502;
    used.why = reason::deadline;
    used.request_bytes = used.response_bytes = 77;
    used.client = used.method = used.host = used.path = used.request_id = used.user_agent = "x";
    used.clear();
    EXPECT_EQ(used.ledger.total(), 0ms);
    EXPECT_EQ(sum_of(used.ledger), 0ms);
    EXPECT_EQ(used.listener + used.route + used.upstream + used.endpoint, 0);
    EXPECT_EQ(used.generation + used.worker + used.attempts, 0U);
    EXPECT_FALSE(used.http2 || used.http10 || used.tls || used.upgraded || used.upstream_reused);
    EXPECT_FALSE(used.request_complete || used.response_complete);
    EXPECT_EQ(used.status + used.upstream_status, 0);
    EXPECT_EQ(used.why, reason::none);
    EXPECT_EQ(used.request_bytes + used.response_bytes, 0U);
    for (const std::string* const text :
         {&used.client, &used.method, &used.host, &used.path, &used.request_id, &used.user_agent})
        EXPECT_EQ(*text, "");
}

TEST(Record, KeepsTheRoomOfItsTexts) {
    record used;
    std::string* const texts[] = {&used.client, &used.method,     &used.host,
                                  &used.path,   &used.request_id, &used.user_agent};
    for (std::string* const text : texts)
        text->assign(1000, 'x');
    used.clear();
    for (const std::string* const text : texts)
        EXPECT_GE(text->capacity(), 1000U);
}

}  // namespace
}  // namespace penstock::exchange
