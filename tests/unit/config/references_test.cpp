// `${env:…}` and `${file:…}` in values.
#include "penstock/config/dump.hpp"
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace penstock::config {
namespace {

class References : public testing::Test {
 protected:
    void SetUp() override {
        ::setenv("PENSTOCK_TEST_SECRET", secret, 1);
        ::setenv("PENSTOCK_TEST_PORT", "8123", 1);
        ::setenv("PENSTOCK_TEST_EMPTY", "", 1);
        ::setenv("PENSTOCK_TEST_DOLLARS", "a${host}$$b", 1);
        ::setenv("PENSTOCK_TEST_YAML", "x, status: 201}", 1);
        ::unsetenv("PENSTOCK_TEST_UNSET");
    }

    loaded load(const std::string& text) { return load_text(text, scratch_.at("p.yaml")); }

    // A listener and one route with a fixed reply and these keys.
    loaded load_route(const std::string& keys) {
        return load("listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {status: 200}, " +
                    keys + "}]\n");
    }

    // The body that a route with this one answers with; what is wrong if it does not load.
    std::string body_of(const std::string& written) {
        const loaded got = load(
            "listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {body: " + written + "}}]\n");
        return got.ok() ? got.value->routes.at(0).reply->body : render_text(got.problems);
    }

    static constexpr const char* secret = "tOpSeCrEt-1";
    scratch_directory scratch_;
};

TEST_F(References, StandForVariablesAndFilesInAnyScalar) {
    scratch_.write("motd", "hello\nyou\n");
    scratch_.write("sub/dos", "line\r\n");
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_SECRET}\""), secret);
    EXPECT_EQ(body_of("\"<${env:PENSTOCK_TEST_PORT}>\""), "<8123>");
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_UNSET:-d e}\""), "d e");
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_EMPTY:-d}\""), "d");
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_EMPTY}\""), "");
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_PORT:-d}\""), "8123");
    EXPECT_EQ(body_of("\"${file:motd}\""), "hello\nyou");
    EXPECT_EQ(body_of("\"${file:sub/dos}\""), "line");
    EXPECT_EQ(body_of("\"${file:" + scratch_.at("motd") + "}\""), "hello\nyou");
    const loaded number = load(
        "workers: \"${env:PENSTOCK_TEST_UNSET:-3}\"\n"
        "listeners: {web: {bind: \"127.0.0.1:${env:PENSTOCK_TEST_PORT}\"}}\n"
        "routes: [{respond: {status: \"${env:PENSTOCK_TEST_UNSET:-404}\"}}]\n");
    ASSERT_TRUE(number.ok()) << render_text(number.problems);
    EXPECT_EQ(number.value->workers, 3U);
    EXPECT_EQ(number.value->listeners.at(0).bind.at(0).port, 8123);
    EXPECT_EQ(number.value->routes.at(0).reply->status, 404);
}

// They are replaced after the YAML is parsed.
TEST_F(References, AreNeverReadAsYaml) {
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_YAML}\""), "x, status: 201}");
    const loaded plain = load(
        "listeners: {web: {bind: \":8080\"}}\nroutes:\n  - respond:\n      body: "
        "${env:PENSTOCK_TEST_YAML}\n");
    ASSERT_TRUE(plain.ok()) << render_text(plain.problems);
    EXPECT_EQ(plain.value->routes.at(0).reply->body, "x, status: 201}");
    // In a key there are none.
    const loaded key = load("\"${env:PENSTOCK_TEST_PORT}\": 1\n");
    EXPECT_NE(render_text(key.problems).find("unknown key '${env:PENSTOCK_TEST_PORT}'"),
              std::string::npos);
}

TEST_F(References, ADollarBeforeAnythingElseIsOne) {
    const loaded got = load(
        "listeners: {web: {bind: \":8080\"}}\n"
        "log: {access: \"/a$b$1/$$/$${x}/$\"}\nroutes: [{respond: {}}]\n");
    ASSERT_TRUE(got.ok()) << render_text(got.problems);
    EXPECT_EQ(got.value->log.access->path, "/a$b$1/$/${x}/$");
    // And it comes back from a dump.
    const loaded again = load_text(dump(*got.value), "/p.yaml");
    ASSERT_TRUE(again.ok()) << render_text(again.problems) << dump(*got.value);
    EXPECT_EQ(again.value->log.access->path, "/a$b$1/$/${x}/$");
}

