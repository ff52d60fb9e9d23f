#include "proxy/head_edits.hpp"

#include "penstock/http/error.hpp"
#include "penstock/http/forwarding.hpp"
#include "proxy/compiled_route.hpp"
#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::proxy {
namespace {

using config::text_place;
using test::asked;

using lines = std::vector<std::pair<std::string, std::string>>;

lines lines_of(const http::fields& of) {
    lines made;
    for (const http::fields::field field : of)
        made.emplace_back(field.name, field.value);
    return made;
}

// What edits make of a response's fields for a client that asked like that.
lines edited(const config::header_edits& by, const asked& of, http::response_head head = {}) {
    std::string scratch;
    head_edits(by, text_place::response_header).apply(head, of.facts(), scratch);
    return lines_of(head.fields);
}

// A request on its way through a route that forwards it, as the handler takes it: the texts read
// the fields of the request that is edited.
class passage {
 public:
    explicit passage(const config::route& from) : settings_(from) {
        settings_.upstream = "app";
        in_.upstreams.emplace_back().name = "app";
        made_.emplace(settings_, in_);
    }
    [[nodiscard]] result<void> to_origin(asked& of) const {
        std::string scratch;
        keep_fields(of.request, made_->fields_read);
        http::strip_hop_by_hop(of.request.head.fields);
        http::forwarded_facts ours;
        ours.way = "192.0.2.7";
        std::string text;
        http::set_forwarding(of.request.head.fields, ours, text);
        return made_->request_edits.apply(of.request.head, of.facts(), scratch);
    }
    [[nodiscard]] lines to_client(const asked& of) const {
        std::string scratch;
        http::response_head head;
        made_->response_edits.apply(head, of.facts(), scratch);
        return lines_of(head.fields);
    }
    [[nodiscard]] const std::vector<std::string>& fields_read() const { return made_->fields_read; }

