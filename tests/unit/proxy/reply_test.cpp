#include "penstock/proxy/failure.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

using exchange::reason;

std::string body_of(const exchange::response& of) {
    if (!of.body)
        return {};
    return std::string(*of.body->take(64 * 1024));
}

std::string value_of(const exchange::response& of, std::string_view name) {
    return std::string(of.head.fields.find(name).value_or("absent"));
}

TEST(OwnReply, IsAProblemDocument) {
    const exchange::response made = make_reply({reason::no_route, "abc123", false});
    EXPECT_EQ(made.head.status, 404);
    EXPECT_EQ(value_of(made, "Content-Type"), "application/problem+json");
    EXPECT_EQ(value_of(made, "Cache-Control"), "no-store");
    EXPECT_EQ(value_of(made, "Proxy-Status"), "penstock; error=no_route");
    EXPECT_EQ(value_of(made, "X-Request-Id"), "abc123");
    EXPECT_EQ(value_of(made, "Retry-After"), "absent");
    EXPECT_EQ(value_of(made, "Server"), "absent");
    ASSERT_TRUE(made.body);
    const auto length = made.body->length();
    const std::string body = body_of(made);
    EXPECT_EQ(length, body.size());
    EXPECT_EQ(body, R"({"type":"about:blank","title":"Not Found","status":404,"reason":"no_route",)"
                    R"("request_id":"abc123"})"
                    "\n");
}

// RFC 9209 §2.1.5: a string, which nothing may end early.
TEST(OwnReply, ShowsDetailsInProxyStatusAlone) {
    const exchange::response made =
        make_reply({reason::http_request_error, "abc123", false, "encoded NUL in path"});
    EXPECT_EQ(value_of(made, "Proxy-Status"),
              "penstock; error=http_request_error; details=\"encoded NUL in path\"");
    EXPECT_EQ(body_of(made).find("NUL"), std::string::npos);
    const exchange::response escaped =
        make_reply({reason::ambiguous_path, "id", false, "'/' or '\\' and \"x\""});
    EXPECT_EQ(value_of(escaped, "Proxy-Status"),
              R"(penstock; error=ambiguous_path; details="'/' or '\\' and \"x\"")");
    for (const char* const odd : {"a\x01", "a\xc3\xa4", "a\r\nb: c"}) {
        const exchange::response bare = make_reply({reason::http_request_error, "id", false, odd});
        EXPECT_EQ(value_of(bare, "Proxy-Status"), "penstock; error=http_request_error");
    }
}

TEST(OwnReply, TellsClientsWithoutTlsWhatToDo) {
    for (const bool html : {false, true}) {
        const exchange::response made = make_reply({reason::plain_http, "abc123", html});
        EXPECT_EQ(made.head.status, 400);
        EXPECT_NE(body_of(made).find("This port speaks TLS. Ask for it by https://."),
                  std::string::npos);
    }
}

TEST(OwnReply, IsHtmlForBrowsers) {
    const exchange::response made = make_reply({reason::connection_refused, "abc123", true});
    EXPECT_EQ(made.head.status, 502);
    EXPECT_EQ(value_of(made, "Content-Type"), "text/html; charset=utf-8");
    const std::string body = body_of(made);
    EXPECT_TRUE(body.starts_with("<!doctype html>")) << body;
    EXPECT_NE(body.find("<title>502 Bad Gateway</title>"), std::string::npos) << body;
    EXPECT_NE(body.find("<code>connection_refused</code>"), std::string::npos) << body;
    EXPECT_NE(body.find("<code>abc123</code>"), std::string::npos) << body;
}

TEST(OwnReply, HasAPhraseAndItsTokenForEveryReason) {
    for (std::size_t i = 1; i < exchange::reason_count; ++i) {
        const auto why = static_cast<reason>(i);
        const std::string token(exchange::token(why));
        const exchange::response made = make_reply({why, "id", false});
        EXPECT_EQ(made.head.status, status_of(why)) << token;
        EXPECT_EQ(value_of(made, "Proxy-Status"), "penstock; error=" + token);
        const std::string body = body_of(made);
        EXPECT_NE(body.find("\"reason\":\"" + token + "\""), std::string::npos) << body;
        EXPECT_EQ(body.find("\"title\":\"\""), std::string::npos) << body;
        EXPECT_EQ(value_of(made, "Retry-After"),
                  made.head.status == 503 || made.head.status == 429 ? "5" : "absent")
            << token;
        EXPECT_EQ(made.head.fields.find("allow").has_value(), made.head.status == 405) << token;
    }
}

// Item 17: in whole seconds, and never sooner than the limit ends.
TEST(OwnReply, SaysWhenTheLimitEnds) {
    struct {
        milliseconds until;
        std::string expected;
    } const cases[] = {{1ms, "1"},    {999ms, "1"}, {1000ms, "1"},
                       {1001ms, "2"}, {75s, "75"},  {0ms, "5"}};
    for (const auto& one : cases) {
        own_reply about{reason::connection_cap, "id", false};
        about.retry_after = one.until;
        EXPECT_EQ(value_of(make_reply(about), "Retry-After"), one.expected);
    }
}

TEST(OwnReply, LeavesAnEmptyIdOut) {
    EXPECT_EQ(value_of(make_reply({reason::no_route, "", false}), "X-Request-Id"), "absent");
}

TEST(PrefersHtml, LooksAtAcceptOnly) {
    http::fields none;
    EXPECT_FALSE(prefers_html(none));
    for (const std::string json : {"*/*", "application/json", "text/plain", "application/xhtml"}) {
        http::fields of;
        of.add("Accept", json);
        EXPECT_FALSE(prefers_html(of)) << json;
    }
    http::fields browser;
    browser.add("accept", "application/xml, text/html;q=0.9");
    EXPECT_TRUE(prefers_html(browser));
}

}  // namespace
}  // namespace penstock::proxy
