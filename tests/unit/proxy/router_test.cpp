#include "penstock/proxy/router.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace penstock::proxy {
namespace {

using config::path_match;
using config::route_match;

struct asked {
    std::string method = "GET";
    std::string authority = "a.test";
    std::string path = "/";
    std::vector<std::pair<std::string, std::string>> fields = {};
    std::string listener = "web";
    std::string scheme = "http";
};

http::request_head head_of(const asked& of) {
    http::request_head made;
    made.method_text = of.method;
    made.verb = http::method_of(of.method);
    made.authority = of.authority;
    made.path = of.path;
    made.scheme = of.scheme;
    for (const auto& [name, value] : of.fields)
        made.fields.add(name, value);
    return made;
}

class table {
 public:
    table& add(route_match match) {
        config::route made;
        made.match = std::move(match);
        routes_.push_back(std::move(made));
        return *this;
    }
    // The index of the route, -1 without one.
    [[nodiscard]] int find(const asked& of) const {
        const std::optional<std::size_t> found =
            router(routes_).find(head_of(of), intern_name(of.listener));
        return found ? static_cast<int>(*found) : -1;
    }

 private:
    std::vector<config::route> routes_;
};

route_match hosts(std::vector<std::string> names) {
    route_match made;
    made.hosts = std::move(names);
    return made;
}

route_match path(path_match kind, std::string text) {
    route_match made;
    made.path_kind = kind;
    made.path = std::move(text);
    return made;
}

route_match listeners(std::vector<std::string> names) {
    route_match made;
    made.listeners = std::move(names);
    return made;
}

route_match scheme(std::string name) {
    route_match made;
    made.scheme = std::move(name);
    return made;
}

TEST(Router, MatchesListenersAndSchemes) {
    table all;
    all.add({}).add(listeners({"edge", "inner"})).add(scheme("https"));
    EXPECT_EQ(all.find({}), 0);
    EXPECT_EQ(all.find({.listener = "edge"}), 1);
    EXPECT_EQ(all.find({.listener = "inner"}), 1);
    EXPECT_EQ(all.find({.scheme = "https"}), 2);
    // A listener is more specific than a scheme.
    EXPECT_EQ(all.find({.listener = "edge", .scheme = "https"}), 1);
}

TEST(Router, ListenersAndSchemesComeAfterMethodsAndHeaders) {
    route_match method;
    method.methods = {"GET"};
    route_match header;
    header.headers = {{"x-a", std::nullopt}};
    table all;
    all.add(scheme("http")).add(listeners({"web"})).add(header).add(method);
    EXPECT_EQ(all.find({.method = "PUT"}), 1);
    EXPECT_EQ(all.find({.method = "PUT", .listener = "edge"}), 0);
    EXPECT_EQ(all.find({.method = "PUT", .fields = {{"X-A", "1"}}}), 2);
    EXPECT_EQ(all.find({.fields = {{"X-A", "1"}}}), 3);
    EXPECT_EQ(all.find({.method = "PUT", .listener = "edge", .scheme = "https"}), -1);
}

TEST(Router, FindsAsIfThePathWereAnother) {
    std::vector<config::route> routes(2);
    routes[0].match = path(path_match::prefix, "/a/");
    const http::request_head head = head_of({.path = "/b"});
    EXPECT_EQ(router(routes).find(head), 1U);
    EXPECT_EQ(router(routes).find(head, "/a/b", no_name), 0U);
}

TEST(Router, WithoutRoutesFindsNothing) { EXPECT_EQ(table().find({}), -1); }

TEST(Router, AnEmptyMatchTakesEverything) {
    table all;
    all.add({});
    EXPECT_EQ(all.find({}), 0);
    EXPECT_EQ(all.find({"OPTIONS", "", "*"}), 0);
}

TEST(Router, MatchesHostsWithoutPortAndTrailingDot) {
    table all;
    all.add(hosts({"a.test", "b.test", "[::1]"}));
    for (const std::string authority :
         {"a.test", "a.test:8080", "a.test.", "a.test.:80", "b.test", "[::1]", "[::1]:8080"})
        EXPECT_EQ(all.find({"GET", authority}), 0) << authority;
    for (const std::string authority : {"", "c.test", "xa.test", "a.tes", "a.test.x", "x.a.test"})
        EXPECT_EQ(all.find({"GET", authority}), -1) << authority;
}

TEST(Router, AWildcardStandsForOneLabelOrMore) {
    table all;
    all.add(hosts({"*.a.test"}));
    for (const std::string authority : {"x.a.test", "y.x.a.test:1", "-.a.test.", "..a.test"})
        EXPECT_EQ(all.find({"GET", authority}), 0) << authority;
    for (const std::string authority : {"a.test", ".a.test", "xa.test", "x.a.test.b", "x.a"})
        EXPECT_EQ(all.find({"GET", authority}), -1) << authority;
}

TEST(Router, PrefersExactHostsThenLongerWildcardsThenAny) {
    table all;
    all.add({});
    all.add(hosts({"*.test"}));
    all.add(hosts({"*.a.test"}));
    all.add(hosts({"x.a.test"}));
    EXPECT_EQ(all.find({"GET", "x.a.test"}), 3);
    EXPECT_EQ(all.find({"GET", "y.a.test"}), 2);
    EXPECT_EQ(all.find({"GET", "x.x.a.test"}), 2);
    EXPECT_EQ(all.find({"GET", "a.test"}), 1);
    EXPECT_EQ(all.find({"GET", "test"}), 0);
}

TEST(Router, ALessSpecificHostTakesWhatAMoreSpecificOneDoesNot) {
    route_match only_there = hosts({"x.a.test"});
    only_there.path_kind = path_match::exact;
    only_there.path = "/there";
    table all;
    all.add(only_there).add(hosts({"*.a.test"}));
    EXPECT_EQ(all.find({"GET", "x.a.test", "/there"}), 0);
    EXPECT_EQ(all.find({"GET", "x.a.test", "/here"}), 1);
}

TEST(Router, AnExactPathIsTheWholePath) {
    table all;
    all.add(path(path_match::exact, "/v1"));
    EXPECT_EQ(all.find({"GET", "a.test", "/v1"}), 0);
    for (const std::string other : {"/v1/", "/v", "/v1x", "/", "/V1"})
        EXPECT_EQ(all.find({"GET", "a.test", other}), -1) << other;
}

TEST(Router, APrefixIsHowThePathBegins) {
    table slash;
    slash.add(path(path_match::prefix, "/v1/"));
    for (const std::string inside : {"/v1/", "/v1/x", "/v1/x/y"})
        EXPECT_EQ(slash.find({"GET", "a.test", inside}), 0) << inside;
    for (const std::string outside : {"/v1", "/v1x", "/v2/", "/"})
        EXPECT_EQ(slash.find({"GET", "a.test", outside}), -1) << outside;
    table bare;
    bare.add(path(path_match::prefix, "/v1"));
    for (const std::string inside : {"/v1", "/v1/x", "/v1x"})
        EXPECT_EQ(bare.find({"GET", "a.test", inside}), 0) << inside;
}

TEST(Router, PrefersExactPathsThenLongerPrefixesThenAny) {
    table all;
    all.add({});
    all.add(path(path_match::prefix, "/"));
    all.add(path(path_match::prefix, "/a/"));
    all.add(path(path_match::prefix, "/a/b"));
    all.add(path(path_match::exact, "/a/b"));
    EXPECT_EQ(all.find({"GET", "a.test", "/a/b"}), 4);
    EXPECT_EQ(all.find({"GET", "a.test", "/a/b/c"}), 3);
    EXPECT_EQ(all.find({"GET", "a.test", "/a/c"}), 2);
    EXPECT_EQ(all.find({"GET", "a.test", "/a"}), 1);
    EXPECT_EQ(all.find({"GET", "a.test", "*"}), 0);
}

TEST(Router, TheHostCountsMoreThanThePath) {
    table all;
    all.add(path(path_match::exact, "/x"));
    all.add(hosts({"*.test"}));
    EXPECT_EQ(all.find({"GET", "a.test", "/x"}), 1);
}

TEST(Router, MethodsAreCaseSensitiveAndMoreSpecificThanNone) {
    route_match reading;
    reading.methods = {"GET", "HEAD"};
    route_match own;
    own.methods = {"PURGE"};
    table all;
    all.add({}).add(reading).add(own);
    EXPECT_EQ(all.find({"GET"}), 1);
    EXPECT_EQ(all.find({"HEAD"}), 1);
    EXPECT_EQ(all.find({"PURGE"}), 2);
    EXPECT_EQ(all.find({"POST"}), 0);
    EXPECT_EQ(all.find({"get"}), 0);
}

TEST(Router, MoreHeadersAndThenMoreValuesWin) {
    route_match there, value, both;
    there.headers = {{"x-beta", std::nullopt}};
    value.headers = {{"x-beta", "on"}};
    both.headers = {{"x-beta", "on"}, {"x-who", std::nullopt}};
    table all;
    all.add({}).add(there).add(value).add(both);
    EXPECT_EQ(all.find({}), 0);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"X-Beta", "off"}}}), 1);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"X-BETA", "on"}}}), 2);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"x-beta", "on"}, {"X-Who", ""}}}), 3);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"x-who", "me"}}}), 0);
}