 private:
    config::route settings_;
    config::model in_;
    std::optional<compiled_route> made_;
};

config::route with_request_edits(const config::header_edits& by) {
    config::route made;
    made.request_headers = by;
    return made;
}

// What the origin gets of it, but for what it is told of the client.
lines sent(asked& of, const config::header_edits& by) {
    EXPECT_TRUE(passage(with_request_edits(by)).to_origin(of));
    of.request.head.fields.remove("X-Real-IP");
    of.request.head.fields.remove("X-Forwarded-For");
    return lines_of(of.request.head.fields);
}

TEST(HeadEdits, RemoveThenSetThenAdd) {
    config::header_edits by;
    by.remove = {"x-gone", "X-Anew"};
    by.set = {{"X-Anew", "set"}, {"X-There", "set"}};
    by.add = {{"X-There", "added"}, {"X-There", "twice"}};
    http::response_head head;
    for (const char* const name : {"X-Gone", "X-There", "X-GONE", "X-Anew", "X-Kept", "x-there"})
        head.fields.add(name, "origin");
    EXPECT_EQ(edited(by, asked(), head), (lines{{"X-There", "set"},
                                                {"X-Kept", "origin"},
                                                {"X-Anew", "set"},
                                                {"X-There", "added"},
                                                {"X-There", "twice"}}));
}

TEST(HeadEdits, WithoutAnyNothingChanges) {
    asked of;
    of.request.head.fields.add("X-A", "1");
    EXPECT_EQ(sent(of, {}), (lines{{"X-A", "1"}}));
    EXPECT_EQ(of.request.head.authority, "a.test");
    EXPECT_EQ(of.request.kept, nullptr);
}

TEST(HeadEdits, SettingHostRewritesTheAuthority) {
    config::header_edits by;
    by.set = {{"Host", "inner.test:8080"}};
    asked of;
    EXPECT_EQ(sent(of, by), lines{});
    EXPECT_EQ(of.request.head.authority, "inner.test:8080");
}

// What is no host is refused as a fault of the request, like that of a rewrite; what is one gets
// its one form.
TEST(HeadEdits, RefuseAHostThatIsNone) {
    config::header_edits by;
    by.set = {{"Host", "${header.X-Tenant}"}};
    const passage through(with_request_edits(by));
    for (const char* const bad : {"a b", "A.Example:80:90", "a/b", "a,b", "a:99999", "a..b"}) {
        asked of;
        of.request.head.fields.add("X-Tenant", bad);
        const result<void> made = through.to_origin(of);
        ASSERT_FALSE(made) << bad;
        EXPECT_EQ(made.error(), http::errc::bad_host) << bad;
    }
    asked of;
    of.request.head.fields.add("X-Tenant", "A.Example:80");
    ASSERT_TRUE(through.to_origin(of));
    EXPECT_EQ(of.request.head.authority, "a.example:80");
    EXPECT_FALSE(of.request.head.fields.find("Host"));
    // A text that comes to nothing is not set.
    asked without;
    ASSERT_TRUE(through.to_origin(without));
    EXPECT_EQ(without.request.head.authority, "a.test");
}

// Variables are what the client sent, whatever has become of the head by then.
TEST(HeadEdits, ReadTheHeadThatTheClientSent) {
    config::header_edits by;
    by.remove = {"X-Old"};
    by.set = {{"X-New", "${header.X-Old}"},
              {"X-Swap", "${header.X-Other}"},
              {"X-Other", "${header.X-Swap}"},
              {"X-Way", "${header.X-Path}"},
              {"X-Hop", "${header.Connection}, ${header.X-Named}"}};
    by.add = {{"X-Twice", "${header.X-New}"}, {"X-Crumb", "${cookie.k}"}};
    by.remove.emplace_back("Cookie");
    asked of;
    for (const auto& [name, value] : lines{{"X-Old", "old"},
                                           {"X-Swap", "1"},
                                           {"X-Other", "2"},
                                           {"X-Path", "6.6.6.6"},
                                           {"Connection", "X-Named"},
                                           {"X-Named", "named"},
                                           {"Cookie", "k=v"}})
        of.request.head.fields.add(name, value);
    EXPECT_EQ(sent(of, by), (lines{{"X-Swap", "2"},
                                   {"X-Other", "1"},
                                   {"X-Path", "6.6.6.6"},
                                   {"X-New", "old"},
                                   {"X-Way", "6.6.6.6"},
                                   {"X-Hop", "X-Named, named"},
                                   {"X-Crumb", "v"}}));
}

TEST(HeadEdits, EchoAFieldThatTheOriginDoesNotGet) {
    config::route cors;
    cors.request_headers.remove = {"Origin"};
    cors.response_headers.set = {{"Access-Control-Allow-Origin", "${header.Origin}"}};
    const passage through(cors);
    asked of;
    of.request.head.fields.add("origin", "https://app.test");
    ASSERT_TRUE(through.to_origin(of));
    EXPECT_FALSE(of.request.head.fields.find("Origin"));
    EXPECT_EQ(through.to_client(of), (lines{{"Access-Control-Allow-Origin", "https://app.test"}}));
}

TEST(HeadEdits, KeepOnlyTheFieldsThatTextsRead) {
    config::route by;
    by.request_headers.set = {{"A", "${header.X-A} ${host} ${header.x-a}"}};
    by.response_headers.add = {{"B", "${cookie.k}${cookie.l}"}, {"C", "plain"}};
    by.rewrite.path = "/${header.X-Path}";
    by.rewrite.host = "${header.X-Host}";
    EXPECT_EQ(passage(by).fields_read(),
              (std::vector<std::string>{"X-Path", "X-Host", "X-A", "Cookie"}));
    EXPECT_TRUE(passage(with_request_edits({})).fields_read().empty());
}

TEST(HeadEdits, PutVariablesIn) {
    config::header_edits by;
    by.set = {{"X-From", "${client.ip} over ${scheme}, $$5 and $6"}};
    by.add = {{"X-Wants", "<${header.accept}>"}};
    asked of;
    of.request.head.fields.add("Accept", "a \"x\"");
    EXPECT_EQ(edited(by, of),
              (lines{{"X-From", "192.0.2.7 over http, $5 and $6"}, {"X-Wants", "<a \"x\">"}}));
}

// The value of a variable that is not there would be an empty field.
TEST(HeadEdits, LeaveOutWhatComesToNothing) {
    config::header_edits by;
    by.set = {{"X-A", "${header.x-none}"}, {"X-Empty", ""}};
    by.add = {{"X-B", "${cookie.none}"}};
    http::response_head head;
    head.fields.add("X-A", "origin");
    EXPECT_EQ(edited(by, asked(), head), (lines{{"X-Empty", ""}}));
}

TEST(HeadEdits, LeaveNoBlankAtAnEnd) {
    config::header_edits by;
    by.set = {{"X-A", "${header.x-none} a ${header.x-none}"}};
    by.add = {{"X-B", " ${cookie.none}\t"}};
    EXPECT_EQ(edited(by, asked()), (lines{{"X-A", "a"}}));
}

// As a redirect's: what begins as a path, or names a host, stays one.
TEST(HeadEdits, LeadALocationToNoOtherHost) {
    const auto location = [](const std::string& text) {
        config::header_edits by;
        by.set = {{"location", text}};
        return edited(by, asked("/evil.com")).front().second;
    };
    EXPECT_EQ(location("/${cookie.lang}${path}"), "/evil.com");
    EXPECT_EQ(location("https://${cookie.host}${path}"), "/evil.com");
    EXPECT_EQ(location("https://b.test${path}"), "https://b.test/evil.com");
    EXPECT_EQ(location("//b.test/x"), "//b.test/x");
    EXPECT_EQ(location("//b.test${path}"), "//b.test/evil.com");
}

TEST(HeadEdits, LeadAContentLocationAndARefreshToNoOtherHost) {
    const auto edit = [](const std::string& name, const std::string& text) {
        config::header_edits by;
        by.set = {{name, text}};
        return edited(by, asked("/?a=/evil.com")).front().second;
    };
    EXPECT_EQ(edit("Content-Location", "/${arg.a}"), "/evil.com");
    EXPECT_EQ(edit("refresh", "0; url=/${arg.a}"), "0; url=/evil.com");
    EXPECT_EQ(edit("Refresh", "5, URL = '/${arg.a}'"), "5, URL = '/evil.com'");
    EXPECT_EQ(edit("Refresh", "0; url=https://b.test/${arg.a}"), "0; url=https://b.test//evil.com");
    EXPECT_EQ(edit("Refresh", "0; url=${arg.a}"), "0; url=/evil.com");
    EXPECT_EQ(edit("Refresh", "5"), "5");
    EXPECT_EQ(edit("X-Other", "/${arg.a}"), "//evil.com");
}

// RFC 6797 §7.2.
TEST(HeadEdits, LeaveStrictTransportSecurityOutOfPlainConnections) {
    config::header_edits by;
    by.set = {{"strict-transport-security", "max-age=1"}, {"X-A", "1"}};
    by.add = {{"Strict-Transport-Security", "max-age=2"}};
    EXPECT_EQ(edited(by, asked("/", "a.test", "http")), (lines{{"X-A", "1"}}));
    EXPECT_EQ(edited(by, asked("/", "a.test", "https")),
              (lines{{"strict-transport-security", "max-age=1"},
                     {"X-A", "1"},
                     {"Strict-Transport-Security", "max-age=2"}}));
}

}  // namespace
}  // namespace penstock::proxy
