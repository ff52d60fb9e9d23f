#include "penstock/config/dump.hpp"

#include "contract_example.hpp"
#include "every_value.hpp"
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace penstock::config {
namespace {

std::string dump_of(std::string_view yaml, const std::string& file) {
    const loaded outcome = load_text(yaml, file);
    EXPECT_TRUE(outcome.ok()) << yaml << "\n" << render_text(outcome.problems);
    return outcome.ok() ? dump(*outcome.value) : "";
}

// The values of a model, whatever they came from: a dump that knows of no reference.
std::string values_of(model of) {
    of.written.clear();
    return dump(of);
}

// A dump is whole if the model comes back from it, wherever it is loaded, and so does the dump.
// Gives the dump.
std::string expect_stable(std::string_view yaml, const std::string& file) {
    const loaded first = load_text(yaml, file);
    EXPECT_TRUE(first.ok()) << yaml << "\n" << render_text(first.problems);
    if (!first.ok())
        return "";
    const std::string once = dump(*first.value);
    const loaded second = load_text(once, "/elsewhere/p.yaml");
    EXPECT_TRUE(second.ok()) << once << "\n" << render_text(second.problems);
    if (second.ok()) {
        EXPECT_EQ(values_of(*second.value), values_of(*first.value)) << yaml << "\n" << once;
        EXPECT_EQ(dump(*second.value), once);
    }
    return once;
}

TEST(Dump, LoadsToTheSameModel) {
    const scratch_directory scratch;
    write_named_files(scratch);
    expect_stable(contract_example, scratch.at("p.yaml"));
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(repository() / "config")) {
        if (file.path().extension() == ".yaml") {
            expect_stable(read_whole(file.path()), scratch.at("p.yaml"));
        }
    }
}

constexpr const char* every_value_dumped[] = {"workers: 3",
                                              "\"127.0.0.1:1\"",
                                              "level: debug",
                                              "\"/a\"",
                                              "12.5%",
                                              "slow: 11ms",
                                              "delay: 112ms",
                                              "timeout: 12ms",
                                              "[\"10.0.0.0/8\", \"fd00::/8\", \"unix\"]",
                                              "from: \"CF-Connecting-IP\"",
                                              "receive_buffer: 64",
                                              "send_buffer: 65",
                                              "notsent_lowat: 66",
                                              "user_timeout: 67ms",
                                              "defer_accept: 68ms",
                                              "mode: \"0640\"",
                                              "receive_buffer: 69",
                                              "send_buffer: 70",
                                              "notsent_lowat: 71",
                                              "user_timeout: 72ms",
                                              "\"true\":",
                                              "bind: [\"[::1]:2\", \"*:0\", \"unix:/s63\"]",
                                              "[\"http/1.1\", \"h2c\"]",
                                              "connections: 13",
                                              "connections_per_address: 113",
                                              "requests_per_address: 114",
                                              "memory: 512MiB",
                                              "over_limit: refuse",
                                              "header: 1029",
                                              "header_line: 1030",
                                              "header_field: 1031",
                                              "header_count: 14",
                                              "body: 1033",
                                              "body_rate: 115",
                                              "requests: 15",
                                              "streams: 56",
                                              "stream_window: 65593",
                                              "connection_window: 65594",
                                              "protocol: auto",
                                              "streams: 59",
                                              "stream_window: 65596",
                                              "ping_interval: 61ms",
                                              "ping_timeout: 62ms",
                                              "total: 67108866",
                                              "tls_handshake: 16ms",
                                              "head: 17ms",
                                              "body_idle: 18ms",
                                              "write_idle: 19ms",
                                              "keepalive: 20ms",
                                              "tunnel_idle: 21ms",
                                              "backlog: 22",
                                              "nodelay: false",
                                              "idle: 23s",
                                              "interval: 24s",
                                              "count: 25",
                                              "\"1\":",
                                              "address: \"a:26\"",
                                              "weight: 27",
                                              "verify: false",
                                              "server_name: \"s28\"",
                                              "balance: least_request",
                                              "connections: 29",
                                              "idle: 30",
                                              "idle_timeout: 31ms",
                                              "queue: 32",
                                              "queue_timeout: 33ms",
                                              "connect: 34ms",
                                              "first_byte: 35ms",
                                              "idle: 36ms",
                                              "keepalive: false",
                                              "\"r37\"",
                                              "[\"*.h38\"]",
                                              "exact: \"/p39\"",
                                              "[\"M40\"]",
                                              "\"h41\"",
                                              "\"v42\"",
                                              "\"h43\"",
                                              "total: 44ms",
                                              "body: 45",
                                              "websocket: false",
                                              "bytes: 2KiB",
                                              "interval: 55ms",
                                              "digest: sha-256",
                                              "[\"r46\"]",
                                              "\"s47\"",
                                              "\"\\\"v48\\\\\"",
                                              "\"a49\"",
                                              "\"#\"",
                                              "[\"r50\"]",
                                              "\"s51\"",
                                              "\"a52\"",
                                              "status: 253",
                                              "\"a\\nb\\x01é: \"",
                                              "\"t/54\"",
                                              "prefix: \"/p55\"",
                                              "\"/t56\"",
                                              "status: 307",
                                              "encoded_slash: refuse",
                                              "merge_slashes: forward",
                                              "via: true",
                                              "location: keep",
                                              "listeners: [\"true\"]",
                                              "scheme: https",
                                              "strip_prefix: \"/p39\"",
                                              "host: \"h71.${host}\"",
                                              "via: false",
                                              "location: rewrite",
                                              "host: \"h73\"",
                                              "port: 74",
                                              "path: \"/p75\"",
                                              "query: \"q76\"",
                                              "weight: 78",
                                              "prefix: \"/p79\"",
                                              "path: \"/p81\""};

// What a stable dump alone would not show: a key that is never written.
TEST(Dump, HoldsEveryValueThatWasSet) {
    const std::string text = dump_of(every_value, "p.yaml");
    for (const char* const expected : every_value_dumped) {
        EXPECT_NE(text.find(expected), std::string::npos) << expected << " is not in\n" << text;
    }
    expect_stable(every_value, "p.yaml");
}

constexpr const char* around =
    "upstreams: {a.com: {endpoints: [\"a:1\"]}, app: {endpoints: [\"b:1\"]}}\n";

struct referring_file {
    const char* name;
    const char* yaml;
    const char* dumped;  // a part of the dump
};

// References by place of the text would be shown at values that did not come from them.
TEST(Dump, ShowsAReferenceWithTheValueThatCameFromIt) {
    ::setenv("PENSTOCK_TEST_A", "a.com", 1);
    ::setenv("PENSTOCK_TEST_B", "b.com", 1);
    ::setenv("PENSTOCK_TEST_C", "c.com", 1);
    ::setenv("PENSTOCK_TEST_H2C", "h2c", 1);
    ::setenv("PENSTOCK_TEST_H1", "http/1.1", 1);
    ::setenv("PENSTOCK_TEST_N", "7", 1);
    const referring_file cases[] = {
        {"hosts",
         "listeners: {web: {bind: \":80\"}}\nroutes: [{upstream: app, match: {hosts: [\"a.com\", "
         "\"${env:PENSTOCK_TEST_A}\", \"${env:PENSTOCK_TEST_B}\", plain.org, "
         "\"${env:PENSTOCK_TEST_C}\"]}}, {upstream: a.com}]\n",
         "[\"a.com\", \"${env:PENSTOCK_TEST_B}\", \"plain.org\", \"${env:PENSTOCK_TEST_C}\"]"},
        {"protocols",
         "listeners: {web: {bind: \":80\", protocols: [\"${env:PENSTOCK_TEST_H2C}\", "
         "http/1.1]}}\nroutes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "protocols: [\"http/1.1\", \"${env:PENSTOCK_TEST_H2C}\"]"},
        {"protocols_one_of_two_twice",
         "listeners: {web: {bind: \":80\", protocols: [h2c, \"${env:PENSTOCK_TEST_H1}\", "
         "h2c]}}\nroutes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "protocols: [\"${env:PENSTOCK_TEST_H1}\", \"h2c\"]"},
        {"workers_short",
         "workers: \"${env:PENSTOCK_TEST_N}\"\nlisteners: {web: {bind: \":80\"}}\n"
         "routes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "workers: \"${env:PENSTOCK_TEST_N}\""},
        {"workers_count",
         "workers: {count: \"${env:PENSTOCK_TEST_N}\"}\nlisteners: {web: {bind: \":80\"}}\n"
         "routes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "workers: \"${env:PENSTOCK_TEST_N}\""},
        {"workers_pinned",
         "workers: {count: \"${env:PENSTOCK_TEST_N}\", pin: true}\n"
         "listeners: {web: {bind: \":80\"}}\n"
         "routes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "count: \"${env:PENSTOCK_TEST_N}\""},
        {"listeners",
         "listeners: {web: {bind: \":80\"}, secret: {bind: \":81\"}}\n"
         "routes: [{upstream: app, match: {listeners: [web, web, "
         "\"${env:PENSTOCK_TEST_UNSET:-secret}\"]}}, {upstream: a.com}]\n",
         "listeners: [\"web\", \"${env:PENSTOCK_TEST_UNSET:-secret}\"]"},
        {"methods",
         "listeners: {web: {bind: \":80\"}}\nroutes: [{upstream: app, match: {methods: [PUT, PUT, "
         "\"${env:PENSTOCK_TEST_UNSET:-GET}\"]}}, {upstream: a.com}]\n",
         "methods: [\"PUT\", \"${env:PENSTOCK_TEST_UNSET:-GET}\"]"},
        {"bind_without_a_list",
         "listeners: {web: {bind: \"${env:PENSTOCK_TEST_UNSET:-127.0.0.1:80}\"}}\n"
         "routes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "bind: [\"${env:PENSTOCK_TEST_UNSET:-127.0.0.1:80}\"]"},
        {"inherited",
         "listeners: {web: {bind: \":80\"}}\n"
         "defaults: {route: {request_headers: {set: {x: \"${env:PENSTOCK_TEST_B}\"}}}}\n"
         "routes: [{upstream: app, request_headers: {set: {a: b}}},"
         " {upstream: a.com, match: {methods: [PUT]}}]\n",
         "- name: \"x\"\n          value: \"${env:PENSTOCK_TEST_B}\"\n        - name: \"a\""},
        {"header_match",
         "listeners: {web: {bind: \":80\"}}\nroutes: [{upstream: app, match: {headers: "
         "[{name: a}, {name: \"${env:PENSTOCK_TEST_UNSET:-b}\", value: "
         "\"${env:PENSTOCK_TEST_C}\"}]}}, {upstream: a.com}]\n",
         "value: \"${env:PENSTOCK_TEST_C}\""},
        {"names_with_dots",
         "listeners: {\"a.limits\": {bind: \":80\"}, a: {bind: \":81\", limits: "
         "{requests: \"${env:PENSTOCK_TEST_N}\"}}}\n"
         "routes: [{upstream: app}, {upstream: a.com, match: {methods: [PUT]}}]\n",
         "requests: \"${env:PENSTOCK_TEST_N}\""}};
    for (const referring_file& one : cases) {
        const std::string text = expect_stable(std::string(one.yaml) + around, "p.yaml");
        EXPECT_NE(text.find(one.dumped), std::string::npos) << one.name << "\n" << text;
    }
}

// The dump is one file, at another place than those that it was made of.
TEST(Dump, NamesFilesByTheirWholePath) {
    const scratch_directory scratch;
    scratch.write("sub/token", "seventh\n");
    scratch.write("token", "wrong\n");
    scratch.write("sub/a.log", "x");
    scratch.write("sub/ca.pem", "x");
    ::setenv("PENSTOCK_TEST_CA", "ca.pem", 1);
    scratch.write("sub/b.yaml",
                  "log: {access: \"${env:PENSTOCK_TEST_UNSET:-a}.log\"}\n"
                  "upstreams: {u: {endpoints: [\"a:1\"], tls: {ca: \"${env:PENSTOCK_TEST_CA}\"}}}\n"
                  "routes: [{upstream: u, request_headers: {set: {x: \"a ${file:token}\"}}}]\n");
    const std::string text = expect_stable(
        "include: [sub/b.yaml]\nlisteners: {web: {bind: \":80\"}}\n", scratch.at("p.yaml"));
    for (const std::string& expected :
         {"\"a ${file:" + scratch.at("sub/token") + "}\"",
          "\"" + scratch.at("sub/") + "${env:PENSTOCK_TEST_UNSET:-a}.log\"",
          "\"" + scratch.at("sub/") + "${env:PENSTOCK_TEST_CA}\""})
        EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
    EXPECT_EQ(text.find("seventh"), std::string::npos) << text;
}

}  // namespace
}  // namespace penstock::config
