#include "penstock/config/load.hpp"
#include "penstock/config/dump.hpp"

#include "contract_example.hpp"
#include "penstock/config/dump.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace penstock::config {
namespace {

constexpr std::string_view minimal =
    "listeners: {web: {bind: \"127.0.0.1:8080\"}}\n"
    "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
    "routes: [{upstream: app}]\n";

std::vector<std::string> warnings(const loaded& from) {
    std::vector<std::string> out;
    for (const diagnostic& problem : from.problems) {
        if (problem.severity == severity::warning) {
            out.push_back(problem.message);
        }
    }
    return out;
}

TEST(Load, ThreeLinesAreEnough) {
    const loaded outcome = load_text(minimal, "p.yaml");
    ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
    EXPECT_TRUE(outcome.problems.empty()) << render_text(outcome.problems);
    const model& m = *outcome.value;
    EXPECT_EQ(m.listeners.at(0).bind.at(0), (address{"127.0.0.1", 8080}));
    EXPECT_EQ(m.listeners.at(0).where.line, 1);
    EXPECT_EQ(m.listeners.at(0).where.column, 13);
    EXPECT_EQ(m.upstreams.at(0).endpoints.at(0).at, (address{"127.0.0.1", 3000}));
    EXPECT_EQ(m.routes.at(0).name, "app");
    EXPECT_FALSE(m.admin.enabled);
    EXPECT_FALSE(m.log.access.has_value());
    EXPECT_EQ(m.file, "p.yaml");
}

// H5.
TEST(Load, H5_TicketKeysLiveForHalfADayAtMost) {
    const scratch_directory scratch;
    scratch.write("site.pem", "x");
    scratch.write("site.key", "x");
    const auto with = [&](const std::string& rotate) {
        return load_text(
            "listeners: {web: {bind: \"127.0.0.1:8443\", tls: {certificates: [{cert: site.pem, "
            "key: "
            "site.key}], tickets: {rotate: " +
                rotate + "}}}}\nroutes: [{respond: {body: pong}}]\n",
            scratch.at("p.yaml"));
    };
    for (const std::string good : {"43199s", "12h"})
        EXPECT_TRUE(with(good).ok()) << good << render_text(with(good).problems);
    const loaded above = with("43201s");
    EXPECT_FALSE(above.ok());
    EXPECT_NE(render_text(above.problems).find("12h"), std::string::npos)
        << render_text(above.problems);
}

TEST(Load, TakesTheExampleOfTheContract) {
    const scratch_directory scratch;
    for (const char* const file :
         {"site.pem", "site.key", "ca.pem", "ticket.secret", "clients.pem"}) {
        scratch.write(file, "x");
    }
    const loaded outcome = load_text(contract_example, scratch.at("p.yaml"));
    ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
    const model& m = *outcome.value;

    EXPECT_TRUE(m.admin.enabled);
    ASSERT_TRUE(m.log.access.has_value());
    EXPECT_EQ(m.log.access->path, "/var/log/penstock/access.log");
    ASSERT_EQ(m.listeners.size(), 2U);
    const listener& edge = m.listeners[1];
    ASSERT_TRUE(edge.tls.has_value());
    EXPECT_EQ(edge.tls->certificates.at(0).cert, scratch.at("site.pem"));
    EXPECT_EQ(edge.limit.body, 100 * mib);
    EXPECT_EQ(edge.limit.header, 64 * kib);
    EXPECT_EQ(edge.timeouts.keepalive, 75s);
    EXPECT_EQ(edge.socket.keep.interval, 10s);

    ASSERT_EQ(m.routes.size(), 4U);
    EXPECT_EQ(m.routes[0].match.hosts, std::vector<std::string>{"api.example.com"});
    EXPECT_EQ(m.routes[0].match.path_kind, path_match::prefix);
    EXPECT_EQ(m.routes[0].match.methods, (std::vector<std::string>{"GET", "POST"}));
    EXPECT_EQ(m.routes[0].total_timeout, 15s);
    EXPECT_EQ(m.routes[1].reply.value_or(respond{}).body, "pong");
    EXPECT_EQ(m.routes[2].redirection.value_or(redirect{}).to, "https://example.com/new/");
    EXPECT_EQ(m.routes[3].name, "app");

    const listener_tls secure = m.listeners.at(1).tls.value_or(listener_tls{});
    EXPECT_EQ(secure.tickets.secret_file, scratch.at("ticket.secret"));
    EXPECT_EQ(secure.tickets.rotate, 1h);
    EXPECT_EQ(secure.client_ca, scratch.at("clients.pem"));
    EXPECT_EQ(secure.client, client_auth::required);

    const upstream& api = m.upstreams.at(0);
    EXPECT_EQ(api.endpoints.at(1).weight, 2U);
    EXPECT_EQ(api.balance, balance::p2c);
    EXPECT_EQ(api.tls.value_or(upstream_tls{}).server_name, "api.internal");
    EXPECT_EQ(api.pool.queue_timeout, 1s);

    EXPECT_EQ(
        warnings(outcome),
        (std::vector<std::string>{
            "'priority' has no effect in this release", "'retry' has no effect in this release",
            "'breaker' has no effect in this release", "'health' has no effect in this release",
            "'dns' has no effect in this release"}));
}

// A load gives a model, or says why not.
void expect_verdict(std::string_view text) {
    const loaded outcome = load_text(text, "/nowhere/p.yaml");
    const bool failed =
        std::any_of(outcome.problems.begin(), outcome.problems.end(),
                    [](const diagnostic& d) { return d.severity == severity::error; });
    EXPECT_NE(outcome.ok(), failed) << text;
}

// Any prefix of a file is what an editor or a full disk may leave behind.
TEST(Load, SurvivesEveryTruncation) {
    for (std::size_t size = 0; size < contract_example.size(); ++size) {
        expect_verdict(contract_example.substr(0, size));
    }
}

TEST(Load, TakesNoPrefixOfTheSmallestFile) {
    for (std::size_t size = 0; size + 1 < minimal.size(); ++size) {
        EXPECT_FALSE(load_text(minimal.substr(0, size), "p.yaml").ok()) << size;
    }
}

TEST(Load, SurvivesEveryChangedByte) {
    for (const char c : {'\0', '\n', '\t', ' ', ':', '[', '{', '"', '&', '*', '!', '-', '\xff'}) {
        std::string text(contract_example);
        for (std::size_t i = 0; i < text.size(); i += 7) {
            const char before = std::exchange(text[i], c);
            expect_verdict(text);
            text[i] = before;
        }
    }
}

TEST(Load, UpgradesAreListedOrSaidByWebsocket) {
    const auto with = [](const std::string& route) {
        return load_text(
            "listeners: {web: {bind: \"127.0.0.1:8080\"}}\n"
            "upstreams: {app: {endpoints: [\"127.0.0.1:3000\"]}}\n"
            "routes: [{upstream: app" +
                route + "}]\n",
            "p.yaml");
    };
    using protocols = std::vector<std::string>;
    const auto listed = [&](const std::string& route) {
        const loaded outcome = with(route);
        EXPECT_TRUE(outcome.ok()) << render_text(outcome.problems);
        return outcome.value->routes.at(0).upgrade;
    };
    EXPECT_EQ(listed(""), std::nullopt);
    EXPECT_EQ(listed(", websocket: false"), std::nullopt);
    EXPECT_EQ(listed(", upgrade: []"), protocols());
    EXPECT_EQ(listed(", upgrade: [websocket, \"spdy/3.1\", tcp]"),
              (protocols{"websocket", "spdy/3.1", "tcp"}));
    const loaded again = load_text(dump(*with(", upgrade: [tcp]").value), "p.yaml");
    ASSERT_TRUE(again.ok()) << render_text(again.problems);
    EXPECT_EQ(again.value->routes.at(0).upgrade, protocols{"tcp"});
    for (const std::string bad : {"[h2c]", "[\"a b\"]", "[[tcp]]", "{tcp: 1}"})
        EXPECT_FALSE(with(", upgrade: " + bad).ok()) << bad;
    std::string many;
    for (int i = 0; i < 17; ++i)
        many += (i == 0 ? "p" : ", p") + std::to_string(i);
    EXPECT_FALSE(with(", upgrade: [" + many + "]").ok());
    EXPECT_TRUE(with(", upgrade: [" + many.substr(0, many.rfind(',')) + "]").ok());
}

TEST(Load, ReportsEverythingInTheOrderOfTheFile) {
    const loaded outcome = load_text(
        "routes: [{upstream: ap, websocket: 1}]\n"
        "upstreams: {app: {endpoints: [a]}}\n"
        "listeners: {web: {bind: x, limts: {}}}\n"
        "log: {level: inf}\n",
        "p.yaml");
    std::vector<std::pair<int, int>> places;
    for (const diagnostic& problem : outcome.problems) {
        places.emplace_back(problem.where.line, problem.where.column);
    }
    EXPECT_EQ(places, (std::vector<std::pair<int, int>>{
                          {1, 21}, {1, 36}, {2, 31}, {3, 25}, {3, 28}, {4, 14}}))
        << render_text(outcome.problems);
}

TEST(Load, CountsWhatItDoesNotList) {
    std::string text(minimal);
    for (std::size_t i = 0; i < problems_max + 5; ++i) {
        text += "unknown" + std::to_string(i) + ": 1\n";
    }
    const loaded outcome = load_text(text, "p.yaml");
    ASSERT_EQ(outcome.problems.size(), problems_max + 1);
    EXPECT_EQ(outcome.problems.back().message, "5 more problems are not shown");
    EXPECT_EQ(outcome.problems.back().severity, severity::error);
}

TEST(Load, CutsLongLines) {
    const loaded outcome = load_text("x" + std::string(10'000, 'y') + ": 1\n", "p.yaml");
    for (const diagnostic& problem : outcome.problems) {
        EXPECT_LE(problem.source_line.size(), 240U);
        EXPECT_LE(problem.message.size(), 120U);
    }
}

TEST(Load, TakesALimitAndNothingAboveIt) {
    const struct {
        const char* name;
        const char* listener;
        bool ok;
    } cases[] = {
        {"header_below", "limits: {header: 122879}", true},
        {"header_at", "limits: {header: 120KiB}", true},
        {"header_above", "limits: {header: 122881}", false},
        {"header_least", "limits: {header: 1KiB}", true},
        {"header_too_small", "limits: {header: 1023}", false},
        {"count_at", "limits: {header_count: 1000}", true},
        {"count_above", "limits: {header_count: 1001}", false},
        {"count_zero", "limits: {header_count: 0}", false},
        {"no_cap", "limits: {connections: 0, body: 0, requests: 0}", true},
        {"timeout_least", "timeouts: {head: 1ms}", true},
        {"timeout_zero", "timeouts: {head: 0ms}", false},
        {"timeout_at", "timeouts: {body_idle: 24h}", true},
        {"timeout_above", "timeouts: {body_idle: 86400001ms}", false},
        {"backlog_at", "socket: {backlog: 65535}", true},
        {"backlog_above", "socket: {backlog: 65536}", false},
        {"keepalive_off", "socket: {keepalive: false}", true},
        {"keepalive_short", "socket: {keepalive: {idle: 999ms}}", false},
    };
    for (const auto& one : cases) {
        const std::string yaml = "listeners: {web: {bind: \":8080\", " + std::string(one.listener) +
                                 "}}\nroutes: [{respond: {}}]\n";
        const loaded outcome = load_text(yaml, "p.yaml");
        EXPECT_EQ(outcome.ok(), one.ok) << one.name << "\n" << render_text(outcome.problems);
    }
}

TEST(Load, BoundsItsLists) {
    const auto with_endpoints = [](int count) {
        std::string yaml =
            "listeners: {web: {bind: \":0\"}}\nroutes: [{upstream: app}]\n"
            "upstreams:\n  app:\n    endpoints:\n";
        for (int i = 1; i <= count; ++i) {
            yaml += "      - \"a:" + std::to_string(i) + "\"\n";
        }
        return load_text(yaml, "p.yaml").ok();
    };
    EXPECT_TRUE(with_endpoints(255));
    EXPECT_TRUE(with_endpoints(256));
    EXPECT_FALSE(with_endpoints(257));
}

TEST(Load, RefusesItemsThatAreNotThere) {
    const std::string head = "listeners: {web: {bind: \":0\"}}\n";
    for (const char* const rest :
         {"routes:\n  -\n", "routes: [{respond: {}, response_headers: {add: [~]}}]\n",
          "routes: [{respond: {}, match: {hosts: [~]}}]\n",
          "routes: [{upstream: a}]\nupstreams: {a: {endpoints: [~]}}\n",
          "routes: [{upstream: a}]\nupstreams: {a: }\n"}) {
        EXPECT_FALSE(load_text(head + rest, "p.yaml").ok()) << rest;
    }
    EXPECT_FALSE(load_text("routes: [{respond: {}}]\nlisteners: {web: }\n", "p.yaml").ok());
}

TEST(Load, TakesEmptySectionsAsDefaults) {
    const loaded outcome = load_text(std::string(minimal) + "admin:\nlog:\ndrain:\n", "p.yaml");
    ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
    EXPECT_TRUE(outcome.value->admin.enabled);
    EXPECT_EQ(outcome.value->admin.bind, (address{"127.0.0.1", 9901}));
}

TEST(Load, ReadsTheFormsOfTheAccessLog) {
    const struct {
        const char* text;
        const char* path;  // null = no log
    } cases[] = {
        {"false", nullptr},
        {"\"-\"", "-"},
        {"/var/log/a.log", "/var/log/a.log"},
        {"{}", "-"},
        {"logs/../a.log", "/etc/penstock/a.log"},
        {"{path: a.log}", "/etc/penstock/a.log"},
    };
    for (const auto& one : cases) {
        const std::string yaml = std::string(minimal) + "log: {access: " + one.text + "}\n";
        const loaded outcome = load_text(yaml, "/etc/penstock/p.yaml");
        ASSERT_TRUE(outcome.ok()) << one.text << render_text(outcome.problems);
        const auto& access = outcome.value->log.access;
        ASSERT_EQ(access.has_value(), one.path != nullptr) << one.text;
        if (access.has_value()) {
            EXPECT_EQ(access->path, one.path);
        }
    }
}

TEST(Load, ReadsTheFormsOfFlush) {
    const struct {
        const char* text;
        bool ok;
        std::optional<std::uint64_t> bytes;
    } cases[] = {
        {"false", true, std::nullopt},
        {"true", true, 16 * kib},
        {"{}", true, 16 * kib},
        {"{bytes: 1}", true, 1},
        {"{bytes: 1MiB}", true, mib},
        {"{bytes: 0}", false, {}},
        {"{bytes: 1048577}", false, {}},
        {"{interval: 1m}", true, 16 * kib},
        {"{interval: 60001ms}", false, {}},
        {"{interval: 0ms}", false, {}},
        {"{bites: 1}", false, {}},
        {"5", false, {}},
    };
    for (const auto& one : cases) {
        const std::string yaml =
            "listeners: {web: {bind: \":8080\"}}\n"
            "routes: [{respond: {}, digest: sha-256, flush: " +
            std::string(one.text) + "}]\n";
        const loaded outcome = load_text(yaml, "p.yaml");
        ASSERT_EQ(outcome.ok(), one.ok) << one.text << "\n" << render_text(outcome.problems);
        if (!one.ok)
            continue;
        const route& made = outcome.value->routes.at(0);
        EXPECT_TRUE(made.digest);
        ASSERT_EQ(made.flush.has_value(), one.bytes.has_value()) << one.text;
        if (made.flush.has_value()) {
            EXPECT_EQ(made.flush->bytes, *one.bytes) << one.text;
        }
    }
}

TEST(Load, FollowsAliases) {
    const loaded outcome = load_text(
        "listeners:\n"
        "  a: {bind: \":1\", timeouts: &t {head: 3s}}\n"
        "  b: {bind: \":2\", timeouts: *t}\n"
        "routes: [{respond: {}}]\n",
        "p.yaml");
    ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
    EXPECT_EQ(outcome.value->listeners.at(1).timeouts.head, 3s);
}

TEST(Load, SkipsAByteOrderMarkAndCarriageReturns) {
    const loaded outcome =
        load_text("\xef\xbb\xbfworkers: 2\r\n" + std::string(minimal) + "zz: 1\r\n", "p.yaml");
    ASSERT_EQ(outcome.problems.size(), 1U) << render_text(outcome.problems);
    EXPECT_EQ(outcome.problems[0].where.line, 5);
    EXPECT_EQ(outcome.problems[0].where.column, 1);
    EXPECT_EQ(outcome.problems[0].source_line, "zz: 1");
}

TEST(Load, ReadsMatchesAndEdits) {
    const loaded outcome = load_text(
        std::string(minimal.substr(0, minimal.find("routes"))) +
            "routes:\n"
            "  - match: {headers: {X-Canary: \"1\", X-Any: \"*\", X-There: ~}}\n"
            "    upstream: app\n"
            "    request_headers: {remove: [X-Debug], set: {Host: \"o.x:8080\"}, add: {A: b}}\n"
            "    response_headers: {add: [{name: a, value: \"1\"}, {name: a, value: \"2\"}]}\n",
        "p.yaml");
    ASSERT_TRUE(outcome.ok()) << render_text(outcome.problems);
    const route& one = outcome.value->routes.at(0);
    ASSERT_EQ(one.match.headers.size(), 3U);
    EXPECT_EQ(one.match.headers[0].name, "x-canary");
    EXPECT_EQ(one.match.headers[0].value, "1");
    EXPECT_FALSE(one.match.headers[1].value.has_value());
    EXPECT_FALSE(one.match.headers[2].value.has_value());
    EXPECT_EQ(one.request_headers.remove, std::vector<std::string>{"X-Debug"});
    EXPECT_EQ(one.request_headers.set.at(0).value, "o.x:8080");
    EXPECT_EQ(one.response_headers.add.size(), 2U);
}

TEST(LoadFile, ReportsWhatCannotBeRead) {
    const scratch_directory scratch;
    const std::string missing = scratch.at("none.yaml");
    EXPECT_EQ(render_text(load_file(missing).problems),
              missing + ": error: cannot read the configuration: No such file or directory\n");
    const std::string folder = scratch.at("");
    EXPECT_EQ(render_text(load_file(folder).problems),
              folder + ": error: cannot read the configuration: Is a directory\n");
}

TEST(LoadFile, HoldsFilesToTheirLimit) {
    const scratch_directory scratch;
    const auto load_padded = [&](std::size_t size) {
        std::string text(minimal);
        text += "#" + std::string(size - text.size() - 1, 'x');
        return load_file(scratch.write("p.yaml", text)).ok();
    };
    EXPECT_TRUE(load_padded(file_size_max - 1));
    EXPECT_TRUE(load_padded(file_size_max));
    EXPECT_FALSE(load_padded(file_size_max + 1));
}

TEST(Load, TakesWorkersAsANumberAWordOrASection) {
    const auto loaded_with = [](const std::string& value) {
        return load_text("workers: " + value + "\n" + std::string(minimal), "p.yaml");
    };
    struct expectation {
        const char* value;
        std::uint32_t count;
        bool pinned;
        const char* dumped;
    };
    for (const expectation& one :
         {expectation{"2", 2, false, "workers: 2\n"},
          expectation{"256", 256, false, "workers: 256\n"},
          expectation{"auto", 0, false, "workers: auto\n"},
          expectation{"{count: 4, pin: true}", 4, true, "  count: 4\n  pin: true\n"},
          expectation{"{pin: true}", 0, true, "  count: auto\n  pin: true\n"},
          expectation{"{count: auto}", 0, false, "workers: auto\n"}}) {
        const loaded got = loaded_with(one.value);
        ASSERT_TRUE(got.ok()) << one.value << render_text(got.problems);
        EXPECT_EQ(got.value->workers, one.count) << one.value;
        EXPECT_EQ(got.value->workers_pinned, one.pinned) << one.value;
        const std::string text = dump(*got.value);
        EXPECT_NE(text.find(one.dumped), std::string::npos) << text;
    }
    for (const char* const value :
         {"0", "257", "many", "{count: 0}", "{count: 257}", "{pin: 2}", "{cpu: 1}", "[1]"})
        EXPECT_FALSE(loaded_with(value).ok()) << value;
}

TEST(LoadFile, LoadsEveryExample) {
    std::size_t examples = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(repository() / "config")) {
        if (file.path().extension() != ".yaml") {
            continue;
        }
        // The keys that the examples name don't exist in the repository.
        const scratch_directory scratch;
        write_named_files(scratch);
        const loaded outcome = load_file(scratch.write("p.yaml", read_whole(file.path())));
        EXPECT_TRUE(outcome.ok()) << file.path() << "\n" << render_text(outcome.problems);
        EXPECT_TRUE(outcome.problems.empty()) << render_text(outcome.problems);
        ++examples;
    }
    EXPECT_GE(examples, 17U);
}

}  // namespace
}  // namespace penstock::config
