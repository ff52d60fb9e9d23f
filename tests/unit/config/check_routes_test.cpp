#include "config/loaders.hpp"

#include "config/reader.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

namespace penstock::config {
namespace {

// The messages about routes with these `match` values, all to one upstream.
std::string ambiguity(const std::string& first, const std::string& second) {
    const std::string yaml =
        "listeners: {web: {bind: \":8080\"}, other: {bind: \":8081\"}}\n"
        "upstreams: {app: {endpoints: [\"a:1\"]}}\n"
        "routes:\n"
        "  - {name: first, upstream: app, match: " +
        first +
        "}\n"
        "  - {name: second, upstream: app, match: " +
        second + "}\n";
    std::string out;
    for (const diagnostic& problem : load_text(yaml, "p.yaml").problems) {
        out += problem.message + "\n";
    }
    return out;
}

struct pair_case {
    const char* name;
    const char* first;
    const char* second;
    bool ambiguous;
};

TEST(Routes, AreAmbiguousOnlyIfARequestFitsBothEqually) {
    const pair_case cases[] = {
        {"both_empty", "{}", "{}", true},
        {"same_host", "{hosts: [a.x]}", "{hosts: [a.x]}", true},
        {"same_host_folded", "{hosts: [A.X]}", "{hosts: [a.x.]}", true},
        {"one_host_shared", "{hosts: [a.x, b.x]}", "{hosts: [c.x, b.x]}", true},
        {"other_hosts", "{hosts: [a.x]}", "{hosts: [b.x]}", false},
        {"host_and_none", "{hosts: [a.x]}", "{}", false},
        {"exact_and_wildcard", "{hosts: [a.x]}", "{hosts: [\"*.x\"]}", false},
        {"wildcards_of_two_lengths", "{hosts: [\"*.a.x\"]}", "{hosts: [\"*.x\"]}", false},
        {"same_wildcard", "{hosts: [\"*.x\"]}", "{hosts: [\"*.X\"]}", true},
        {"same_prefix", "{path: {prefix: /a}}", "{path: {prefix: /a}}", true},
        {"prefix_and_exact", "{path: {prefix: /a}}", "{path: {exact: /a}}", false},
        {"two_prefixes", "{path: {prefix: /a}}", "{path: {prefix: /a/}}", false},
        {"root_prefix_and_none", "{path: {prefix: /}}", "{}", false},
        {"methods_overlap", "{methods: [GET, POST]}", "{methods: [POST, PUT]}", true},
        {"methods_apart", "{methods: [GET]}", "{methods: [PUT]}", false},
        {"methods_and_none", "{methods: [GET]}", "{}", false},
        {"method_order", "{methods: [GET, PUT]}", "{methods: [PUT, GET]}", true},
        {"header_and_none", "{headers: {a: \"1\"}}", "{}", false},
        {"same_header", "{headers: {A: \"1\"}}", "{headers: {a: \"1\"}}", true},
        {"two_values", "{headers: {a: \"1\"}}", "{headers: {a: \"2\"}}", false},
        {"value_and_presence", "{headers: {a: \"1\"}}", "{headers: {a: \"*\"}}", false},
        {"presence_twice", "{headers: {a: ~}}", "{headers: {a: \"*\"}}", true},
        {"headers_that_can_meet", "{headers: {a: \"1\"}}", "{headers: {b: \"1\"}}", true},
        {"same_listener", "{listeners: [web]}", "{listeners: [web]}", true},
        {"listener_and_none", "{listeners: [web]}", "{}", false},
        {"other_listeners", "{listeners: [web]}", "{listeners: [other]}", false},
        {"listeners_overlap", "{listeners: [web, other]}", "{listeners: [other]}", true},
        {"same_scheme", "{scheme: http}", "{scheme: http}", true},
        {"other_scheme", "{scheme: http}", "{scheme: https}", false},
        {"scheme_and_none", "{scheme: http}", "{}", false},
        {"listener_and_scheme", "{listeners: [web]}", "{scheme: http}", false},
        {"more_headers", "{headers: {a: \"1\"}}", "{headers: {a: \"1\", b: \"1\"}}", false},
        {"list_form", "{headers: {a: \"1\"}}", "{headers: [{name: A, value: \"1\"}]}", true},
    };
    for (const pair_case& one : cases) {
        const std::string message = ambiguity(one.first, one.second);
        EXPECT_EQ(message.find("is ambiguous") != std::string::npos, one.ambiguous)
            << one.name << ": " << message;
        EXPECT_EQ(ambiguity(one.second, one.first).find("is ambiguous") != std::string::npos,
                  one.ambiguous)
            << one.name << ", the other way round";
    }
}

// So many that comparing each with each would take minutes.
TEST(Routes, AreToldApartByTheThousandWithoutComparingAll) {
    const auto started = std::chrono::steady_clock::now();
    const auto problems_of = [](const std::function<std::string(int)>& match) {
        std::string yaml = "listeners: {web: {bind: \":8080\"}}\nroutes:\n";
        for (int i = 0; i < 10'000; ++i) {
            yaml += "- {respond: {}, match: {" + match(i) + "}}\n";
        }
        return render_text(load_text(yaml, "p.yaml").problems);
    };
    EXPECT_EQ(problems_of([](int i) { return "headers: {x: v" + std::to_string(i) + "}"; }), "");
    EXPECT_EQ(problems_of([](int i) { return "methods: [M" + std::to_string(i) + "]"; }), "");
    EXPECT_EQ(problems_of([](int i) {
                  const std::string pair[] = {"{a: x, b: v", "{b: y, a: v"};
                  return "methods: [M" + std::to_string(i % 2) + "], headers: " + pair[i % 2] +
                         std::to_string(i) + "}";
              }),
              "");
    // The last one competes with the first.
    const std::string text =
        problems_of([](int i) { return "headers: {x: v" + std::to_string(i % 9'999) + "}"; });
    EXPECT_NE(text.find("route 'route10000' is ambiguous"), std::string::npos) << text;
    EXPECT_NE(text.find("'route1' at p.yaml:3:3"), std::string::npos) << text;
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(60));
}

TEST(Routes, NameBothPlacesOnce) {
    EXPECT_EQ(ambiguity("{hosts: [a.x, b.x]}", "{hosts: [b.x, a.x]}"),
              "route 'second' is ambiguous: a request can match it and 'first' at p.yaml:4:5 "
              "equally well\n");
}

// What could not be read would seem to match everything.
TEST(Routes, AreNotComparedIfTheirMatchIsWrong) {
    EXPECT_EQ(ambiguity("{hosts: [\"a b\"]}", "{}"), "'a b' is not a host\n");
}

std::string problems_of_route(const std::string& route) {
    return render_text(
        load_text("listeners: {web: {bind: \":8080\"}}\nroutes: [" + route + "]\n", "p.yaml")
            .problems);
}

// The host of a URL ends where the configuration says, not where a client says.
TEST(Routes, LetNoClientChooseHowAHostGoesOn) {
    struct {
        const char* text;
        bool redirect;
        bool host;
        bool header;
    } const cases[] = {
        // Refused in `to`, in `host` (without the scheme), in a field.
        {"https://example.com${arg.next}", true, true, true},
        {"https://example.com${arg.a}${arg.b}", true, true, true},
        {"https://${host}${header.x-suffix}", true, true, true},
        {"https://localhost${cookie.a}", true, true, true},
        {"https://example.com${arg.a}.org", true, true, true},
        {"https://shop.${arg.t}.example.com", false, false, true},
        {"https://${arg.t}.example.com", false, false, true},
        {"https://api-${header.x-region}.example.com", false, false, true},
        {"https://www.${header.x-host}", false, false, false},
        {"https://${arg.host}", false, false, false},
        {"https://www.${host}", false, false, false},
        {"https://www.${tls.sni}", false, false, false},
        {"https://example.com", false, false, false},
    };
    const std::string wrong = "lets clients choose how its host goes on";
    for (const auto& one : cases) {
        const std::string text = one.text;
        const auto refused = [&](const std::string& route) {
            return problems_of_route(route).find(wrong) != std::string::npos;
        };
        EXPECT_EQ(refused("{redirect: {to: \"" + text + "\"}}"), one.redirect) << text;
        EXPECT_EQ(refused("{redirect: {to: \"" + text + "/x${arg.y}\"}}"), one.redirect) << text;
        EXPECT_EQ(refused("{redirect: {host: \"" + text.substr(8) + "\"}}"), one.host) << text;
        for (const std::string name : {"Location", "content-location", "Refresh"}) {
            const std::string value = (name == "Refresh" ? "0; url=" : "") + text;
            EXPECT_EQ(refused("{respond: {}, response_headers: {set: {" + name + ": \"" + value +
                              "/\"}}}"),
                      one.header)
                << name << ": " << text;
        }
    }
    for (const char* const good :
         {"{redirect: {to: \"https://example.com/${arg.next}\"}}",
          "{redirect: {to: \"https://example.com?a=${arg.next}\"}}",
          "{redirect: {to: \"https://example.com${path}${arg.a}\"}}",
          "{redirect: {to: \"/go//example.com${arg.next}\"}}",
          "{respond: {}, response_headers: {set: {Location: \"${arg.next}\"}}}",
          "{respond: {}, response_headers: {set: {Location: \"${path}//a.test${arg.x}\"}}}",
          "{respond: {}, response_headers: {set: {X-Url: \"https://a.test${arg.x}\"}}}"})
        EXPECT_EQ(problems_of_route(good), "") << good;
    EXPECT_NE(problems_of_route("{redirect: {to: \"https://example.com:${arg.p}/\"}}").find(wrong),
              std::string::npos);
    EXPECT_NE(problems_of_route("{respond: {}, response_headers: {add: [{name: Location, "
                                "value: \"//a.test${arg.x}\"}]}}")
                  .find("put a '/' between the host and the variable"),
              std::string::npos);
}

TEST(Routes, HaveAContentTypeThatIsOne) {
    const auto problems = [](const std::string& type) {
        return problems_of_route("{respond: {body: a, content_type: \"" + type + "\"}}");
    };
    for (const char* const good : {"text/plain", "text/html; charset=utf-8", "application/a+json"})
        EXPECT_EQ(problems(good), "") << good;
    for (const char* const bad : {"", "text", "text/", "/plain", "text plain", "a/b/c", "a/b, c/d"})
        EXPECT_NE(problems(bad).find("is not a media type"), std::string::npos) << bad;
}

TEST(Routes, GetNamesThatAreUnique) {
    std::vector<route> routes(6);
    routes[0].upstream = "app";
    routes[2].upstream = "app";
    routes[3].name = "app-2";
    routes[4].name = "route6";
    reader in("p.yaml");
    name_routes(in, routes);
    const std::vector<std::string> expected = {"app",   "route2", "app-3",
                                               "app-2", "route6", "route6-2"};
    for (std::size_t i = 0; i < routes.size(); ++i) {
        EXPECT_EQ(routes[i].name, expected[i]);
    }
    EXPECT_EQ(in.errors(), 0U);
}

}  // namespace
}  // namespace penstock::config
