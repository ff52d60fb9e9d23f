#include "proxy/head_edits.hpp"

#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

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

void edit_request(http::request_head& head, const config::header_edits& by) {
    const asked of;
    std::string scratch;
    head_edits(by, text_place::request_header).apply(head, of.facts(), scratch);
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
    http::request_head head;
    head.authority = "a.test";
    head.fields.add("X-A", "1");
    edit_request(head, {});
    EXPECT_EQ(head.authority, "a.test");
    EXPECT_EQ(lines_of(head.fields), (lines{{"X-A", "1"}}));
}

TEST(HeadEdits, SettingHostRewritesTheAuthority) {
    config::header_edits by;
    by.set = {{"Host", "inner.test:8080"}};
    http::request_head head;
    head.authority = "outer.test";
    edit_request(head, by);
    EXPECT_EQ(head.authority, "inner.test:8080");
    EXPECT_TRUE(head.fields.empty());
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
