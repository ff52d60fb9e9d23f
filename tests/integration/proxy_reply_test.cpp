// Answers that no origin is asked for: refusals, static replies, redirects.
#include "integration/proxy_site.hpp"
#include "penstock/http/error.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy::test {
namespace {

using exchange::reason;

config::route route_named(const std::string& name, const std::string& path) {
    config::route made;
    made.name = name;
    made.match.path_kind = config::path_match::exact;
    made.match.path = path;
    return made;
}

// No upstream is ever asked: "/fixed", "/empty" and "/moved" have answers, nothing else a route.
config::model model_without_origin() {
    config::model made;
    config::route fixed = route_named("fixed", "/fixed");
    fixed.reply = config::respond{203, "pong", "text/x-test"};
    fixed.response_headers.set = {{"X-Edited", "1"}};
    config::route empty = route_named("empty", "/empty");
    empty.reply = config::respond{204, "", "text/plain"};
    config::route moved = route_named("moved", "/moved");
    moved.redirection.emplace().to = "https://new.test/";
    made.routes = {fixed, empty, moved};
    return made;
}

outcome ask_for(site& here, visitor& of, std::string_view path) {
    of.by.request.head.path = path;
    return here.ask(of);
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ProxyReply, NoRouteIs404) {
    site here(model_without_origin());
    visitor of(here.home);
    const outcome got = ask_for(here, of, "/<script>");
    EXPECT_EQ(got.head.status, 404);
    EXPECT_EQ(of.by.record.why, reason::no_route);
    EXPECT_EQ(of.by.record.route, no_name);
    EXPECT_EQ(of.by.record.upstream, no_name);
    EXPECT_EQ(of.by.record.attempts, 0);
    EXPECT_EQ(value_of(got.head, "Proxy-Status"), "penstock; error=no_route");
    EXPECT_EQ(value_of(got.head, "X-Request-Id"), of.by.record.request_id);
    EXPECT_TRUE(value_of(got.head, "Date").ends_with(" GMT"));
    EXPECT_TRUE(has(got.body, of.by.record.request_id)) << got.body;
    EXPECT_FALSE(has(got.body, "script")) << got.body;
}

TEST(ProxyReply, IsHtmlForABrowser) {
    site here(model_without_origin());
    visitor of(here.home);
    of.add("Accept", "text/html,*/*;q=0.8");
    EXPECT_TRUE(ask_for(here, of, "/").body.starts_with("<!doctype html>"));
}

TEST(ProxyReply, TraceAndConnectAreDenied) {
    site here(model_without_origin());
    for (const auto& [verb, text] :
         {std::pair(http::method::trace, "TRACE"), std::pair(http::method::connect, "CONNECT")}) {
        visitor of(here.home, verb, text);
        of.by.body.end();
        const outcome got = ask_for(here, of, "/fixed");
        EXPECT_EQ(got.head.status, 405) << text;
        EXPECT_EQ(of.by.record.why, reason::http_request_denied) << text;
    }
}

TEST(ProxyReply, ARequestThatWasHereBeforeIsALoop) {
    site here(model_without_origin());
    for (const std::string& before :
         {"1.1 " + instance_name(), "1.0 other, 1.1 " + instance_name() + " (x), 1.1 third"}) {
        visitor of(here.home);
        of.add("Via", "1.1 somebody");
        of.add("via", before);
        EXPECT_EQ(ask_for(here, of, "/fixed").head.status, 508) << before;
        EXPECT_EQ(of.by.record.why, reason::proxy_loop_detected) << before;
    }
    for (const std::string& before :
         {instance_name(), "other, " + instance_name() + "; a=b, third"}) {
        visitor of(here.home);
        of.add("CDN-Loop", "somebody");
        of.add("cdn-loop", before);
        EXPECT_EQ(ask_for(here, of, "/fixed").head.status, 508) << before;
        EXPECT_EQ(of.by.record.why, reason::proxy_loop_detected) << before;
    }
    visitor of(here.home);
    of.add("Via", "1.1 penstock-other");
    of.add("CDN-Loop", "penstock-other");
    EXPECT_EQ(ask_for(here, of, "/fixed").head.status, 203);
}

// Edits of a route apply to whatever its clients get.
TEST(ProxyReply, RepliesOfOurOwnAreEdited) {
    config::model model = model_without_origin();
    config::upstream gone;
    gone.name = "app";
    gone.endpoints.push_back({{"127.0.0.1", 1}, 1, {}});
    model.upstreams.push_back(gone);
    config::route app = route_named("app", "/app");
    app.upstream = "app";
    model.routes.push_back(app);
    for (config::route& one : model.routes) {
        one.response_headers.set = {{"Strict-Transport-Security", "max-age=1"},
                                    {"X-Edited", "${status} ${reason} ${route}"}};
    }
    site here(model);
    struct {
        const char* path;
        const char* edited;
    } const cases[] = {{"/fixed", "203 none fixed"},
                       {"/moved", "308 none moved"},
                       {"/app", "502 connection_refused app"}};
    for (const auto& one : cases) {
        for (const bool secure : {false, true}) {
            visitor of(here.home);
            of.by.request.head.scheme = secure ? "https" : "http";
            const outcome got = ask_for(here, of, one.path);
            EXPECT_EQ(value_of(got.head, "X-Edited"), one.edited);
            EXPECT_EQ(value_of(got.head, "Strict-Transport-Security"),
                      secure ? "max-age=1" : "absent");
        }
    }
    visitor large(here.home);
    large.by.request.head.path = "/fixed";
    const auto refused = here.handler->refuse(large.by.request, reason::body_too_large);
    EXPECT_EQ(value_of(refused.head, "X-Edited"), "413 body_too_large fixed");
    visitor lost(here.home);
    EXPECT_EQ(value_of(ask_for(here, lost, "/elsewhere").head, "X-Edited"), "absent");
}

TEST(ProxyReply, ABodyHasVariables) {
    config::model model = model_without_origin();
    model.routes[0].reply = config::respond{200, "<p>${method}</p>", "text/html"};
    site here(model);
    visitor of(here.home);
    of.by.record.method = "<GET>";
    EXPECT_EQ(ask_for(here, of, "/fixed").body, "<p>&lt;GET&gt;</p>");
}

// What leaves as HTML is escaped as HTML, whoever says so and in whichever case.
TEST(ProxyReply, ABodyIsEscapedAsTheTypeThatLeavesWants) {
    struct {
        std::string name, type;
        config::header_edits edits;
        std::string expected;
    } const cases[] = {
        {"the usual type", "text/plain", {}, "<b>\"</b>"},
        {"in another case", "Text/HTML", {}, "&lt;b&gt;&quot;&lt;/b&gt;"},
        {"set",
         "text/plain",
         {{}, {{"content-type", "TEXT/html"}}, {}},
         "&lt;b&gt;&quot;&lt;/b&gt;"},
        {"added",
         "text/plain",
         {{}, {}, {{"Content-Type", "text/html"}}},
         "&lt;b&gt;&quot;&lt;/b&gt;"},
        {"removed", "text/plain", {{"Content-Type"}, {}, {}}, "&lt;b&gt;&quot;&lt;/b&gt;"},
        {"set to JSON",
         "text/html",
         {{}, {{"Content-Type", "Application/JSON"}}, {}},
         "<b>\\\"</b>"},
        {"by a variable",
         "text/plain",
         {{}, {{"Content-Type", "${header.X-Type}"}}, {}},
         "&lt;b&gt;&quot;&lt;/b&gt;"},
    };
    for (const auto& one : cases) {
        config::model model = model_without_origin();
        model.routes[0].reply = config::respond{200, "${header.X-A}", one.type};
        model.routes[0].response_headers = one.edits;
        site here(model);
        visitor of(here.home);
        of.add("X-A", "<b>\"</b>");
        of.add("X-Type", "text/html");
        EXPECT_EQ(ask_for(here, of, "/fixed").body, one.expected) << one.name;
    }
}

// A cache in front of us must not go on serving a failure because of what its route says.
TEST(ProxyReply, AFailureIsNotToBeStored) {
    config::model model = model_without_origin();
    config::upstream gone;
    gone.name = "app";
    gone.endpoints.push_back({{"127.0.0.1", 1}, 1, {}});
    model.upstreams.push_back(gone);
    config::route app = route_named("app", "/app");
    app.upstream = "app";
    model.routes.push_back(app);
    for (config::route& one : model.routes) {
        one.response_headers.set = {{"cache-control", "public, max-age=60"},
                                    {"CDN-Cache-Control", "max-age=60"},
                                    {"X-Accel-Expires", "60"},
                                    {"Edge-Control", "max-age=60"},
                                    {"Akamai-Cache-Control", "max-age=60"},
                                    {"Cloudflare-CDN-Cache-Control", "max-age=60"}};
    }
    site here(model);
    visitor failed(here.home);
    const outcome got = ask_for(here, failed, "/app");
    EXPECT_EQ(got.head.status, 502);
    EXPECT_EQ(got.head.fields.count(http::field_id_of("cache-control")), 1U);
    EXPECT_EQ(value_of(got.head, "Cache-Control"), "no-store");
    for (const char* const name : {"CDN-Cache-Control", "X-Accel-Expires", "Edge-Control",
                                   "Akamai-Cache-Control", "Cloudflare-CDN-Cache-Control"})
        EXPECT_EQ(value_of(got.head, name), "absent") << name;
    visitor served(here.home);
    EXPECT_EQ(value_of(ask_for(here, served, "/fixed").head, "Cache-Control"),
              "public, max-age=60");
}

// It is the log and trusted peers that can find out which rule struck.
TEST(ProxyReply, SaysWhyAPathIsAmbiguous) {
    config::model model = model_without_origin();
    config::network trusted;
    net::socket_address::parse("192.0.2.7", 0)->mapped(trusted.bytes);
    model.trust.push_back(trusted);
    model.routes.push_back(route_named("deep", "/a/secret"));
    model.routes.back().reply = config::respond{403, "", "text/plain"};
    config::route rest;
    rest.name = "rest";
    rest.reply = config::respond{200, "", "text/plain"};
    model.routes.push_back(rest);
    site here(model);
    visitor of(here.home);
    of.by.request.head.escaped_slash = true;
    const outcome got = ask_for(here, of, "/a%2Fsecret");
    EXPECT_EQ(got.head.status, 400);
    EXPECT_EQ(of.by.record.detail,
              "encoded '/' or '\\' in the path that would choose another route");
    EXPECT_EQ(value_of(got.head, "Proxy-Status"),
              R"(penstock; error=ambiguous_path; details="encoded '/' or '\\' in the path )"
              R"(that would choose another route")");
}

