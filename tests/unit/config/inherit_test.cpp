// `defaults`, `policies` and `use`.
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

namespace penstock::config {
namespace {

constexpr const char* rest =
    "listeners: {web: {bind: \":8080\"}}\nupstreams: {app: {endpoints: [\"a:1\"]}}\n";

model loaded_model(const std::string& text) {
    const loaded got = load_text(text, "/p.yaml");
    EXPECT_TRUE(got.ok()) << render_text(got.problems);
    return got.ok() ? *got.value : model{};
}

std::string problems(const std::string& text) {
    return render_text(load_text(text, "/p.yaml").problems);
}

const std::string* value_of(const std::vector<header_value>& fields, std::string_view name) {
    for (const header_value& one : fields) {
        if (one.name == name) {
            return &one.value;
        }
    }
    return nullptr;
}

TEST(Defaults, AreWhatEveryObjectStartsFrom) {
    const model got = loaded_model(
        "defaults: {listener: {timeouts: {head: 5s, keepalive: 7s}, limits: {body: 1MiB}},\n"
        "  route: {timeouts: {total: 9s}}, upstream: {timeouts: {connect: 2s}, balance: p2c}}\n"
        "listeners: {a: {bind: \":1\"}, b: {bind: \":2\", timeouts: {head: 6s}}}\n"
        "upstreams: {x: {endpoints: [\"a:1\"]}, y: {endpoints: [\"a:1\"], balance: random}}\n"
        "routes: [{upstream: x}, {match: {hosts: [h]}, upstream: y, timeouts: {total: 1s}}]\n");
    ASSERT_EQ(got.listeners.size(), 2U);
    EXPECT_EQ(got.listeners[0].timeouts.head, 5s);
    EXPECT_EQ(got.listeners[0].timeouts.keepalive, 7s);
    EXPECT_EQ(got.listeners[0].limit.body, mib);
    EXPECT_EQ(got.listeners[1].timeouts.head, 6s);
    EXPECT_EQ(got.listeners[1].timeouts.keepalive, 7s);
    ASSERT_EQ(got.upstreams.size(), 2U);
    EXPECT_EQ(got.upstreams[0].timeouts.connect, 2s);
    EXPECT_EQ(got.upstreams[0].balance, balance::p2c);
    EXPECT_EQ(got.upstreams[1].balance, balance::random);
    ASSERT_EQ(got.routes.size(), 2U);
    EXPECT_EQ(got.routes[0].total_timeout, 9s);
    EXPECT_EQ(got.routes[1].total_timeout, 1s);
}

// What is inherited can be taken back where nothing at all is a value too.
TEST(Defaults, CanBeTakenBack) {
    const scratch_directory scratch;
    scratch.write("a.pem", "x");
    const std::string text =
        "defaults: {listener: {tls: {certificates: [{cert: a.pem, key: a.pem}]}},\n"
        "  route: {timeouts: {total: 9s}}}\n"
        "listeners: {a: {bind: \":1\"}, b: {bind: \":2\", tls: False, protocols: [h2c]}}\n"
        "routes: [{respond: {}}, {match: {hosts: [h]}, respond: {}, timeouts: {total: 0s}}]\n";
    const loaded got = load_text(text, scratch.at("p.yaml"));
    ASSERT_TRUE(got.ok()) << render_text(got.problems);
    EXPECT_TRUE(got.value->listeners[0].tls.has_value());
    EXPECT_FALSE(got.value->listeners[1].tls.has_value());
    EXPECT_TRUE(got.value->listeners[1].h2);
    EXPECT_EQ(got.value->routes[0].total_timeout, 9s);
    EXPECT_FALSE(got.value->routes[1].total_timeout.has_value());
    const loaded again = load_text(dump(*got.value), "/elsewhere/p.yaml");
    ASSERT_TRUE(again.ok()) << render_text(again.problems);
    EXPECT_EQ(dump(*again.value), dump(*got.value));
}

TEST(Policies, ComeAfterDefaultsInTheOrderOfUseAndBeforeTheRoute) {
    const model got = loaded_model(
        std::string(rest) +
        "defaults: {route: {websocket: false, timeouts: {total: 1s}, limits: {body: 1}}}\n"
        "policies:\n"
        "  first: {timeouts: {total: 2s}, limits: {body: 2}, flush: true}\n"
        "  second: {limits: {body: 3}, digest: sha-256}\n"
        "routes: [{upstream: app, use: [first, second], digest: none}]\n");
    const route& one = got.routes.at(0);
    EXPECT_FALSE(one.websocket);
    EXPECT_EQ(one.total_timeout, 2s);
    EXPECT_EQ(one.body_limit, 3U);
    EXPECT_TRUE(one.flush.has_value());
    EXPECT_FALSE(one.digest);
}

TEST(Policies, HeaderFieldsAddUpByName) {
    const model got = loaded_model(
        std::string(rest) +
        "defaults: {route: {use: [secure]}}\n"
        "policies:\n"
        "  secure: {response_headers: {remove: [server], add: {x-a: \"1\"},\n"
        "    set: {Strict-Transport-Security: \"max-age=1\", x-frame-options: DENY}}}\n"
        "routes:\n"
        "  - upstream: app\n"
        "    response_headers: {remove: [x-b], add: [{name: x-c, value: \"2\"},\n"
        "      {name: x-c, value: \"3\"}], set: {strict-transport-security: \"max-age=2\"}}\n");
    const header_edits& edits = got.routes.at(0).response_headers;
    EXPECT_EQ(edits.remove, (std::vector<std::string>{"server", "x-b"}));
    ASSERT_EQ(edits.set.size(), 2U);
    EXPECT_EQ(*value_of(edits.set, "x-frame-options"), "DENY");
    EXPECT_EQ(*value_of(edits.set, "strict-transport-security"), "max-age=2");
    ASSERT_EQ(edits.add.size(), 3U);
    EXPECT_EQ(edits.add[0].name, "x-a");
    EXPECT_EQ(edits.add[2].value, "3");
}

TEST(Policies, ARoutesOwnUseReplacesThatOfDefaults) {
    const model got = loaded_model(std::string(rest) +
                                   "defaults: {route: {use: [a]}}\n"
                                   "policies: {a: {digest: sha-256}, b: {websocket: false}}\n"
                                   "routes: [{upstream: app}, {match: {hosts: [h]}, use: [b],\n"
                                   "  upstream: app}, {match: {hosts: [i]}, use: [], upstream: "
                                   "app}]\n");
    EXPECT_TRUE(got.routes.at(0).digest);
    EXPECT_FALSE(got.routes.at(1).digest);
    EXPECT_FALSE(got.routes.at(1).websocket);
    EXPECT_FALSE(got.routes.at(2).digest);
}

// What excludes others of its kind is taken over as a whole, or not at all.
TEST(Policies, AnActionAndAPathAreReplacedAsAWhole) {
    const model got = loaded_model(
        std::string(rest) +
        "policies: {down: {respond: {status: 503, body: later}, match: {path: {prefix: /p},\n"
        "  methods: [GET]}}}\n"
        "routes: [{use: [down]}, {use: [down], upstream: app, match: {path: {exact: /x}}},\n"
        "  {use: [down], respond: {status: 404}, match: {hosts: [h]}}]\n");
    EXPECT_EQ(got.routes.at(0).reply->status, 503);
    EXPECT_EQ(got.routes.at(0).match.path, "/p");
    EXPECT_EQ(got.routes.at(1).upstream, "app");
    EXPECT_FALSE(got.routes.at(1).reply.has_value());
    EXPECT_EQ(got.routes.at(1).match.path_kind, path_match::exact);
    EXPECT_EQ(got.routes.at(1).match.methods, std::vector<std::string>{"GET"});
    EXPECT_EQ(got.routes.at(2).reply->body, "");
    EXPECT_EQ(got.routes.at(2).match.path, "/p");
}

TEST(Policies, AnUnknownOneIsAnErrorWithTheNearest) {
    EXPECT_EQ(problems(std::string(rest) + "policies: {secure: {websocket: false}}\n"
                                           "routes: [{upstream: app, use: [secrue]}]\n"),
              "/p.yaml:4:32: error: unknown policy 'secrue'\n"
              "  routes: [{upstream: app, use: [secrue]}]\n"
              "                                 ^\n"
              "  did you mean 'secure'?\n");
}

TEST(Policies, AreCheckedThoughNoRouteUsesThem) {
    const std::string text = problems(
        std::string(rest) +
        "policies: {p: {websockt: false, timeouts: {total: 5}, name: x, use: [q]}, q: {}}\n"
        "defaults: {upstream: {pool: {idle: many}}, route: {name: y}, listner: {}}\n"
        "routes: [{upstream: app}]\n");
    for (const char* const expected :
         {"unknown key 'websockt'", "'5' has no unit", "'many' is not a whole number",
          "'name' cannot be here", "'use' cannot be here", "did you mean 'listener'?"}) {
        EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
    }
}

// Of a part nothing is required, and rules between keys wait for the whole.
TEST(Defaults, MayHoldPartsOfWhatIsRequired) {
    const scratch_directory scratch;
    scratch.write("a.pem", "x");
    const loaded got = load_text(
        "defaults: {listener: {tls: {certificates: [{cert: a.pem, key: a.pem}]}},\n"
        "  upstream: {endpoints: [\"a:1\"]}}\n"
        "listeners: {web: {bind: \":8443\", tls: {min_version: \"1.3\"}}}\n"
        "upstreams: {app: {}, other: }\nroutes: [{upstream: app}, {match: {hosts: [h]}, "
        "upstream: other}]\n",
        scratch.at("p.yaml"));
    ASSERT_TRUE(got.ok()) << render_text(got.problems);
    EXPECT_EQ(got.value->listeners.at(0).tls->min_version, "1.3");
    EXPECT_EQ(got.value->upstreams.at(1).endpoints.at(0).at.host, "a");
    EXPECT_EQ(got.value->upstreams.at(1).where.line, 4);
}

TEST(Defaults, AnErrorInThemIsReportedOnce) {
    const std::string text = problems(
        "defaults: {upstream: {timeouts: {connect: x}}}\nlisteners: {web: {bind: \":8080\"}}\n"
        "upstreams: {a: {endpoints: [\"a:1\"]}, b: {endpoints: [\"a:1\"]}}\n"
        "routes: [{upstream: a}, {match: {hosts: [h]}, upstream: b}]\n");
    const std::size_t first = text.find("'x' is not a duration");
    ASSERT_NE(first, std::string::npos) << text;
    EXPECT_EQ(text.find("'x' is not a duration", first + 1), std::string::npos) << text;
}

TEST(Defaults, AreGoneInADump) {
    const model got = loaded_model(std::string(rest) +
                                   "defaults: {route: {use: [p]}}\npolicies: {p: {digest: "
                                   "sha-256}}\nroutes: [{upstream: app}]\n");
    const std::string text = dump(got);
    EXPECT_EQ(text.find("defaults"), std::string::npos);
    EXPECT_EQ(text.find("policies"), std::string::npos);
    EXPECT_NE(text.find("digest: sha-256"), std::string::npos);
    EXPECT_EQ(dump(loaded_model(text)), text);
}

// A policy of n keys used by m routes is read m times, so the product is bounded.
TEST(Policies, WhatIsTakenOverIsBounded) {
    const auto file = [](int routes) {
        std::string hosts;
        for (int i = 0; i < 999; ++i) {
            hosts += (i == 0 ? "h" : ", h") + std::to_string(i);
        }
        std::string text =
            std::string(rest) + "policies: {p: {match: {hosts: [" + hosts + "]}}}\nroutes:\n";
        for (int i = 0; i < routes; ++i) {
            text += "  - {use: [p], upstream: app, match: {hosts: [], path: {exact: /" +
                    std::to_string(i) + "}}}\n";
        }
        return text;
    };
    EXPECT_EQ(problems(file(1900)).find("too many values are inherited"), std::string::npos);
    EXPECT_NE(problems(file(2100)).find("too many values are inherited"), std::string::npos);
}

}  // namespace
}  // namespace penstock::config
