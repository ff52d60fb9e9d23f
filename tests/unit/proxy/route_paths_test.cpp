// Paths of routes as configurations write them, against targets as clients send them.
#include "penstock/config/load.hpp"
#include "penstock/http/path.hpp"
#include "penstock/proxy/router.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

config::loaded load_match(const std::string& kind, const std::string& path) {
    return config::load_text(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nroutes: [{match: {path: {" + kind + ": '" +
            path + "'}}, respond: {status: 403}}]\n",
        "p.yaml");
}

bool matches(const config::model& of, const std::string& target) {
    http::request_head head;
    if (!http::normalize_target(target, head))
        return false;
    return router(of.routes).find(head, intern_name("web")).has_value();
}

// A rule that is loaded and matches nothing would be worse than none.
TEST(RoutePaths, AnExactOneThatIsAcceptedMatchesItself) {
    int accepted = 0;
    for (int high = 0; high < 256; ++high) {
        const char byte = static_cast<char>(high);
        const std::string digits = {"0123456789abcdef"[high / 16], "0123456789ABCDEF"[high % 16]};
        for (const std::string& path :
             {"/%" + digits, "/a%" + digits + "b/", "/%" + digits + "/..b", "/.%" + digits,
              "/%2f%" + digits, std::string("/a") + byte, std::string("/") + byte + "/b"}) {
            if (path.find('\'') != std::string::npos || path.find('\0') != std::string::npos)
                continue;
            const config::loaded got = load_match("exact", path);
            if (!got.ok())
                continue;
            ++accepted;
            EXPECT_TRUE(matches(*got.value, path)) << path;
        }
    }
    EXPECT_GT(accepted, 1000);
}

TEST(RoutePaths, MatchEverySpellingOfTheirNormalForm) {
    const struct {
        const char* kind;
        const char* path;
        const char* target;
    } cases[] = {{"prefix", "/caf%c3%a9/", "/caf%C3%A9/menu"},
                 {"prefix", "/%61dmin/", "/admin/users"},
                 {"exact", "/%7Ea", "/~a"},
                 {"exact", "/~a", "/%7ea"},
                 {"prefix", "/api/queues/%2F/", "/api/queues/%2f/jobs"},
                 {"exact", "/@scope%2fpkg", "/@scope%2Fpkg"},
                 {"exact", "/D%5cu", "/D%5Cu"}};
    for (const auto& one : cases) {
        const config::loaded got = load_match(one.kind, one.path);
        ASSERT_TRUE(got.ok()) << one.path << config::render_text(got.problems);
        EXPECT_TRUE(matches(*got.value, one.target)) << one.path << " " << one.target;
    }
}

TEST(RoutePaths, WhatNoTargetLeadsToIsRefused) {
    for (const char* const path :
         {"/a//b", "/a/../b", "/%2e/a", "/a%2f..", "/%2e%5Ca", "/a%00", "/a%", "/a?b", "/a#b"}) {
        EXPECT_FALSE(load_match("exact", path).ok()) << path;
        EXPECT_FALSE(load_match("prefix", path).ok()) << path;
    }
}

}  // namespace
}  // namespace penstock::proxy