// Escapes in the path of a route are data, but an origin may read them all the same.
TEST(ProxyReply, EscapesOfARoutesOwnPathDoNotLeadPastAMoreSpecificRoute) {
    config::model model = model_without_origin();
    const auto add = [&model](const std::string& path, int status) {
        model.routes.push_back(route_named("r" + std::to_string(status), path));
        model.routes.back().match.path_kind = config::path_match::prefix;
        model.routes.back().reply = config::respond{status, "", "text/plain"};
    };
    add("/a%2Fb/", 201);
    add("/a/b/secret", 403);
    add("/a/", 202);
    add("/c%5Cd%2F", 205);
    add("/c/d/x", 406);
    site here(model);
    struct {
        std::string path;
        int status;
    } const cases[] = {
        {"/a%2Fb/secret/x", 400}, {"/a%2Fb/other", 201}, {"/a%2Fb/", 201},    {"/a%2Fb/secre", 201},
        {"/a%2Fb/s%2Fx", 201},    {"/c%5Cd%2Fx", 400},   {"/c%5Cd%2Fy", 205},
    };
    for (const auto& one : cases) {
        visitor of(here.home);
        of.by.request.head.escaped_slash = true;
        EXPECT_EQ(ask_for(here, of, one.path).head.status, one.status) << one.path;
    }
}