// Where variables of the request may stand, what the environment says is not looked into.
TEST_F(References, AreNotLookedIntoAgain) {
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_DOLLARS}\""), "a$${host}$$$$b");
    const loaded path = load(
        "listeners: {web: {bind: \":8080\"}}\n"
        "log: {access: \"/${env:PENSTOCK_TEST_DOLLARS}\"}\nroutes: [{respond: {}}]\n");
    ASSERT_TRUE(path.ok()) << render_text(path.problems);
    EXPECT_EQ(path.value->log.access->path, "/a${host}$$b");
}

struct bad_reference {
    const char* name;
    const char* written;
    const char* message;
    const char* hint;
};

TEST_F(References, WhatCannotBeReplacedIsAnErrorWithASuggestion) {
    scratch_.write("big", std::string(64 * 1024 + 1, 'x'));
    scratch_.write("binary", "\xff\xfe");
    scratch_.write("nul", std::string("a\0b", 3));
    std::filesystem::create_directories(scratch_.at("folder"));
    const std::vector<bad_reference> cases = {
        {"unset", "${env:PENSTOCK_TEST_UNSET}",
         "the environment has no variable 'PENSTOCK_TEST_UNSET'",
         "'${env:PENSTOCK_TEST_UNSET:-default}'"},
        {"bare", "${PENSTOCK_TEST_PORT}", "unknown variable '${PENSTOCK_TEST_PORT}'",
         "a variable of the environment is '${env:PENSTOCK_TEST_PORT}'"},
        {"misspelt", "${evn:HOME}", "unknown variable '${evn:HOME}'",
         "did you mean '${env:HOME}'?"},
        {"other", "${something}", "unknown variable '${something}'", "'${env:NAME}'"},
        {"open", "${env:HOME", "'${' without its '}'", "'$$'"},
        {"nested", "${env:PENSTOCK_TEST_UNSET:-${host}}",
         "'${env:PENSTOCK_TEST_UNSET:-${host}' has a reference within a reference",
         "a default is plain text, and ends at the first '}'"},
        {"nested in a set one", "${env:PENSTOCK_TEST_PORT:-a${env:HOME}}",
         "has a reference within a reference", "plain text"},
        {"nested in a path", "${file:${env:HOME}/x}", "has a reference within a reference", ""},
        {"name", "${env:1 A}", "'${env:1 A}' names no variable", "letters"},
        {"absent", "${file:no}", "cannot read '${file:no}': No such file", ""},
        {"folder", "${file:folder}", "cannot read '${file:folder}': Not a regular file", ""},
        {"big", "${file:big}", "cannot read '${file:big}': larger than 64KiB", ""},
        {"binary", "${file:binary}", "'${file:binary}' stands for what is not UTF-8", ""},
        {"nul", "${file:nul}", "'${file:nul}' stands for a value with a NUL byte", ""},
    };
    for (const bad_reference& one : cases) {
        const loaded got = load("listeners: {web: {bind: \":8080\"}}\nlog: {access: \"" +
                                std::string(one.written) + "\"}\nroutes: [{respond: {}}]\n");
        EXPECT_FALSE(got.ok()) << one.name;
        ASSERT_FALSE(got.problems.empty()) << one.name;
        EXPECT_NE(got.problems[0].message.find(one.message), std::string::npos)
            << one.name << ": " << got.problems[0].message;
        EXPECT_NE(got.problems[0].hint.find(one.hint), std::string::npos)
            << one.name << ": " << got.problems[0].hint;
        EXPECT_EQ(got.problems[0].where.line, 2) << one.name;
    }
}

// Where variables of the request may stand, neither.
TEST_F(References, AreNotNestedWithVariables) {
    const std::string text = body_of("\"${env:PENSTOCK_TEST_UNSET:-${host}}\"");
    EXPECT_NE(text.find("has a reference within a reference"), std::string::npos) << text;
    EXPECT_EQ(body_of("\"${env:PENSTOCK_TEST_UNSET:-$}${host}\""), "$$${host}");
}

