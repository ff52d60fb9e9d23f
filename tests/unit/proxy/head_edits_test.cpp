#include "proxy/head_edits.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace penstock::proxy {
namespace {

using lines = std::vector<std::pair<std::string, std::string>>;

lines lines_of(const http::fields& of) {
    lines made;
    for (const http::fields::field field : of)
        made.emplace_back(field.name, field.value);
    return made;
}

TEST(HeadEdits, RemoveThenSetThenAdd) {
    config::header_edits by;
    by.remove = {"x-gone", "X-Anew"};
    by.set = {{"X-Anew", "set"}, {"X-There", "set"}};
    by.add = {{"X-There", "added"}, {"X-There", "twice"}};
    http::response_head head;
    for (const char* const name : {"X-Gone", "X-There", "X-GONE", "X-Anew", "X-Kept", "x-there"})
        head.fields.add(name, "origin");
    edit_response(head, by);
    EXPECT_EQ(lines_of(head.fields), (lines{{"X-There", "set"},
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

}  // namespace
}  // namespace penstock::proxy