TEST(ProxyReply, AStaticReplyIsWhatTheRouteSays) {
    site here(model_without_origin());
    visitor of(here.home);
    const outcome got = ask_for(here, of, "/fixed");
    EXPECT_EQ(got.head.status, 203);
    EXPECT_EQ(got.body, "pong");
    EXPECT_EQ(value_of(got.head, "Content-Type"), "text/x-test");
    EXPECT_EQ(value_of(got.head, "X-Edited"), "1");
    EXPECT_EQ(value_of(got.head, "Proxy-Status"), "absent");
    EXPECT_TRUE(value_of(got.head, "Date").ends_with(" GMT"));
    EXPECT_EQ(of.by.record.why, reason::none);
    EXPECT_EQ(name_of(of.by.record.route), "fixed");
}

TEST(ProxyReply, AnEmptyStaticReplyHasNoType) {
    site here(model_without_origin());
    visitor of(here.home);
    const outcome got = ask_for(here, of, "/empty");
    EXPECT_EQ(got.head.status, 204);
    EXPECT_EQ(got.body, "");
    EXPECT_EQ(value_of(got.head, "Content-Type"), "absent");
}

TEST(ProxyReply, ARedirectTellsItsTarget) {
    site here(model_without_origin());
    visitor of(here.home);
    const outcome got = ask_for(here, of, "/moved");
    EXPECT_EQ(got.head.status, 308);
    EXPECT_EQ(value_of(got.head, "Location"), "https://new.test/");
    EXPECT_EQ(of.by.record.why, reason::none);
}

