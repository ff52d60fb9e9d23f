#include "downstream/request_rules.hpp"

#include "penstock/http/error.hpp"
#include "penstock/http/path.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace penstock::downstream {
namespace {

using http::errc;
using http::field_id;
using fields = std::vector<std::pair<const char*, const char*>>;

http::request_head head_of(const char* verb, const fields& with,
                           http::version version = http::version::http_1_1) {
    http::request_head head;
    head.verb = http::method_of(verb);
    head.method_text = verb;
    head.version = version;
    for (const auto& [name, value] : with)
        head.fields.add(name, value);
    return head;
}

struct refused_case {
    const char* name;
    const char* verb;
    fields with;
    errc expected;
};

TEST(RequestRules, RefuseWhatCanBeReadInTwoWays) {
    const refused_case cases[] = {
        {"two lengths",
         "POST",
         {{"Content-Length", "1"}, {"Content-Length", "1"}},
         errc::bad_content_length},
        {"expect more",
         "POST",
         {{"Content-Length", "1"}, {"Expect", "200-ok"}},
         errc::bad_expectation},
        {"expect list",
         "POST",
         {{"Content-Length", "1"}, {"Expect", "y, 100-continue"}},
         errc::bad_expectation},
        {"expect parameters",
         "POST",
         {{"Content-Length", "1"}, {"Expect", "100-continue; x=y"}},
         errc::bad_expectation},
        {"expect twice",
         "POST",
         {{"Content-Length", "1"}, {"Expect", "100-continue"}, {"Expect", "100-continue"}},
         errc::bad_expectation},
        {"expect without body", "GET", {{"Expect", "nothing"}}, errc::bad_expectation},
    };
    for (const refused_case& item : cases) {
        http::request_head head = head_of(item.verb, item.with);
        const result<request_facts> judged = judge_request(head);
        ASSERT_FALSE(judged) << item.name;
        EXPECT_EQ(judged.error(), item.expected) << item.name;
    }
}

TEST(RequestRules, PassAnExpectationWithABodyOn) {
    http::request_head head =
        head_of("POST", {{"Content-Length", "1"}, {"Expect", "100-Continue"}});
    const result<request_facts> facts = judge_request(head);
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->expects_continue);
    EXPECT_EQ(head.fields.count(field_id::expect), 1U);
}

TEST(RequestRules, DropAnExpectationThatMeansNothing) {
    const fields with_body{{"Content-Length", "1"}, {"Expect", "100-continue"}};
    const fields empty{{"Content-Length", "0"}, {"Expect", "100-continue"}};
    const fields without{{"Expect", "100-continue"}};
    http::request_head heads[] = {head_of("POST", with_body, http::version::http_1_0),
                                  head_of("POST", empty), head_of("GET", without)};
    for (http::request_head& head : heads) {
        const result<request_facts> facts = judge_request(head);
        ASSERT_TRUE(facts);
        EXPECT_FALSE(facts->expects_continue);
        EXPECT_EQ(head.fields.count(field_id::expect), 0U);
    }
}

struct upgrade_case {
    const char* name;
    const char* verb;
    fields with;
    http::version version;
    bool websocket;
};

TEST(RequestRules, KnowWebSocketAndNoOtherUpgrade) {
    const auto v11 = http::version::http_1_1;
    const upgrade_case cases[] = {
        {"asked", "GET", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}, v11, true},
        {"any case",
         "GET",
         {{"Connection", "keep-alive, UPGRADE"}, {"Upgrade", "WebSocket"}},
         v11,
         true},
        {"empty body",
         "GET",
         {{"Connection", "upgrade"}, {"Upgrade", "websocket"}, {"Content-Length", "0"}},
         v11,
         true},
        {"no connection token", "GET", {{"Upgrade", "websocket"}}, v11, false},
        {"h2c",
         "GET",
         {{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "A"}},
         v11,
         false},
        {"post", "POST", {{"Connection", "upgrade"}, {"Upgrade", "websocket"}}, v11, false},
        {"1.0",
         "GET",
         {{"Connection", "upgrade"}, {"Upgrade", "websocket"}},
         http::version::http_1_0,
         false},
    };
    for (const upgrade_case& item : cases) {
        SCOPED_TRACE(item.name);
        http::request_head head = head_of(item.verb, item.with, item.version);
        const result<request_facts> facts = judge_request(head);
        ASSERT_TRUE(facts);
        EXPECT_EQ(facts->wants_websocket, item.websocket);
        EXPECT_EQ(head.fields.count(field_id::upgrade), 0U);
        EXPECT_EQ(head.fields.count(field_id::http2_settings), 0U);
    }
}

