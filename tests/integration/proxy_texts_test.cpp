// What the texts of a route make of requests and responses: variables, hosts and paths that are put
// together, and the URLs that clients get.
#include "integration/proxy_origin.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace penstock::proxy::test {
namespace {

using exchange::reason;

// Scheme, host and port of a URL for the client have one source.
TEST(ProxyTexts, GivesLocationsWhatATrustedPeerSaysOfTheClient) {
    fixture origin_side(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n");
    config::model model = origin_side.model();
    model.trust.push_back(network_of("192.0.2.7"));
    struct {
        std::string host, told_host, told_port, expected;
    } const cases[] = {
        {"inner:8080", "shop.test", "", "https://shop.test/x"},
        {"inner:8080", "shop.test:8443", "", "https://shop.test:8443/x"},
        {"inner:8080", "shop.test", "8443", "https://shop.test:8443/x"},
        {"inner:8080", "shop.test", "443", "https://shop.test/x"},
        {"inner:8080", "", "", "https://inner/x"},
        {"shop.test", "", "", "https://shop.test/x"},
        {"shop.test:8443", "", "", "https://shop.test:8443/x"},
    };
    for (const auto& one : cases) {
        site here(model);
        here.clusters[0]->shared().endpoints[0]->name = "127.0.0.1:1";
        visitor of(here.home);
        of.by.request.head.authority = of.by.record.host = one.host;
        of.add("X-Forwarded-Proto", "https");
        if (!one.told_host.empty())
            of.add("X-Forwarded-Host", one.told_host);
        if (!one.told_port.empty())
            of.add("X-Forwarded-Port", one.told_port);
        EXPECT_EQ(value_of(here.ask(of).head, "Location"), one.expected) << one.host;
    }
}

// From the first edit to the last, variables are what the client sent.
TEST(ProxyTexts, ReadsVariablesFromWhatTheClientSent) {
    fixture origin_side;
    config::model model = origin_side.model();
    config::route& route = first_route(model);
    route.rewrite.path = "/${header.X-Real}/${header.X-Hop}";
    route.request_headers.remove = {"Origin", "X-Old"};
    route.request_headers.set = {{"X-New", "${header.X-Old}"},
                                 {"X-Said", "${header.X-Real} ${header.Connection}"},
                                 {"X-Id", "${header.X-Request-Id}"}};
    route.response_headers.set = {{"Access-Control-Allow-Origin", "${header.Origin}"},
                                  {"X-Hop", "${header.X-Hop}"}};
    site here(model);
    visitor of(here.home);
    of.add("Origin", "https://app.test");
    of.add("X-Old", "old");
    of.add("X-Real", "6.6.6.6");
    of.add("Connection", "X-Hop");
    of.add("X-Hop", "hop");
    of.add("X-Request-Id", "chosen");
    const outcome got = here.ask(of);
    const std::string head = origin_side.last();
    EXPECT_TRUE(head.starts_with("GET /6.6.6.6/hop HTTP/1.1\r\n")) << head;
    EXPECT_EQ(field_lines(head, "X-New"), strings{"X-New: old"});
    EXPECT_EQ(field_lines(head, "X-Said"), strings{"X-Said: 6.6.6.6 X-Hop"});
    EXPECT_EQ(field_lines(head, "X-Id"), strings{"X-Id: chosen"});
    EXPECT_EQ(field_lines(head, "X-Old"), strings{});
    EXPECT_EQ(field_lines(head, "Origin"), strings{});
    EXPECT_EQ(value_of(got.head, "Access-Control-Allow-Origin"), "https://app.test");
    EXPECT_EQ(value_of(got.head, "X-Hop"), "hop");
}

// A text that names the client by a forwarding field is no way to claim to be another.
TEST(ProxyTexts, ReadForwardingFieldsAsOriginsAreToldThem) {
    fixture origin_side;
    const std::string text =
        "${header.X-Real-IP} ${header.x-forwarded-for} ${header.X-Forwarded-Proto} "
        "${header.X-Forwarded-Host} ${header.X-Forwarded-Port} ${header.X-Client-Is} "
        "${header.Forwarded}${header.X-Forwarded-User}${header.Client-Cert}${header.X_Real_IP}.";
    config::model model = origin_side.model();
    model.client_address.from = "X-Client-Is";
    first_route(model).request_headers.set = {{"X-Told", text}};
    first_route(model).response_headers.set = {{"X-Told", text}};
    config::route own = first_route(model);
    own.name = "own";
    own.upstream.clear();
    own.match.path_kind = config::path_match::exact;
    own.match.path = "/own";
    own.reply = config::respond{200, text, "text/plain"};
    model.routes.push_back(own);
    const std::string told = "192.0.2.7 192.0.2.7 http claimed.test 8080 192.0.2.7 .";
    for (const char* const path : {"/", "/own"}) {
        site here(model);
        visitor of(here.home);
        of.by.request.head.path = path;
        of.by.request.head.authority = of.by.record.host = "claimed.test";
        for (const char* const name : {"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto",
                                       "X-Forwarded-Host", "X-Forwarded-Port", "X-Client-Is",
                                       "Forwarded", "X-Forwarded-User", "Client-Cert", "X_Real_IP"})
            of.add(name, "6.6.6.6");
        const outcome got = here.ask(of);
        EXPECT_EQ(value_of(got.head, "X-Told"), told) << path;
        if (path == std::string("/own")) {
            EXPECT_EQ(got.body, told);
        }
    }
    EXPECT_EQ(field_lines(origin_side.last(), "X-Told"), strings{"X-Told: " + told});
}

// A fault of the request, which no endpoint has to answer for; the detail says which it is.
TEST(ProxyTexts, RefusesWhatARouteMakesNoPathAndNoHostOf) {
    struct {
        std::string name;
        std::function<void(config::route&)> make;
        std::string sent;
        reason why;
        std::string detail;
    } const cases[] = {
        {"edited host",
         [](config::route& of) {
             of.request_headers.set = {{"Host", "${header.X-A}"}};
         },
         "a b", reason::http_request_error, "request_headers: malformed host"},
        {"edited host with two ports",
         [](config::route& of) {
             of.request_headers.set = {{"Host", "${header.X-A}"}};
         },
         "A.Example:80:90", reason::http_request_error, "request_headers: malformed host"},
        {"rewritten host", [](config::route& of) { of.rewrite.host = "${header.X-A}"; }, "a b",
         reason::http_request_error, "rewrite: malformed host"},
        {"rewritten path", [](config::route& of) { of.rewrite.path = "/${header.X-A}"; }, "..",
         reason::ambiguous_path, "rewrite: '.' or '..' in the path"},
    };
    for (const auto& one : cases) {
        fixture origin_side;
        config::model model = origin_side.model();
        model.trust.push_back(network_of("192.0.2.7"));
        one.make(first_route(model));
        site here(model);
        visitor of(here.home);
        of.add("X-A", one.sent);
        const outcome got = here.ask(of);
        EXPECT_EQ(got.head.status, 400) << one.name;
        EXPECT_EQ(of.by.record.why, one.why) << one.name;
        EXPECT_EQ(of.by.record.detail, one.detail) << one.name;
        EXPECT_TRUE(
            value_of(got.head, "Proxy-Status").ends_with("; details=\"" + one.detail + "\""))
            << one.name;
        EXPECT_TRUE(here.attempts().empty()) << one.name;
    }
}

}  // namespace
}  // namespace penstock::proxy::test