TEST(Router, AnyFieldOfTheNameMayHaveTheValue) {
    route_match one;
    one.headers = {{"x-beta", "on"}};
    table all;
    all.add(one);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"X-Beta", "off"}, {"X-Beta", "on"}}}), 0);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"X-Beta", "ON"}}}), -1);
    EXPECT_EQ(all.find({"GET", "a.test", "/", {{"X-Beta", "on, off"}}}), -1);
}

TEST(Router, MovesWithItsTables) {
    config::route one;
    one.match = hosts({"a.test"});
    router first({one});
    const router second(std::move(first));
    EXPECT_EQ(second.find(head_of({})), 0U);
}

// What the documentation promises, without any index: score every route that matches.
struct score {
    std::tuple<int, std::size_t, int, std::size_t, bool, std::size_t, std::size_t> of;
    auto operator<=>(const score&) const = default;
};

std::optional<std::tuple<int, std::size_t>> host_score(const route_match& match,
                                                       const std::string& host) {
    std::optional<std::tuple<int, std::size_t>> best;
    if (match.hosts.empty())
        best = {0, 0};
    for (const std::string& pattern : match.hosts) {
        const bool wild = pattern.starts_with("*.");
        const bool fits = wild ? host.size() >= pattern.size() && host.ends_with(pattern.substr(1))
                               : host == pattern;
        if (fits)
            best = std::max(best, std::optional(std::tuple(wild ? 1 : 2, pattern.size())));
    }
    return best;
}

