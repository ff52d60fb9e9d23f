#include "proxy/redirection.hpp"

#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <memory>
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

// Browsers take what has two slashes in front for the URL of a host, in whichever direction they
// lean. A variable that comes to nothing must not make a path such a URL.
TEST(Redirection, StaysOnItsHostWhereAVariableComesToNothing) {
    struct {
        std::string to, target, expected;
    } const cases[] = {
        {"/${cookie.lang}${path}", "/evil.com", "/evil.com"},
        {"/${cookie.lang}/${arg.page}", "/?page=evil.com", "/evil.com"},
        {"/${arg.lang}/${arg.page}", "/?page=evil.com", "/evil.com"},
        {"/${arg.lang}/${arg.page}", "/", "/"},
        {"/${arg.a}/${arg.b}/x", "/", "/x"},
        {"/${arg.lang}${path}", "/a?lang=de", "/de/a"},
        {"/a${path}", "//b//c", "/a/b//c"},
        {"/${arg.a}/?u=https://b.test//", "/", "/?u=https://b.test//"},
        {"https://${arg.host}/${arg.page}", "/?page=evil.com", "/evil.com"},
        {"https://${arg.host}${path}", "/evil.com", "/evil.com"},
        {"https://${arg.host}", "/", "/"},
        {"https://${arg.host}?a", "/", "/?a"},
        {"${scheme}://${cookie.h}${path}", "/evil.com", "/evil.com"},
        {"https://new.test//a${path}", "/b", "https://new.test//a/b"},
    };
    for (const auto& one : cases) {
        config::redirect by;
        by.to = one.to;
        EXPECT_EQ(location(by, asked(one.target)), one.expected) << one.to << " " << one.target;
    }
    config::redirect path;
    path.path = "/${cookie.lang}${path}";
    EXPECT_EQ(location(path, asked("/evil.com")), "http://a.test/evil.com");
    config::redirect host;
    host.host = "${cookie.h}";
    EXPECT_EQ(location(host, asked("/evil.com?x", "a.test:81")), "/evil.com?x");
    host.path = "/${cookie.lang}${path}";
    EXPECT_EQ(location(host, asked("/evil.com")), "/evil.com");
}

TEST(Redirection, IsAPathWhereVariablesMakeNoHost) {
    config::redirect by;
    by.host = "${arg.t}.example.com";
    EXPECT_EQ(location(by, asked("/a?t=shop")), "http://shop.example.com/a?t=shop");
    by.query = "";
    for (const char* const bad :
         {"", "evil.test%2F", "evil.test/", "a..", "u@", "evil.test%3F", "evil.test:80"})
        EXPECT_EQ(location(by, asked("/a?t=" + std::string(bad))), "/a") << bad;
}

// Nothing but a path can be said of a client that names no host over a Unix socket.
TEST(Redirection, IsAPathWhereNoHostIsKnown) {
    config::redirect by;
    by.scheme = "https";
    asked of("/search?q", "");
    of.local = *net::socket_address::unix_at("/run/penstock/test.sock");
    EXPECT_EQ(location(by, of), "/search?q");
}

// Scheme, host and port of a URL tell one story: what the trusted peer says.
TEST(Redirection, GoesToWhereATrustedPeerSaysThatTheClientIs) {
    config::redirect by;
    by.path = "/new";
    asked of("/old", "inner:38080", "https");
    of.local = *net::socket_address::parse("10.0.0.1", 38080);
    of.request.told = std::make_unique<exchange::client_story>();
    of.request.told->scheme = "https";
    EXPECT_EQ(location(by, of), "https://inner/new");
    of.request.told->host = "shop.test";
    EXPECT_EQ(location(by, of), "https://shop.test/new");
    of.request.told->port = 8443;
    EXPECT_EQ(location(by, of), "https://shop.test:8443/new");
    by.to = "${scheme}://${host}:${port}/x";
    by.path.reset();
    EXPECT_EQ(location(by, of), "https://shop.test:8443/x");
}

}  // namespace
}  // namespace penstock::proxy
