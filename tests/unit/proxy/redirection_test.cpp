#include "proxy/redirection.hpp"

#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

using test::asked;

std::string location(const config::redirect& from, const asked& of) {
    std::string made = "before";
    redirection(from).write(of.facts(), made);
    return made;
}

TEST(Redirection, ToAWholeUrlKeepsNothing) {
    config::redirect by;
    by.to = "https://new.test/";
    EXPECT_EQ(location(by, asked()), "https://new.test/");
    by.to = "https://new.test${path}?from=${host}";
    EXPECT_EQ(location(by, asked()), "https://new.test/a/b?from=a.test");
}

TEST(Redirection, ToAnotherSchemeDropsThePort) {
    config::redirect by;
    by.scheme = "https";
    EXPECT_EQ(location(by, asked("/a//b?c", "a.test:8080")), "https://a.test/a//b?c");
    EXPECT_EQ(location(by, asked("/", "[::1]:8080")), "https://[::1]/");
    // Which it has already: then nothing changes.
    EXPECT_EQ(location(by, asked("/", "a.test:8443", "https")), "https://a.test:8443/");
    by.port = 8443;
    EXPECT_EQ(location(by, asked("/", "a.test:8080")), "https://a.test:8443/");
    by.port = 443;
    EXPECT_EQ(location(by, asked("/", "a.test:8080")), "https://a.test/");
}

TEST(Redirection, KeepsWhatItDoesNotName) {
    const asked of("/a/%7e?c=d", "a.test:8080");
    config::redirect host;
    host.host = "www.${host}";
    EXPECT_EQ(location(host, of), "http://www.a.test:8080/a/%7e?c=d");
    config::redirect port;
    port.port = 81;
    EXPECT_EQ(location(port, of), "http://a.test:81/a/%7e?c=d");
    config::redirect path;
    path.path = "/new${path}";
    EXPECT_EQ(location(path, of), "http://a.test:8080/new/a/%7e?c=d");
    path.path = "new";
    EXPECT_EQ(location(path, of), "http://a.test:8080/new?c=d");
    config::redirect query;
    query.query = "";
    EXPECT_EQ(location(query, of), "http://a.test:8080/a/%7e");
    query.query = "x=${arg.c}";
    EXPECT_EQ(location(query, of), "http://a.test:8080/a/%7e?x=d");
    query.query = "?x";
    EXPECT_EQ(location(query, of), "http://a.test:8080/a/%7e?x");
}

// HTTP/1.0 without Host, and OPTIONS of the whole server.
TEST(Redirection, HasAHostAndAPathForEveryRequest) {
    config::redirect by;
    by.scheme = "https";
    asked of("/a", "");
    EXPECT_EQ(location(by, of), "https://192.0.2.1/a");
    of.record.path = "*";
    EXPECT_EQ(location(by, of), "https://192.0.2.1/");
}

TEST(Redirection, WritesOnlyWhatAUrlMayHold) {
    config::redirect by;
    by.scheme = "https";
    EXPECT_EQ(location(by, asked("/a\"b<>?x=\"y|")), "https://a.test/a%22b%3C%3E?x=%22y%7C");
}

}  // namespace
}  // namespace penstock::proxy