bool fields_fit(const route_match& match, const asked& of) {
    return std::all_of(match.headers.begin(), match.headers.end(), [&](const auto& wanted) {
        return std::any_of(of.fields.begin(), of.fields.end(), [&](const auto& field) {
            return field.first == wanted.name && (!wanted.value || field.second == *wanted.value);
        });
    });
}

std::optional<score> score_of(const route_match& match, const asked& of) {
    const auto host = host_score(match, of.authority);
    const bool path_fits =
        match.path_kind == path_match::any || of.path == match.path ||
        (match.path_kind == path_match::prefix && of.path.starts_with(match.path));
    const bool method_fits = match.methods.empty() ||
                             std::count(match.methods.begin(), match.methods.end(), of.method) > 0;
    if (!host || !path_fits || !method_fits || !fields_fit(match, of))
        return std::nullopt;
    const int kind = match.path_kind == path_match::exact    ? 2
                     : match.path_kind == path_match::prefix ? 1
                                                             : 0;
    const auto values = static_cast<std::size_t>(std::count_if(
        match.headers.begin(), match.headers.end(), [](const auto& h) { return !!h.value; }));
    return score{{std::get<0>(*host), std::get<1>(*host), kind, match.path.size(),
                  !match.methods.empty(), match.headers.size(), values}};
}

// Random tables and requests out of few words, so that they meet often.
class chance {
 public:
    explicit chance(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }
    const std::string& one_of(const std::vector<std::string>& words) {
        return words[below(words.size())];
    }
    route_match match() {
        route_match made;
        for (std::size_t i = below(3); i > 0; --i)
            made.hosts.push_back(one_of(patterns));
        made.path_kind = static_cast<path_match>(below(3));
        if (made.path_kind != path_match::any)
            made.path = one_of(paths);
        for (std::size_t i = below(3); i > 0; --i)
            made.methods.push_back(one_of(methods));
        for (const std::string name : {"x-a", "x-b"}) {
            if (const std::size_t kind = below(5); kind > 2)
                made.headers.push_back({name, kind == 3 ? std::nullopt : std::optional(value())});
        }
        return made;
    }
    asked request() {
        asked made{one_of(methods), one_of(names), one_of(paths), {}};
        for (const std::string name : {"x-a", "x-b", "x-b"}) {
            if (below(2) == 0)
                made.fields.emplace_back(name, value());
        }
        return made;
    }

 private:
    std::string value() { return below(2) == 0 ? "1" : "2"; }

    std::mt19937 random_;
    const std::vector<std::string> names{"test", "a.test", "x.a.test", "y.x.a.test", "b.test", ""};
    const std::vector<std::string> patterns{"a.test",   "x.a.test",   "b.test",
                                            "*.a.test", "*.x.a.test", "*.test"};
    const std::vector<std::string> paths{"/",     "/a",    "/a/",  "/a/b",
                                         "/a/b/", "/ab/c", "/b/c", "/a/b/c/d"};
    const std::vector<std::string> methods{"GET", "POST", "PUT"};
};

TEST(Router, AgreesWithTheRulesOnRandomTables) {
    chance by(20261125);
    int matched = 0;
    for (int round = 0; round < 10'000; ++round) {
        std::vector<config::route> routes(by.below(12));
        for (config::route& one : routes)
            one.match = by.match();
        const router under_test(routes);
        for (int i = 0; i < 10; ++i) {
            const asked request = by.request();
            std::optional<score> best;
            for (const config::route& one : routes)
                best = std::max(best, score_of(one.match, request));
            const std::optional<std::size_t> found = under_test.find(head_of(request));
            ASSERT_EQ(found.has_value(), best.has_value()) << "round " << round;
            if (!found)
                continue;
            ++matched;
            ASSERT_EQ(score_of(routes[*found].match, request), best) << "round " << round;
        }
    }
    EXPECT_GT(matched, 20'000);
}

}  // namespace
}  // namespace penstock::proxy
