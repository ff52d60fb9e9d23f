#include "proxy/rewriting.hpp"

#include "penstock/http/error.hpp"
#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

using test::asked;

config::route strips(const std::string& prefix) {
    config::route made;
    made.rewrite.strip_prefix = prefix;
    return made;
}

config::route replaces(const std::string& matched, const std::string& by) {
    config::route made;
    made.match.path_kind = config::path_match::prefix;
    made.match.path = matched;
    made.rewrite.prefix = by;
    return made;
}

// The path that leaves; what is wrong with it where it cannot.
std::string rewritten(const config::route& by, std::string_view target) {
    asked of(target);
    std::string scratch;
    const result<void> made = rewriting(by).apply(of.request.head, of.facts(), scratch);
    return made ? of.request.head.forwarded_path() + of.request.head.query : made.error().message();
}

TEST(Rewriting, StripsAPrefixOfWholeSegments) {
    for (const char* const prefix : {"/api", "/api/"}) {
        const config::route by = strips(prefix);
        EXPECT_EQ(rewritten(by, "/api/users?a=b"), "/users?a=b");
        EXPECT_EQ(rewritten(by, "/api"), "/");
        EXPECT_EQ(rewritten(by, "/api/"), "/");
        EXPECT_EQ(rewritten(by, "/apix/a"), "/apix/a");
        EXPECT_EQ(rewritten(by, "/api%2fx"), "/api%2fx");
        EXPECT_EQ(rewritten(by, "/other"), "/other");
    }
}

TEST(Rewriting, LeavesWhatStandsBehindAsItCame) {
    const config::route by = strips("/api/v1");
    EXPECT_EQ(rewritten(by, "/%61pi//v1/x//y/%7e/%2f"), "/x//y/%7e/%2f");
    EXPECT_EQ(rewritten(by, "/a/../api/v%31/%e4"), "/%e4");
    EXPECT_EQ(rewritten(by, "/api/v1//x"), "/x");
    EXPECT_EQ(rewritten(by, "//api/./v1"), "/");
}

TEST(Rewriting, ReplacesTheMatchedPrefix) {
    EXPECT_EQ(rewritten(replaces("/api/", "/v2"), "/api/users//a"), "/v2/users//a");
    EXPECT_EQ(rewritten(replaces("/api/", "/v2/"), "/api/users"), "/v2/users");
    EXPECT_EQ(rewritten(replaces("/api", "/v2"), "/api"), "/v2");
    EXPECT_EQ(rewritten(replaces("/api", "/v2"), "/apis/x"), "/v2s/x");
    EXPECT_EQ(rewritten(replaces("/", "/v2"), "/x"), "/v2/x");
    EXPECT_EQ(rewritten(replaces("/api/", "/"), "/api/x"), "/x");
    EXPECT_EQ(rewritten(replaces("/api", "/"), "/api"), "/");
}

// What is left over may have become another path.
TEST(Rewriting, ReadsItsResultAgain) {
    const std::string dots = error(http::errc::ambiguous_segment).message();
    EXPECT_EQ(rewritten(replaces("/x", "/a/b/"), "/x/.y"), "/a/b/.y");
    EXPECT_EQ(rewritten(replaces("/x", "/a/b/"), "/x../c"), "/a/b../c");
    for (const char* const target : {"/x..%2fa", "/x..", "/x.", "/x%2e%2e/c", "/x./c"})
        EXPECT_EQ(rewritten(replaces("/x", "/"), target), dots) << target;
}

TEST(Rewriting, PutsAWholePathIn) {
    const std::string dots = error(http::errc::ambiguous_segment).message();
    config::route by;
    by.rewrite.path = "/x/${arg.id}/${header.x-a}${path}";
    EXPECT_EQ(rewritten(by, "/a//b?id=1/2"), "/x/1%2F2//a//b?id=1/2");
    by.rewrite.path = "/x/${arg.id}/y";
    for (const char* const target :
         {"/a?id=..", "/a?id=%2E.", "/a?id=.", "/a?id=../..", "/a?id=..%5c"})
        EXPECT_EQ(rewritten(by, target), dots) << target;
    EXPECT_EQ(rewritten(by, "/a?id=..."), "/x/.../y?id=...");
}

// No origin takes the next segment for a host.
TEST(Rewriting, BeginsAPathWithOneSlash) {
    config::route by;
    by.rewrite.path = "/${arg.lang}${path}";
    EXPECT_EQ(rewritten(by, "/evil.com"), "/evil.com");
    by.rewrite.path = "/${arg.lang}/${arg.page}";
    EXPECT_EQ(rewritten(by, "/?page=evil.com"), "/evil.com?page=evil.com");
}

TEST(Rewriting, PutsAHostIn) {
    config::route by;
    by.rewrite.host = "Inner.${host}";
    asked of("/a", "a.test:81");
    std::string scratch;
    ASSERT_TRUE(rewriting(by).apply(of.request.head, of.facts(), scratch));
    EXPECT_EQ(of.request.head.authority, "inner.a.test");
    EXPECT_EQ(of.request.head.forwarded_path(), "/a");
    by.rewrite.host = "${arg.h}";
    const result<void> none = rewriting(by).apply(of.request.head, of.facts(), scratch);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error(), http::errc::bad_host);
}

}  // namespace
}  // namespace penstock::proxy
