// What the origin sees of a request, what the client sees of a response, and what is counted.
#include "integration/proxy_origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::proxy::test {
namespace {

using exchange::reason;

const std::string own_via = "1.1 " + instance_name();

TEST(ProxyForward, SendsTheHeadInOneForm) {
    fixture origin_side;
    site here(origin_side.model());
    visitor of(here.home);
    of.by.request.head.path = "/a";
    of.by.request.head.query = "?b=c";
    of.by.request.head.authority = "a.test:8080";
    of.add("Accept", "*/*");
    of.add("Connection", "X-Hop");
    of.add("X-Hop", "1");
    of.add("Proxy-Authorization", "secret");
    const outcome got = here.ask(of);
    EXPECT_EQ(got.head.status, 200);
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(origin_side.last(),
              "GET /a?b=c HTTP/1.1\r\n"
              "Host: a.test:8080\r\n"
              "Accept: */*\r\n"
              "X-Real-IP: 192.0.2.7\r\n"
              "X-Forwarded-For: 192.0.2.7\r\n"
              "X-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: a.test:8080\r\n"
              "X-Forwarded-Port: 8080\r\n"
              "CDN-Loop: " +
                  instance_name() +
                  "\r\n"
                  "X-Request-Id: " +
                  of.by.record.request_id + "\r\n\r\n");
    EXPECT_EQ(of.by.record.request_id.size(), 32U);
    EXPECT_EQ(of.by.record.why, reason::none);
    EXPECT_EQ(name_of(of.by.record.route), "all");
    EXPECT_EQ(name_of(of.by.record.upstream), "app");
    EXPECT_EQ(of.by.record.attempts, 1);
}

TEST(ProxyForward, ReplacesTheClaimsOfStrangers) {
    fixture origin_side;
    site here(origin_side.model());
    visitor of(here.home);
    of.add("X-Forwarded-For", "203.0.113.1");
    of.add("X-Request-Id", "chosen-by-client");
    of.add("Forwarded", "for=203.0.113.1");
    here.ask(of);
    const std::string head = origin_side.last();
    EXPECT_EQ(field_lines(head, "X-Forwarded-For"), strings{"X-Forwarded-For: 192.0.2.7"});
    EXPECT_EQ(field_lines(head, "X-Request-Id"),
              strings{"X-Request-Id: " + of.by.record.request_id});
    EXPECT_EQ(field_lines(head, "Forwarded"), strings{});
    EXPECT_NE(of.by.record.request_id, "chosen-by-client");
}

TEST(ProxyForward, BelievesTrustedPeers) {
    fixture origin_side;
    config::model model = origin_side.model();
    model.trust.push_back(network_of("192.0.2.7"));
    site here(model);
    visitor of(here.home);
    of.add("X-Forwarded-For", "203.0.113.1");
    of.add("X-Forwarded-Proto", "https");
    of.add("X-Request-Id", "edge-1:abc");
    here.ask(of);
    const std::string head = origin_side.last();
    EXPECT_EQ(field_lines(head, "X-Forwarded-For"),
              strings{"X-Forwarded-For: 203.0.113.1, 192.0.2.7"});
    EXPECT_EQ(field_lines(head, "X-Forwarded-Proto"), strings{"X-Forwarded-Proto: https"});
    EXPECT_EQ(field_lines(head, "X-Request-Id"), strings{"X-Request-Id: edge-1:abc"});
    EXPECT_EQ(of.by.record.request_id, "edge-1:abc");
}

// Items 20 and 21: one form is believed, and everything else is rebuilt from it.
TEST(ProxyForward, RebuildsOneStoryFromTheFormThatIsNamed) {
    struct {
        std::string from;
        strings way, real_ip, proto, port, forwarded;
    } const cases[] = {
        {"X-Forwarded-For",
         {"X-Forwarded-For: 203.0.113.1, 192.0.2.7"},
         {"X-Real-IP: 203.0.113.1"},
         {"X-Forwarded-Proto: https"},
         {"X-Forwarded-Port: 443"},
         {"Forwarded: for=203.0.113.1;host=a.test;proto=https, for=192.0.2.7"}},
        {"Forwarded",
         {"X-Forwarded-For: 203.0.113.2, 192.0.2.7"},
         {"X-Real-IP: 203.0.113.2"},
         {"X-Forwarded-Proto: http"},
         {"X-Forwarded-Port: 8080"},
         {"Forwarded: for=203.0.113.2;host=test;proto=http, for=192.0.2.7"}},
        {"X-Client",
         {"X-Forwarded-For: 203.0.113.3, 192.0.2.7"},
         {"X-Real-IP: 203.0.113.3"},
         {"X-Forwarded-Proto: https"},
         {"X-Forwarded-Port: 443"},
         {"Forwarded: for=203.0.113.3;host=test;proto=https, for=192.0.2.7"}},
    };
    fixture origin_side;
    for (const auto& one : cases) {
        config::model model = origin_side.model();
        model.trust.push_back(network_of("192.0.2.7"));
        model.client_address.from = one.from;
        site here(model);
        visitor of(here.home);
        of.add("X-Forwarded-For", "6.6.6.6, 203.0.113.1");
        of.add("X-Forwarded-Proto", "https");
        of.add("X-Forwarded-Host", "A.test");
        of.add("Forwarded", "for=6.6.6.6, for=203.0.113.2");
        of.add("X-Client", "203.0.113.3");
        of.add("X-Real-IP", "6.6.6.6");
        here.ask(of);
        const std::string head = origin_side.last();
        EXPECT_EQ(field_lines(head, "X-Forwarded-For"), one.way) << one.from;
        EXPECT_EQ(field_lines(head, "X-Real-IP"), one.real_ip) << one.from;
        EXPECT_EQ(field_lines(head, "X-Forwarded-Proto"), one.proto) << one.from;
        EXPECT_EQ(field_lines(head, "X-Forwarded-Port"), one.port) << one.from;
        EXPECT_EQ(field_lines(head, "Forwarded"), one.forwarded) << one.from;
    }
}

// A field that says the scheme is written from what is believed, whoever sent it.
TEST(ProxyForward, WritesTheFieldOfTheScheme) {
    fixture origin_side;
    config::model model = origin_side.model();
    model.trust.push_back(network_of("192.0.2.7"));
    model.client_address = {"X-Real-IP", "Edge-Proto"};
    site here(model);
    for (const bool trusted : {true, false}) {
        visitor of(here.home);
        of.come_from(trusted ? "192.0.2.7" : "192.0.2.8");
        of.add("Edge-Proto", "https");
        of.add("X-Forwarded-Proto", "http");
        here.ask(of);
        const std::string scheme = trusted ? "https" : "http";
        EXPECT_EQ(field_lines(origin_side.last(), "Edge-Proto"), strings{"Edge-Proto: " + scheme});
        EXPECT_EQ(field_lines(origin_side.last(), "X-Forwarded-Proto"),
                  strings{"X-Forwarded-Proto: " + scheme});
    }
}

TEST(ProxyForward, ATrustedPeerCannotSendAHarmfulId) {
    fixture origin_side;
    config::model model = origin_side.model();
    model.trust.push_back(network_of("192.0.2.7"));
    site here(model);
    for (const std::string& id : {std::string("<b>"), std::string(129, 'a'), std::string()}) {
        visitor of(here.home);
        of.add("X-Request-Id", id);
        here.ask(of);
        EXPECT_EQ(of.by.record.request_id.size(), 32U) << id;
        EXPECT_EQ(field_lines(origin_side.last(), "X-Request-Id"),
                  strings{"X-Request-Id: " + of.by.record.request_id});
    }
}

TEST(ProxyForward, NamesIpv6ClientsWithoutBrackets) {
    fixture origin_side;
    site here(origin_side.model());
    visitor of(here.home);
    of.come_from("2001:db8::7");
    here.ask(of);
    EXPECT_EQ(field_lines(origin_side.last(), "X-Forwarded-For"),
              strings{"X-Forwarded-For: 2001:db8::7"});
}

// Origins that see Via turn compression off; CDN-Loop is what finds a ring (RFC 8586).
TEST(ProxyForward, ExtendsCdnLoopAndPassesVia) {
    fixture origin_side;
    site here(origin_side.model());
    visitor of(here.home);
    of.add("CDN-Loop", "first; a=b");
    of.add("cdn-loop", "second, third");
    of.add("Via", "1.1 first");
    of.add("Connection", "CDN-Loop");
    here.ask(of);
    EXPECT_EQ(field_lines(origin_side.last(), "CDN-Loop"),
              strings{"CDN-Loop: first; a=b, second, third, " + instance_name()});
    EXPECT_EQ(field_lines(origin_side.last(), "Via"), strings{"Via: 1.1 first"});
    here.get();
    EXPECT_EQ(field_lines(origin_side.last(), "CDN-Loop"), strings{"CDN-Loop: " + instance_name()});
    EXPECT_EQ(field_lines(origin_side.last(), "Via"), strings{});
}

TEST(ProxyForward, SendsViaWhereUpstreamOrRouteSaySo) {
    fixture origin_side;
    for (const bool upstream : {false, true}) {
        for (const std::optional<bool> route :
             {std::optional<bool>(), std::optional(false), std::optional(true)}) {
            config::model model = origin_side.model();
            model.upstreams[0].via = upstream;
            first_route(model).via = route;
            site here(model);
            here.get();
            EXPECT_EQ(field_lines(origin_side.last(), "Via"),
                      route.value_or(upstream) ? strings{"Via: " + own_via} : strings{});
        }
    }
}

TEST(ProxyForward, ExtendsVia) {
    fixture origin_side;
    config::model model = origin_side.model();
    model.upstreams[0].via = true;
    site here(model);
    visitor of(here.home);
    of.by.request.head.version = http::version::http_1_0;
    of.add("Via", "1.1 first");
    of.add("Via", "1.1 second (comment)");
    here.ask(of);
    EXPECT_EQ(field_lines(origin_side.last(), "Via"),
              strings{"Via: 1.1 first, 1.1 second (comment), 1.0 " + instance_name()});
    // What one request needed is not left over for the next.
    here.get();
    EXPECT_EQ(field_lines(origin_side.last(), "Via"), strings{"Via: " + own_via});
}

TEST(ProxyForward, SplitsRequestsByWeight) {
    fixture one;
    fixture two;
    config::model model = one.model();
    config::upstream second = two.model().upstreams[0];
    second.name = "canary";
    model.upstreams.push_back(second);
    first_route(model).upstream.clear();
    first_route(model).split = {{"app", 3, {}}, {"canary", 1, {}}};
    site here(model);
    for (int i = 0; i < 400; ++i)
        EXPECT_EQ(here.get().head.status, 200);
    const auto canary = two.heads.lines().size();
    EXPECT_EQ(one.heads.lines().size() + canary, 400U);
    // The bounds are eight deviations away.
    EXPECT_GT(canary, 30U);
    EXPECT_LT(canary, 170U);
}

TEST(ProxyForward, SendsNothingToAShareOfZero) {
    fixture one;
    fixture two;
    config::model model = one.model();
    config::upstream second = two.model().upstreams[0];
    second.name = "canary";
    model.upstreams.push_back(second);
    first_route(model).upstream.clear();
    first_route(model).split = {{"app", 0, {}}, {"canary", 1, {}}};
    site here(model);
    for (int i = 0; i < 20; ++i)
        here.get();
    EXPECT_EQ(two.heads.lines().size(), 20U);
    EXPECT_TRUE(one.heads.lines().empty());
}

TEST(ProxyForward, RewritesPathAndHostForTheOriginAlone) {
    fixture origin_side;
    config::model model = origin_side.model();
    config::route& route = first_route(model);
    route.rewrite.strip_prefix = "/api";
    route.rewrite.host = "inner.test";
    route.request_headers.set = {{"X-Asked", "${host}${uri}"}};
    site here(model);
    visitor of(here.home);
    of.by.request.head.path = "/api/a/b";
    of.by.request.head.sent_path = "/api/a//b";
    of.by.record.path = "/api/a//b";
    of.by.record.host = "test";
    here.ask(of);
    const std::string head = origin_side.last();
    EXPECT_TRUE(head.starts_with("GET /a//b HTTP/1.1\r\nHost: inner.test\r\n")) << head;
    EXPECT_EQ(field_lines(head, "X-Forwarded-Host"), strings{"X-Forwarded-Host: test"});
    EXPECT_EQ(field_lines(head, "X-Asked"), strings{"X-Asked: test/api/a//b"});
}

TEST(ProxyForward, GivesLocationsOfTheEndpointTheClientsName) {
    for (const bool keep : {false, true}) {
        fixture origin_side(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n");
        config::model model = origin_side.model();
        model.upstreams[0].rewrite_location = !keep;
        // The endpoint's name is what counts, wherever it leads to.
        site here(model);
        here.clusters[0]->shared().endpoints[0]->name = "127.0.0.1:1";
        visitor of(here.home);
        of.by.request.head.scheme = "https";
        of.by.record.host = "shop.test";
        EXPECT_EQ(value_of(here.ask(of).head, "Location"),
                  keep ? "http://127.0.0.1:1/x" : "https://shop.test/x");
    }
}

TEST(ProxyForward, AppliesTheEditsOfTheRoute) {
    fixture origin_side(
        "HTTP/1.1 200 OK\r\nServer: origin\r\nX-Both: 1\r\nContent-Length: 0\r\n\r\n");
    config::model model = origin_side.model();
    config::route& route = first_route(model);
    route.request_headers.remove = {"Cookie", "Via"};
    route.request_headers.set = {{"Host", "inner.test"}, {"X-Set", "new"}};
    route.request_headers.add = {{"X-Set", "more"}};
    route.response_headers.remove = {"Server"};
    route.response_headers.set = {{"Date", "yesterday"}};
    route.response_headers.add = {{"X-Both", "2"}};
    site here(model);
    visitor of(here.home);
    of.add("Cookie", "a=b");
    of.add("X-Set", "old");
    const outcome got = here.ask(of);
    const std::string head = origin_side.last();
    EXPECT_EQ(field_lines(head, "Host"), strings{"Host: inner.test"});
    EXPECT_EQ(field_lines(head, "X-Forwarded-Host"), strings{"X-Forwarded-Host: test"});
    EXPECT_EQ(field_lines(head, "Cookie"), strings{});
    EXPECT_EQ(field_lines(head, "Via"), strings{});
    EXPECT_EQ(field_lines(head, "X-Set"), (strings{"X-Set: new", "X-Set: more"}));
    EXPECT_EQ(value_of(got.head, "Server"), "absent");
    EXPECT_EQ(value_of(got.head, "Date"), "yesterday");
    strings both;
    for (const http::fields::field field : got.head.fields) {
        if (field.name == "X-Both")
            both.emplace_back(field.value);
    }
    EXPECT_EQ(both, (strings{"1", "2"}));
}

TEST(ProxyForward, DatesWhatTheOriginDidNot) {
    fixture without;
    site here(without.model());
    EXPECT_TRUE(value_of(here.get().head, "Date").ends_with(" GMT"));
    fixture with("HTTP/1.1 200 OK\r\nDate: its own\r\nContent-Length: 0\r\n\r\n");
    site there(with.model());
    EXPECT_EQ(value_of(there.get().head, "Date"), "its own");
}

TEST(ProxyForward, AddsNothingElseToAResponse) {
    fixture origin_side("HTTP/1.1 404 Nope\r\nDate: d\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n");
    site here(origin_side.model());
    const outcome got = here.get();
    EXPECT_EQ(got.head.status, 404);
    EXPECT_EQ(got.head.reason_phrase, "Nope");
    EXPECT_EQ(got.head.fields.size(), 2U);
}

TEST(ProxyForward, PassesABodyOn) {
    notebook bodies;
    origin peer([&](conversation& with) {
        with.read_head();
        bodies.add(with.read_exactly(5));
        with.write(small_reply);
        with.read_head();
    });
    site here(model_for({peer.port()}));
    visitor of(here.home, http::method::post, "POST");
    of.by.body.announced = 5;
    of.by.body.give("hello");
    of.by.body.end();
    EXPECT_EQ(here.ask(of).head.status, 200);
    EXPECT_EQ(bodies.lines(), strings{"hello"});
}

TEST(ProxyForward, UpgradesWhereTheRouteAllows) {
    for (const bool allowed : {true, false}) {
        notebook heads;
        origin peer([&](conversation& with) {
            const std::string head = heads.add(with.read_head());
            if (field_lines(head, "Upgrade").empty()) {
                with.write(small_reply);
                return;
            }
            with.write(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\n\r\nraw bytes");
        });
        config::model model = model_for({peer.port()});
        first_route(model).websocket = allowed;
        first_route(model).response_headers.add = {{"X-Edited", "1"}};
        site here(model);
        visitor of(here.home);
        of.by.request.wants_websocket = true;
        of.by.request.upgrade = "websocket";
        of.add("Connection", "Upgrade");
        of.add("Upgrade", "websocket");
        of.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        const outcome got = here.ask(of);
        EXPECT_EQ(got.upgraded, allowed);
        EXPECT_EQ(got.head.status, allowed ? 101 : 200);
        EXPECT_EQ(got.body, allowed ? "raw bytes" : "ok");
        EXPECT_EQ(value_of(got.head, "X-Edited"), allowed ? "absent" : "1");
        EXPECT_EQ(field_lines(heads.lines().at(0), "Upgrade").size(), allowed ? 1U : 0U);
    }
}

TEST(ProxyForward, PassesInterimHeadsOn) {
    fixture origin_side(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    site here(origin_side.model());
    visitor of(here.home);
    EXPECT_EQ(here.ask(of).head.status, 200);
    ASSERT_EQ(of.by.interims.size(), 1U);
    EXPECT_EQ(of.by.interims[0].status, 103);
}

TEST(ProxyForward, SendsEachRouteToItsUpstream) {
    fixture one;
    fixture two("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    config::model model = one.model();
    config::upstream second = two.model().upstreams[0];
    second.name = "second";
    model.upstreams.insert(model.upstreams.begin(), second);
    config::route other;
    other.name = "other";
    other.upstream = "second";
    other.match.path_kind = config::path_match::prefix;
    other.match.path = "/two/";
    model.routes.push_back(other);
    site here(model);
    visitor of(here.home);
    of.by.request.head.path = "/two/x";
    EXPECT_EQ(here.ask(of).body, "two");
    EXPECT_EQ(name_of(of.by.record.upstream), "second");
    EXPECT_EQ(here.get().body, "ok");
}

TEST(ProxyForward, CountsAndLogsAnExchange) {
    fixture origin_side;
    site here(origin_side.model());
    visitor of(here.home);
    of.by.record.method = "GET";
    here.ask(of);
    EXPECT_EQ(here.attempts(), (std::map<std::string, std::uint64_t>{{"ok", 1}}));
    std::uint64_t requests = 0;
    here.metrics->requests().each([&](std::uint64_t key, std::uint64_t value) {
        const request_labels labels = request_labels::from_key(key);
        EXPECT_EQ(name_of(labels.route), "all");
        EXPECT_EQ(labels.code_class, 2);
        requests += value;
    });
    EXPECT_EQ(requests, 1U);
    std::string entry;
    std::string line;
    ASSERT_TRUE(here.log->ring().pop(entry));
    ASSERT_TRUE(format_access_entry(entry, line));
    EXPECT_NE(line.find("\"penstock.route\":\"all\""), std::string::npos) << line;
    EXPECT_FALSE(here.log->ring().pop(entry));
}

TEST(ProxyForward, LogsNothingWhereTheConfigurationHasNoLog) {
    fixture origin_side;
    config::model model = origin_side.model();
    model.log.access.reset();
    site here(model);
    here.get();
    std::string entry;
    EXPECT_FALSE(here.log->ring().pop(entry));
}

}  // namespace
}  // namespace penstock::proxy::test
