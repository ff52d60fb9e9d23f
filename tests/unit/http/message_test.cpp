#include "penstock/http/message.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::http {
namespace {

constexpr std::pair<std::string_view, method> methods[] = {
    {"GET", method::get},         {"HEAD", method::head},   {"POST", method::post},
    {"PUT", method::put},         {"PATCH", method::patch}, {"DELETE", method::delete_},
    {"OPTIONS", method::options}, {"TRACE", method::trace}, {"CONNECT", method::connect},
};

TEST(Method, IsKnownByItsName) {
    for (const auto& [name, verb] : methods)
        EXPECT_EQ(method_of(name), verb) << name;
}

TEST(Method, IsOtherForEveryNeighbour) {
    for (const auto& [name, verb] : methods) {
        const std::string text(name);
        EXPECT_EQ(method_of(text + "X"), method::other);
        EXPECT_EQ(method_of(text.substr(1)), method::other);
        EXPECT_EQ(method_of(text.substr(0, text.size() - 1)), method::other);
        for (std::size_t i = 0; i < text.size(); ++i) {
            std::string changed = text;
            changed[i] = static_cast<char>(changed[i] | 0x20);
            EXPECT_EQ(method_of(changed), method::other) << changed;
        }
    }
    for (const std::string_view text : {"", "PROPFIND", "QUERY", "PRI", "BREW"})
        EXPECT_EQ(method_of(text), method::other) << text;
}

TEST(Method, IsIdempotentByDefinitionOnly) {
    for (const method verb :
         {method::get, method::head, method::put, method::delete_, method::options, method::trace})
        EXPECT_TRUE(idempotent(verb));
    for (const method verb : {method::post, method::patch, method::connect, method::other})
        EXPECT_FALSE(idempotent(verb));
}

TEST(RequestHead, ClearLeavesNothingBehind) {
    request_head head;
    head.verb = method::post;
    head.method_text = "POST";
    head.scheme = "https";
    head.authority = "a";
    head.path = "/";
    head.sent_path = "//";
    head.escaped_slash = true;
    head.query = "?b";
    head.version = version::http_1_0;
    head.fields.add("A", "1");
    head.clear();
    EXPECT_EQ(head.sent_path, "");
    EXPECT_FALSE(head.escaped_slash);
    EXPECT_EQ(head.verb, method::get);
    EXPECT_EQ(head.method_text + std::string(head.scheme) + head.authority + head.path + head.query,
              "");
    EXPECT_EQ(head.version, version::http_1_1);
    EXPECT_TRUE(head.fields.empty());
}

TEST(RequestHead, HostIsTheAuthorityWithoutPortAndDot) {
    constexpr std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"a.example", "a.example"},
        {"a.example:8080", "a.example"},
        {"a.example.:8080", "a.example"},
        {"a.example.", "a.example"},
        {"[::1]", "[::1]"},
        {"[::1]:443", "[::1]"},
    };
    for (const auto& [authority, host] : cases) {
        request_head head;
        head.authority = authority;
        EXPECT_EQ(head.host(), host);
    }
}

TEST(ResponseHead, ClearLeavesNothingBehind) {
    response_head head;
    head.status = 404;
    head.reason_phrase = "Nope";
    head.version = version::http_1_0;
    head.fields.add("A", "1");
    head.clear();
    EXPECT_EQ(head.status, 0);
    EXPECT_EQ(head.reason_phrase, "");
    EXPECT_EQ(head.version, version::http_1_1);
    EXPECT_TRUE(head.fields.empty());
}

TEST(ReasonPhrase, IsTheStandardOne) {
    EXPECT_EQ(reason_phrase(100), "Continue");
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(204), "No Content");
    EXPECT_EQ(reason_phrase(304), "Not Modified");
    EXPECT_EQ(reason_phrase(404), "Not Found");
    EXPECT_EQ(reason_phrase(413), "Content Too Large");
    EXPECT_EQ(reason_phrase(502), "Bad Gateway");
    EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
}

TEST(ReasonPhrase, IsEmptyForUnknownStatuses) {
    for (const int status : {-1, 0, 99, 104, 199, 299, 306, 418, 430, 510, 512, 600, 999})
        EXPECT_EQ(reason_phrase(status), "") << status;
}

// The look-up is a binary search, so one number out of order would hide others.
TEST(ReasonPhrase, OfEveryStatusIsFoundAndItsOwn) {
    std::set<std::string_view> seen;
    for (int status = 0; status < 1000; ++status) {
        const std::string_view phrase = reason_phrase(status);
        if (!phrase.empty()) {
            EXPECT_TRUE(seen.insert(phrase).second) << phrase;
        }
    }
    EXPECT_EQ(seen.size(), 61U);
}

}  // namespace
}  // namespace penstock::http