TEST(RequestRules, KeepWhatIsOfferedForTheRoute) {
    struct {
        const char* name;
        const char* verb;
        fields with;
        http::version version;
        const char* offered;
    } const cases[] = {
        {"post",
         "POST",
         {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}},
         http::version::http_1_1,
         "tcp"},
        {"list",
         "GET",
         {{"Connection", "upgrade"}, {"Upgrade", "a/1, b"}, {"Upgrade", "c"}},
         http::version::http_1_1,
         "a/1, b,c"},
        {"not named", "GET", {{"Upgrade", "tcp"}}, http::version::http_1_1, ""},
        {"other method",
         "PUT",
         {{"Connection", "upgrade"}, {"Upgrade", "tcp"}},
         http::version::http_1_1,
         ""},
        {"1.0",
         "GET",
         {{"Connection", "upgrade"}, {"Upgrade", "tcp"}},
         http::version::http_1_0,
         ""},
        {"nothing", "GET", {{"Connection", "upgrade"}}, http::version::http_1_1, ""},
    };
    for (const auto& item : cases) {
        http::request_head head = head_of(item.verb, item.with, item.version);
        const result<request_facts> facts = judge_request(head);
        ASSERT_TRUE(facts) << item.name;
        EXPECT_EQ(facts->upgrade, item.offered) << item.name;
        EXPECT_EQ(head.fields.count(field_id::upgrade), 0U) << item.name;
    }
}

// RFC 9110 §7.8: a server may ignore it, and what is ignored says nothing about the body.
TEST(RequestRules, LeaveABodyBehindAnUpgradeThatNobodyFollowsAlone) {
    const fields cases[] = {
        {{"Upgrade", "TLS/1.2"}, {"Connection", "Upgrade"}, {"Content-Length", "2"}},
        {{"Upgrade", "h2c"},
         {"HTTP2-Settings", "AAMAAABkAAQAAP__"},
         {"Connection", "Upgrade, HTTP2-Settings"},
         {"Content-Length", "2"}},
        {{"Upgrade", ""}, {"Connection", "Upgrade"}, {"Content-Length", "2"}},
        {{"Upgrade", "websocket"}, {"Content-Length", "2"}},
        {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Transfer-Encoding", "chunked"}},
    };
    for (const fields& with : cases) {
        SCOPED_TRACE(with[0].second);
        http::request_head head = head_of("POST", with);
        const result<request_facts> facts = judge_request(head);
        ASSERT_TRUE(facts);
        EXPECT_FALSE(facts->wants_websocket);
        EXPECT_NE(facts->framing.kind, http::framing_kind::none);
        EXPECT_EQ(head.fields.count(field_id::upgrade), 0U);
        EXPECT_EQ(head.fields.count(field_id::http2_settings), 0U);
    }
}

TEST(RequestRules, ReadKeepAliveAndTrailers) {
    http::request_head plain = head_of("GET", {});
    http::request_head closing = head_of("GET", {{"Connection", "close"}, {"TE", "trailers"}});
    http::request_head old = head_of("GET", {{"TE", "trailers"}}, http::version::http_1_0);
    const result<request_facts> of_plain = judge_request(plain);
    const result<request_facts> of_closing = judge_request(closing);
    const result<request_facts> of_old = judge_request(old);
    ASSERT_TRUE(of_plain && of_closing && of_old);
    EXPECT_TRUE(of_plain->keeps_alive);
    EXPECT_FALSE(of_plain->accepts_trailers);
    EXPECT_FALSE(of_closing->keeps_alive);
    EXPECT_TRUE(of_closing->accepts_trailers);
    EXPECT_FALSE(of_old->keeps_alive);
    EXPECT_FALSE(of_old->accepts_trailers);
}

// What is refused has its detail, and what is merged is merged for variables and the log as well.
TEST(PathRules, TellTheRecordWhatBecameOfThePath) {
    http::request_head head;
    ASSERT_TRUE(http::normalize_target("/a//b%2fc?d//e", head));
    exchange::record record;
    record.path = "/a//b%2fc?d//e";
    config::path_rules rules;
    EXPECT_FALSE(judge_path(head, rules, record));
    EXPECT_EQ(record.path, "/a//b%2fc?d//e");
    EXPECT_EQ(record.detail, "");
    rules.merge_slashes = config::merged_slashes::forward;
    EXPECT_FALSE(judge_path(head, rules, record));
    EXPECT_EQ(head.forwarded_path(), "/a/b%2fc");
    EXPECT_EQ(record.path, "/a/b%2fc?d//e");
    rules.encoded_slash = config::encoded_slash::refuse;
    EXPECT_EQ(judge_path(head, rules, record), errc::escaped_separator);
    EXPECT_EQ(record.detail, "encoded '/' or '\\' in the path");
}

}  // namespace
}  // namespace penstock::downstream
