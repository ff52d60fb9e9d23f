#include "penstock/proxy/failure.hpp"

#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace penstock::proxy {
namespace {

using exchange::reason;

TEST(FailureStatus, IsTheDocumentedOneForEveryReason) {
    const std::map<int, std::vector<reason>> others{
        {200, {reason::none}},
        {400, {reason::http_request_error, reason::plain_http, reason::ambiguous_path}},
        {404, {reason::no_route}},
        {405, {reason::http_request_denied}},
        {408, {reason::head_timeout, reason::body_timeout}},
        {413, {reason::body_too_large}},
        {414, {reason::uri_too_long}},
        {417, {reason::expectation_failed}},
        {421, {reason::misdirected_request}},
        {429, {reason::address_cap, reason::address_rate}},
        {431, {reason::request_header_too_large}},
        {499, {reason::client_gone, reason::write_timeout, reason::client_protocol_error}},
        {500, {reason::proxy_internal_error}},
        {501, {reason::transfer_coding_unknown}},
        {503,
         {reason::no_endpoint, reason::queue_full, reason::connection_limit_reached,
          reason::connection_cap, reason::draining, reason::shed_memory, reason::stalled_client,
          reason::stream_refused}},
        {504,
         {reason::connection_timeout, reason::connection_read_timeout,
          reason::connection_write_timeout, reason::tunnel_timeout, reason::deadline}},
        {505, {reason::version_unsupported}},
        {508, {reason::proxy_loop_detected}},
    };
    std::map<reason, int> expected;
    for (const auto& [status, reasons] : others) {
        for (const reason why : reasons)
            expected[why] = status;
    }
    for (std::size_t i = 0; i < exchange::reason_count; ++i) {
        const auto why = static_cast<reason>(i);
        const auto found = expected.find(why);
        EXPECT_EQ(status_of(why), found == expected.end() ? 502 : found->second)
            << exchange::token(why);
    }
}

TEST(MayBeRepeated, WhatIsIdempotentWithoutABodyWhileAttemptsAreLeft) {
    using http::method;
    const auto asked = [](method verb, bool body_empty, unsigned attempts) {
        retry_facts about;
        about.verb = verb;
        about.body_empty = body_empty;
        about.attempts = attempts;
        return may_be_repeated(about);
    };
    for (const method verb : {method::get, method::head, method::options, method::delete_}) {
        EXPECT_TRUE(asked(verb, true, 1));
        EXPECT_TRUE(asked(verb, true, 2));
        EXPECT_FALSE(asked(verb, true, 3));
        EXPECT_FALSE(asked(verb, false, 1));
    }
    EXPECT_TRUE(asked(method::put, true, 1));
    EXPECT_FALSE(asked(method::put, false, 1));
    for (const method verb : {method::post, method::patch, method::other})
        EXPECT_FALSE(asked(verb, true, 1));
}

struct retry_case {
    std::string name;
    upstream::attempt_failure failed;
    retry_facts facts;
    retry expected;
};

// What a fresh connection that closed after the request gives.
upstream::attempt_failure died() {
    upstream::attempt_failure made;
    made.why = net::errc::end_of_stream;
    made.reason = reason::connection_terminated;
    made.request_sent = true;
    return made;
}

upstream::attempt_failure stale() {
    upstream::attempt_failure made = died();
    made.reused = true;
    return made;
}

upstream::attempt_failure refused(reason why = reason::connection_refused) {
    upstream::attempt_failure made;
    made.why = net::errc::closed;
    made.reason = why;
    return made;
}

upstream::attempt_failure changed(upstream::attempt_failure from,
                                  bool upstream::attempt_failure::*what, bool to) {
    from.*what = to;
    return from;
}

retry_facts facts(http::method verb, bool body_empty, unsigned attempts, std::size_t tried,
                  std::size_t endpoints) {
    retry_facts made;
    made.verb = verb;
    made.body_empty = body_empty;
    made.attempts = attempts;
    made.tried = tried;
    made.endpoints = endpoints;
    return made;
}

void check(const std::vector<retry_case>& cases) {
    for (const retry_case& one : cases)
        EXPECT_EQ(decide_retry(one.failed, one.facts), one.expected) << one.name;
}

constexpr http::method get = http::method::get;
constexpr http::method post = http::method::post;
using failure = upstream::attempt_failure;

TEST(RetryDecision, ReplaysOverAStaleConnectionOnlyWhatIsSafe) {
    const failure unsent = changed(stale(), &failure::request_sent, false);
    check({
        {"GET", stale(), facts(get, true, 1, 1, 1), retry::fresh},
        {"DELETE", stale(), facts(http::method::delete_, true, 1, 1, 1), retry::fresh},
        {"PUT with a body", stale(), facts(http::method::put, false, 1, 1, 1), retry::no},
        {"POST", stale(), facts(post, true, 1, 1, 2), retry::no},
        {"PATCH", stale(), facts(http::method::patch, true, 1, 1, 2), retry::no},
        {"own method", stale(), facts(http::method::other, true, 1, 1, 2), retry::no},
        {"POST of which nothing left", unsent, facts(post, false, 1, 1, 1), retry::fresh},
        {"body taken", changed(unsent, &failure::body_consumed, true), facts(post, false, 1, 1, 1),
         retry::no},
        {"response begun", changed(stale(), &failure::response_begun, true),
         facts(get, true, 1, 1, 2), retry::no},
        {"at the second endpoint", stale(), facts(get, true, 2, 2, 2), retry::fresh},
        {"third attempt", stale(), facts(get, true, 3, 2, 2), retry::no},
    });
}

TEST(RetryDecision, TimeoutsOnAPooledConnectionAreNotStale) {
    failure slow = stale();
    slow.reason = reason::connection_read_timeout;
    check({{"GET", slow, facts(get, true, 1, 1, 2), retry::no}});
}

TEST(RetryDecision, GoesElsewhereAfterAConnectionThatWasNotMade) {
    for (const reason why :
         {reason::dns_error, reason::destination_unavailable, reason::connection_refused,
          reason::connection_timeout, reason::tls_protocol_error, reason::tls_certificate_error}) {
        const std::string name(exchange::token(why));
        check({
            {name, refused(why), facts(get, true, 1, 1, 2), retry::another},
            {name + " POST", refused(why), facts(post, false, 1, 1, 2), retry::another},
            {name + " one endpoint", refused(why), facts(get, true, 1, 1, 1), retry::no},
            {name + " second", refused(why), facts(get, true, 2, 2, 3), retry::another},
            {name + " all tried", refused(why), facts(get, true, 2, 2, 2), retry::no},
            {name + " third", refused(why), facts(get, true, 3, 3, 4), retry::no},
        });
    }
}

// A restart of one origin of two: the pooled connection is dead, a new one is refused.
TEST(RetryDecision, AReplayDoesNotUseUpTheOtherEndpoint) {
    check({
        {"refused after stale", refused(), facts(get, true, 2, 1, 2), retry::another},
        {"POST too", refused(), facts(post, false, 2, 1, 2), retry::another},
        {"nobody else", refused(), facts(get, true, 2, 1, 1), retry::no},
    });
}

TEST(RetryDecision, AFreshConnectionThatDiesIsWorthOneOtherEndpoint) {
    check({
        {"GET", died(), facts(get, true, 1, 1, 2), retry::another},
        {"GET again", died(), facts(get, true, 2, 2, 3), retry::no},
        {"GET with a body", died(), facts(get, false, 1, 1, 2), retry::no},
        {"POST", died(), facts(post, true, 1, 1, 2), retry::no},
        {"one endpoint", died(), facts(get, true, 1, 1, 1), retry::no},
        {"response begun", changed(died(), &failure::response_begun, true),
         facts(get, true, 1, 1, 2), retry::no},
    });
}

TEST(RetryDecision, OtherFailuresStand) {
    for (const reason why :
         {reason::connection_read_timeout, reason::connection_write_timeout,
          reason::connection_limit_reached, reason::queue_full, reason::no_endpoint,
          reason::http_protocol_error, reason::proxy_internal_error, reason::deadline,
          reason::client_gone, reason::draining, reason::interim_flood}) {
        check({{std::string(exchange::token(why)), refused(why), facts(get, true, 1, 1, 3),
                retry::no}});
    }
}

}  // namespace
}  // namespace penstock::proxy