TEST(ProxyReply, RefusesWhatWasNotUnderstood) {
    site here(model_without_origin());
    visitor of(here.home);
    of.by.request.body = nullptr;
    of.add("X-Request-Id", "from-client");
    const exchange::response got =
        here.handler->refuse(of.by.request, reason::request_header_too_large);
    EXPECT_EQ(got.head.status, 431);
    EXPECT_EQ(of.by.record.why, reason::request_header_too_large);
    EXPECT_EQ(of.by.record.request_id.size(), 32U);
    EXPECT_EQ(value_of(got.head, "X-Request-Id"), of.by.record.request_id);
    EXPECT_EQ(of.by.record.route, no_name);
}

TEST(ProxyReply, ARefusalKeepsTheIdThatWasGiven) {
    site here(model_without_origin());
    visitor of(here.home);
    of.by.record.request_id = "given before";
    (void)here.handler->refuse(of.by.request, reason::proxy_internal_error);
    EXPECT_EQ(of.by.record.request_id, "given before");
}

TEST(ProxyReply, ATooLargeBodyIsCountedForItsRoute) {
    site here(model_without_origin());
    visitor of(here.home);
    of.by.request.head.path = "/fixed";
    EXPECT_EQ(here.handler->refuse(of.by.request, reason::body_too_large).head.status, 413);
    EXPECT_EQ(name_of(of.by.record.route), "fixed");
}

TEST(ProxyHandler, KnowsTheBodyLimitOfARoute) {
    config::model model = model_without_origin();
    {
        site without(model);
        visitor of(without.home);
        EXPECT_EQ(without.handler->body_limit(of.by.request), 0U);
    }
    model.routes[0].body_limit = 1000;
    site here(model);
    visitor of(here.home);
    for (const auto& [path, limit] :
         {std::pair("/fixed", 1000U), std::pair("/moved", 0U), std::pair("/elsewhere", 0U)}) {
        of.by.request.head.path = path;
        EXPECT_EQ(here.handler->body_limit(of.by.request), limit) << path;
    }
}

TEST(ProxyHandler, NamesTheReasonOfAnError) {
    const site here(model_without_origin());
    EXPECT_EQ(here.handler->reason_of(net::errc::deadline_exceeded), reason::deadline);
    EXPECT_EQ(here.handler->reason_of(net::errc::upstream_idle_timeout),
              reason::connection_read_timeout);
    EXPECT_EQ(here.handler->reason_of(http::errc::truncated), reason::http_response_incomplete);
}

}  // namespace
}  // namespace penstock::proxy::test