// What a value that could not be had would have been wrong for is not said as well.
TEST_F(References, AreRefusedOnce) {
    for (const char* const key :
         {"workers: \"${env:PENSTOCK_TEST_UNSET}\"", "trust: [\"${X}\"]",
          "policies: {p: {}}\ndefaults: {route: {use: [\"${env:PENSTOCK_TEST_UNSET}\"]}}",
          "include: [\"${file:no}\"]", "log: {level: \"${env:PENSTOCK_TEST_PORT\"}"}) {
        const loaded got = load("listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n" +
                                std::string(key) + "\n");
        EXPECT_FALSE(got.ok()) << key;
        EXPECT_EQ(got.problems.size(), 1U) << render_text(got.problems);
    }
}

TEST_F(References, AFileOf64KiBIsTheLargest) {
    scratch_.write("at", std::string(64 * 1024, 'x'));
    scratch_.write("below", std::string(64 * 1024 - 1, 'x'));
    EXPECT_EQ(body_of("\"${file:at}\"").size(), 64U * 1024);
    EXPECT_EQ(body_of("\"${file:below}\"").size(), 64U * 1024 - 1);
}

TEST_F(References, AreWhatADumpShows) {
    scratch_.write("token", std::string(secret) + "\n");
    scratch_.write("a.pem", "x");
    ::setenv("PENSTOCK_TEST_CERT", scratch_.at("a.pem").c_str(), 1);
    ::setenv("PENSTOCK_TEST_N", "7", 1);
    ::setenv("PENSTOCK_TEST_NET", "192.0.2.7", 1);
    ::setenv("PENSTOCK_TEST_LOG", "/var/log/seven", 1);
    ::setenv("PENSTOCK_TEST_SIZE", "777", 1);
    ::setenv("PENSTOCK_TEST_OFF", "false", 1);
    ::setenv("PENSTOCK_TEST_ORIGIN", "seven.test", 1);
    ::setenv("PENSTOCK_TEST_HOST", "seven.example", 1);
    ::setenv("PENSTOCK_TEST_FIELD", "seventh", 1);
    const loaded got = load(
        "workers: \"${env:PENSTOCK_TEST_N}\"\n"
        "trust: [10.0.0.0/8, \"${env:PENSTOCK_TEST_NET}\"]\n"
        "log: {access: \"${env:PENSTOCK_TEST_LOG}\"}\n"
        "listeners: {web: {bind: \"127.0.0.1:${env:PENSTOCK_TEST_PORT}\",\n"
        "  limits: {body: \"${env:PENSTOCK_TEST_SIZE}\"},\n"
        "  socket: {nodelay: \"${env:PENSTOCK_TEST_OFF}\"}}}\n"
        "upstreams: {app: {endpoints: [\"a:1\", \"${env:PENSTOCK_TEST_ORIGIN}:77\"],\n"
        "  tls: {ca: \"${env:PENSTOCK_TEST_CERT}\"}}}\n"
        "routes:\n"
        "  - upstream: app\n"
        "    match: {hosts: [B.test, b.test, \"${env:PENSTOCK_TEST_HOST}\"],\n"
        "            headers: {x: \"${env:PENSTOCK_TEST_FIELD}\"}}\n"
        "    request_headers: {set: {authorization: \"Bearer ${file:token}\"},\n"
        "                      add: [{name: x-key, value: \"${env:PENSTOCK_TEST_SECRET}\"}]}\n"
        "  - {respond: {body: \"${file:token} and ${host}\"}}\n");
    ASSERT_TRUE(got.ok()) << render_text(got.problems);
    const std::string text = dump(*got.value);
    for (const char* const value :
         {secret, "8123", "workers: 7", "192.0.2.7", "/var/log/seven\"", "body: 777\n",
          "seven.test:77", "seven.example\"", "\"seventh\"", "a.pem", "nodelay: false"}) {
        EXPECT_EQ(text.find(value), std::string::npos) << value << "\n" << text;
    }
    const std::string token = "${file:" + scratch_.at("token") + "}";
    for (const std::string& reference :
         {std::string("\"${env:PENSTOCK_TEST_N}\""), "\"Bearer " + token + "\"",
          std::string("\"127.0.0.1:${env:PENSTOCK_TEST_PORT}\""),
          std::string("\"${env:PENSTOCK_TEST_CERT}\""),
          std::string("\"${env:PENSTOCK_TEST_ORIGIN}:77\""), "\"" + token + " and ${host}\""}) {
        EXPECT_NE(text.find(reference), std::string::npos) << reference << "\n" << text;
    }
    const loaded again = load(text);
    ASSERT_TRUE(again.ok()) << render_text(again.problems) << text;
    EXPECT_EQ(dump(*again.value), text);
    EXPECT_EQ(again.value->routes.at(0).request_headers.set.at(0).value,
              std::string("Bearer ") + secret);
}

