// What routes say, from the file to the wire: redirects by parts, rewrites, variables, edits of our
// own replies, shares of a split, what origins are told and what their Locations become.
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"
#include "support/scripted_origin.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace penstock::test {
namespace {

// An origin that answers with the head that it was sent.
std::unique_ptr<scripted_origin> make_echo() {
    return std::make_unique<scripted_origin>([](peer& proxy, int) {
        while (const auto request = read_request_head(proxy))
            proxy.send(ok_response(request->head));
    });
}

std::string configuration(const std::string& origin, const std::string& routes) {
    return "listeners: {web: {bind: \"127.0.0.1:0\"}, other: {bind: \"127.0.0.1:0\"}}\n"
           "upstreams: {app: {endpoints: [\"" +
           origin + "\"]}}\nroutes:\n" + routes;
}

http_response ask(const daemon& of, const std::string& target, const std::string& fields = "",
                  const std::string& listener = "web") {
    peer client(of.port(listener));
    client.send("GET " + target + " HTTP/1.1\r\nHost: a.test:8080\r\nConnection: close\r\n" +
                fields + "\r\n");
    return read_response(client);
}

TEST(Routes, RedirectKeepsWhatItDoesNotName) {
    const daemon proxy(configuration("127.0.0.1:1", R"(
  - {redirect: {scheme: https}}
  - {match: {path: {prefix: "/host/"}}, redirect: {host: "www.${host}", status: 301}}
  - {match: {path: {prefix: "/path/"}}, redirect: {path: "/new${path}", query: ""}}
  - {match: {path: {prefix: "/whole/"}}, redirect: {to: "https://new.test/?from=${uri}&q=${arg.q}"}}
)"));
    const http_response secure = ask(proxy, "/a//b%2fc?d=%20e");
    EXPECT_EQ(secure.status, 308);
    EXPECT_EQ(secure.field("location"), "https://a.test/a//b%2fc?d=%20e");
    const http_response host = ask(proxy, "/host/x?y");
    EXPECT_EQ(host.status, 301);
    EXPECT_EQ(host.field("location"), "http://www.a.test:8080/host/x?y");
    EXPECT_EQ(ask(proxy, "/path/x?y").field("location"), "http://a.test:8080/new/path/x");
    EXPECT_EQ(ask(proxy, "/whole/?q=a/b").field("location"),
              "https://new.test/?from=/whole/%3Fq%3Da/b&q=a%2Fb");
}

TEST(Routes, MatchTheListener) {
    const daemon proxy(configuration("127.0.0.1:1", R"(
  - {match: {listeners: [other]}, respond: {body: "other of ${listener}"}}
  - {respond: {body: "any of ${listener}"}}
)"));
    EXPECT_EQ(ask(proxy, "/").body, "any of web");
    EXPECT_EQ(ask(proxy, "/", "", "other").body, "other of other");
}

// Behind a balancer that takes TLS off, the scheme is the client's.
TEST(Routes, TheSchemeIsTheClients) {
    const daemon proxy("trust: [\"127.0.0.0/8\"]\n" + configuration("127.0.0.1:1", R"(
  - {match: {scheme: http}, redirect: {scheme: https}}
  - {respond: {body: "${scheme}"}}
)"));
    EXPECT_EQ(ask(proxy, "/").status, 308);
    EXPECT_EQ(ask(proxy, "/", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n").status,
              308);
    EXPECT_EQ(ask(proxy, "/", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n").body,
              "https");
}

TEST(Routes, RewriteWhatTheOriginIsAsked) {
    const auto echo = make_echo();
    const daemon proxy(configuration(echo->address(), R"(
  - {match: {path: {prefix: "/api/"}}, upstream: app, rewrite: {strip_prefix: /api}}
  - {match: {path: {prefix: "/v1/"}}, upstream: app, rewrite: {prefix: /v2/, host: "inner.${host}"}}
  - match: {path: {prefix: "/u/"}}
    upstream: app
    rewrite: {path: "/user/${arg.id}"}
    request_headers: {set: {X-Uri: "${uri}", X-No: "${header.x-none}"}}
)"));
    const auto line = [&](const std::string& target) {
        const std::string head = ask(proxy, target).body;
        return head.substr(0, head.find(" HTTP/1.1"));
    };
    EXPECT_EQ(line("/api/a//b%2f?c=d"), "GET /a//b%2f?c=d");
    EXPECT_EQ(line("/%61pi//x"), "GET /x");
    EXPECT_EQ(line("/v1/x/%7e"), "GET /v2/x/%7e");
    const std::string named = ask(proxy, "/u/x?id=1/2").body;
    EXPECT_TRUE(named.starts_with("GET /user/1%2F2?id=1/2 HTTP/1.1\r\nHost: a.test:8080\r\n"))
        << named;
    EXPECT_NE(named.find("X-Uri: /u/x?id=1/2\r\n"), std::string::npos) << named;
    EXPECT_EQ(named.find("X-No"), std::string::npos) << named;
    EXPECT_NE(ask(proxy, "/v1/x").body.find("Host: inner.a.test\r\n"), std::string::npos);
    EXPECT_EQ(ask(proxy, "/u/x?id=..").status, 400);
    EXPECT_EQ(ask(proxy, "/u/x?id=%2f..").field("proxy-status"), "penstock; error=ambiguous_path");
}

// The client came without TLS, so it is told of no Strict-Transport-Security.
TEST(Routes, EditEveryReplyOfOurOwn) {
    const std::string routes = R"(
  - match: {path: {exact: "/gone"}}
    upstream: app
    response_headers: {set: {Strict-Transport-Security: "max-age=1", X-Why: "${status} ${reason}"}}
  - match: {path: {exact: "/moved"}}
    redirect: {to: /x}
    response_headers: {set: {X-Why: "${status}"}}
  - match: {path: {exact: "/said"}}
    respond: {body: hi}
    response_headers: {add: {X-Why: "${status}"}}
)";
    const daemon proxy(configuration("127.0.0.1:1", routes));
    const http_response gone = ask(proxy, "/gone");
    EXPECT_EQ(gone.status, 502);
    EXPECT_EQ(gone.field("x-why"), "502 connection_refused");
    EXPECT_FALSE(gone.field("strict-transport-security"));
    EXPECT_EQ(ask(proxy, "/moved").field("x-why"), "308");
    EXPECT_EQ(ask(proxy, "/said").field("x-why"), "200");
}

TEST(Routes, SendTheirSharesToEachUpstream) {
    scripted_origin one([](peer& proxy, int) {
        while (read_request_head(proxy))
            proxy.send(ok_response("one"));
    });
    scripted_origin two([](peer& proxy, int) {
        while (read_request_head(proxy))
            proxy.send(ok_response("two"));
    });
    const daemon proxy(
        "listeners: {web: {bind: \"127.0.0.1:0\"}}\nupstreams: {one: {endpoints: [\"" +
        one.address() + "\"]}, two: {endpoints: [\"" + two.address() + R"("]}}
routes:
  - {split: [{upstream: one, weight: 1}, {upstream: two, weight: 1}]}
  - {match: {headers: {x-canary: "1"}}, upstream: two}
  - {match: {path: {exact: /none}}, split: [{upstream: one}, {upstream: two, weight: 0}]}
)");
    int ones = 0;
    for (int i = 0; i < 100; ++i) {
        ones += ask(proxy, "/").body == "one" ? 1 : 0;
        EXPECT_EQ(ask(proxy, "/", "X-Canary: 1\r\n").body, "two");
        EXPECT_EQ(ask(proxy, "/none").body, "one");
    }
    // Six deviations.
    EXPECT_GT(ones, 20);
    EXPECT_LT(ones, 80);
}

TEST(Routes, OriginsAreToldOfNoProxyUnlessTheyShallBe) {
    const auto echo = make_echo();
    const daemon proxy(configuration(echo->address(), R"(
  - {upstream: app}
  - {match: {path: {prefix: /via/}}, upstream: app, via: true}
)"));
    const std::string plain = ask(proxy, "/").body;
    EXPECT_EQ(plain.find("Via:"), std::string::npos) << plain;
    EXPECT_NE(plain.find("CDN-Loop: penstock-"), std::string::npos) << plain;
    const std::string told = ask(proxy, "/via/").body;
    EXPECT_NE(told.find("Via: 1.1 penstock-"), std::string::npos) << told;
}

// nginx compresses nothing for a request that names a proxy.
TEST(Routes, NginxCompressesAsIfItWereAskedDirectly) {
    const nginx_origin origin(
        "gzip on; gzip_min_length 1; gzip_types *; location / { return 200 'hello hello hello "
        "hello'; }");
    const daemon proxy(configuration(origin.address(), R"(
  - {upstream: app}
  - {match: {path: {prefix: /via/}}, upstream: app, via: true}
)"));
    EXPECT_EQ(ask(proxy, "/", "Accept-Encoding: gzip\r\n").field("content-encoding"), "gzip");
    EXPECT_FALSE(ask(proxy, "/via/", "Accept-Encoding: gzip\r\n").field("content-encoding"));
}

// nginx redirects to the address that it was asked at, if it is told the endpoint's as host.
TEST(Routes, NginxRedirectsToWhereTheClientIs) {
    const nginx_origin origin(
        "location / { absolute_redirect on; return 301 "
        "http://$http_host/there; }");
    const daemon proxy(configuration(
        origin.address(), "  - {upstream: app, rewrite: {host: \"" + origin.address() + "\"}}\n"));
    EXPECT_EQ(ask(proxy, "/").field("location"), "http://a.test:8080/there");
}

TEST(Routes, LocationsOfTheEndpointBecomeTheClients) {
    std::string own;
    scripted_origin origin([&](peer& proxy, int) {
        while (read_request_head(proxy)) {
            proxy.send("HTTP/1.1 302 Found\r\nLocation: http://" + own +
                       "/x?y\r\nRefresh: 1; url=http://" + own + "/z\r\nContent-Length: 0\r\n\r\n");
        }
    });
    own = origin.address();
    const daemon proxy(configuration(origin.address(), R"(
  - {upstream: app}
  - {match: {path: {exact: /keep}}, upstream: app, location: keep}
)"));
    const http_response got = ask(proxy, "/");
    EXPECT_EQ(got.field("location"), "http://a.test:8080/x?y");
    EXPECT_EQ(got.field("refresh"), "1; url=http://a.test:8080/z");
    EXPECT_EQ(ask(proxy, "/keep").field("location"), "http://" + own + "/x?y");
}

}  // namespace
}  // namespace penstock::test