// Every way in which a value can be refused shows the reference in its place.
TEST_F(References, AreWhatDiagnosticsShow) {
    ::setenv("PENSTOCK_TEST_QUOTE", "tOp'SeCrEt-1'", 1);
    const char* const keys[] = {
        "workers: \"${env:PENSTOCK_TEST_SECRET}\"",
        "admin: {bind: \"${env:PENSTOCK_TEST_SECRET}\"}",
        "admin: {bind: \"${env:PENSTOCK_TEST_SECRET}:70000\"}",
        "log: {level: \"${env:PENSTOCK_TEST_SECRET}\"}",
        "log: {access: {path: a, sample: \"${env:PENSTOCK_TEST_SECRET}\"}}",
        "log: {access: {path: a, slow: \"${env:PENSTOCK_TEST_SECRET}\"}}",
        "shedding: {memory: \"${env:PENSTOCK_TEST_SECRET}\"}",
        "trust: [\"${env:PENSTOCK_TEST_SECRET}\"]",
        "trust: [\"${env:PENSTOCK_TEST_QUOTE}\"]",
        "include: [\"${env:PENSTOCK_TEST_SECRET}\"]",
        "policies: {p: {use: [\"${env:PENSTOCK_TEST_SECRET}\"]}}",
        "upstreams: {u: {endpoints: [\"${env:PENSTOCK_TEST_SECRET}\"]}}",
        "upstreams: {u: {endpoints: [\"a:1\"], tls: {ca: \"${env:PENSTOCK_TEST_SECRET}\"}}}",
        "upstreams: {u: {endpoints: [\"a:1\"], tls: \"${env:PENSTOCK_TEST_SECRET}\"}}",
        "upstreams: {u: {endpoints: [\"a:1\"], balance: \"${env:PENSTOCK_TEST_SECRET}\"}}",
        "upstreams: {u: {endpoints: [\"a:1\"], pool: {idle: \"${env:PENSTOCK_TEST_SECRET}\"}}}",
    };
    for (const char* const key : keys) {
        const loaded got = load("listeners: {web: {bind: \":8080\"}}\nroutes: [{respond: {}}]\n" +
                                std::string(key) + "\n");
        EXPECT_FALSE(got.ok()) << key;
        const std::string text = render_text(got.problems) + render_json(got.problems);
        EXPECT_EQ(text.find("SeCrEt"), std::string::npos) << text;
        EXPECT_NE(text.find("${env:PENSTOCK_TEST_"), std::string::npos) << text;
    }
    // What is wrong is still told, as long as it says nothing of the value.
    const loaded path = load_route("match: {path: {exact: \"/${env:PENSTOCK_TEST_UNSET:-a}?0\"}}");
    EXPECT_NE(render_text(path.problems).find("'/${env:PENSTOCK_TEST_UNSET:-a}?0' contains '?'"),
              std::string::npos)
        << render_text(path.problems);
    const loaded unit = load_route("timeouts: {total: \"1${env:PENSTOCK_TEST_SECRET}\"}");
    EXPECT_NE(
        render_text(unit.problems).find("'1${env:PENSTOCK_TEST_SECRET}' has an unknown unit '…'"),
        std::string::npos)
        << render_text(unit.problems);
    const loaded route = load(
        "listeners: {web: {bind: \":8080\"}}\nroutes:\n"
        "  - {upstream: \"${env:PENSTOCK_TEST_SECRET}\"}\n"
        "  - {name: \"${env:PENSTOCK_TEST_SECRET}\", respond: {}}\n"
        "  - {name: \"${env:PENSTOCK_TEST_SECRET}\", respond: {}}\n"
        "  - {use: [\"${env:PENSTOCK_TEST_SECRET}\"], respond: {}}\n");
    const std::string text = render_text(route.problems);
    EXPECT_EQ(text.find("SeCrEt"), std::string::npos) << text;
}

}  // namespace
}  // namespace penstock::config
