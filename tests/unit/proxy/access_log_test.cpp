#include "penstock/proxy/access_log.hpp"

#include "penstock/base/names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace penstock::proxy {
namespace {

using exchange::phase;
using exchange::reason;

exchange::record some_record() {
    exchange::record made;
    made.listener = intern_name("web");
    made.route = intern_name("api");
    made.upstream = intern_name("app");
    made.endpoint = intern_name("127.0.0.1:3000");
    made.generation = 3;
    made.worker = 1;
    made.tls = true;
    made.upstream_reused = true;
    made.response_complete = true;
    made.attempts = 1;
    made.status = made.upstream_status = 200;
    made.request_bytes = 5;
    made.response_bytes = 1234;
    made.client = "192.0.2.7:40000";
    made.method = "POST";
    made.host = "example.com:8443";
    made.path = "/a/b?c=d?e";
    made.request_id = "abc123";
    made.user_agent = "test/1";
    made.began_wall = wall_clock::time_point(1'700'000'000'007ms);
    made.ledger.start(time_point(1s), phase::head);
    made.ledger.enter(phase::first_byte, time_point(1s + 12us));
    made.ledger.finish(time_point(1s + 2012us));
    return made;
}

config::access_log everything() {
    config::access_log made;
    made.path = "-";
    return made;
}

// The line that is written for a record; empty without one.
std::string line_of(const exchange::record& of, const config::access_log& how = everything()) {
    access_log log(1);
    log.write(of, how);
    std::string entry;
    std::string line;
    if (log.ring().pop(entry)) {
        EXPECT_TRUE(format_access_entry(entry, line));
    }
    return line;
}

bool has(const std::string& line, const std::string& member) {
    return line.find(member) != std::string::npos;
}

TEST(AccessLine, TellsEverythingOfAnExchange) {
    EXPECT_EQ(line_of(some_record()),
              R"({"schema_version":1,"timestamp":"2023-11-14T22:13:20.007Z",)"
              R"("http.response.status_code":200,"penstock.reason":"none",)"
              R"("http.request.method":"POST","server.address":"example.com","server.port":8443,)"
              R"("url.path":"/a/b","url.query":"c=d?e","url.scheme":"https",)"
              R"("network.protocol.version":"1.1","client.address":"192.0.2.7",)"
              R"("client.port":40000,"network.peer.address":"192.0.2.7",)"
              R"("network.peer.port":40000,"user_agent.original":"test/1",)"
              R"("http.request.body.size":5,)"
              R"("http.response.body.size":1234,"penstock.complete":true,)"
              R"("penstock.listener":"web","penstock.route":"api","penstock.upstream":"app",)"
              R"("penstock.endpoint":"127.0.0.1:3000","penstock.upstream_status":200,)"
              R"("penstock.attempts":1,"penstock.reused":true,"penstock.request_id":"abc123",)"
              R"("penstock.worker":1,"penstock.generation":3,"duration_us":2012,)"
              R"("phases_us":{"head":12,"first_byte":2000},"slow":false,"sample_rate":1})"
              "\n");
}

TEST(AccessLine, TellsLittleOfARequestThatWasNotUnderstood) {
    exchange::record of;
    of.status = 400;
    of.why = reason::http_request_error;
    of.http10 = true;
    of.client = "[2001:db8::1]:5";
    EXPECT_EQ(line_of(of),
              R"({"schema_version":1,"timestamp":"1970-01-01T00:00:00.000Z",)"
              R"("http.response.status_code":400,"penstock.reason":"http_request_error",)"
              R"("http.request.method":"","server.address":"","url.path":"","url.scheme":"http",)"
              R"("network.protocol.version":"1.0","client.address":"2001:db8::1",)"
              R"("client.port":5,"network.peer.address":"2001:db8::1","network.peer.port":5,)"
              R"("http.request.body.size":0,"http.response.body.size":0,)"
              R"("penstock.complete":false,"penstock.listener":"none","penstock.route":"none",)"
              R"("penstock.upstream":"none","penstock.endpoint":"none",)"
              R"("penstock.upstream_status":0,"penstock.attempts":0,"penstock.reused":false,)"
              R"("penstock.request_id":"","penstock.worker":0,"penstock.generation":0,)"
              R"("duration_us":0,"phases_us":{},"slow":false,"sample_rate":1})"
              "\n");
}

TEST(AccessLine, TellsTheClientFromItsPeer) {
    struct {
        std::string client, peer, expected;
    } const cases[] = {
        {"203.0.113.9:7", "192.0.2.7:1",
         R"("client.address":"203.0.113.9","client.port":7,"network.peer.address":"192.0.2.7",)"
         R"("network.peer.port":1,"user)"},
        {"[2001:db8::9]:0",
         "unix:", R"("client.address":"2001:db8::9","network.peer.address":"unix:","user)"},
        {"unix:", "", R"("client.address":"unix:","network.peer.address":"unix:","user)"},
    };
    for (const auto& one : cases) {
        exchange::record of = some_record();
        of.client = one.client;
        of.peer = one.peer;
        EXPECT_TRUE(has(line_of(of), one.expected)) << line_of(of);
    }
}

TEST(AccessLine, SplitsHostAndPort) {
    struct {
        std::string host;
        std::string expected;
    } const cases[] = {
        {"a.test", R"("server.address":"a.test","url.path")"},
        {"a.test:80", R"("server.address":"a.test","server.port":80,"url.path")"},
        {"a.test:65535", R"("server.address":"a.test","server.port":65535,"url.path")"},
        {"a.test:65536", R"("server.address":"a.test:65536","url.path")"},
        {"a.test:", R"("server.address":"a.test:","url.path")"},
        {"a.test:8x", R"("server.address":"a.test:8x","url.path")"},
        {":80", R"("server.address":"","server.port":80,"url.path")"},
        {"[::1]", R"("server.address":"::1","url.path")"},
        {"[::1]:8080", R"("server.address":"::1","server.port":8080,"url.path")"},
        {"[]", R"("server.address":"[]","url.path")"},
    };
    for (const auto& one : cases) {
        exchange::record of = some_record();
        of.host = one.host;
        const std::string line = line_of(of);
        EXPECT_TRUE(has(line, one.expected)) << one.host << ": " << line;
    }
}

TEST(AccessLine, KeepsAnEmptyQuery) {
    exchange::record of = some_record();
    of.path = "/a?";
    EXPECT_TRUE(has(line_of(of), R"("url.path":"/a","url.query":"","url.scheme")"));
}

// Whatever a client puts into a text: one line, well-formed UTF-8, the same structure around it.
TEST(AccessLine, CannotBeForged) {
    const std::string usual = line_of(some_record());
    const std::string ahead = usual.substr(0, usual.find("test/1"));
    const std::string behind = usual.substr(usual.find("test/1") + 6);
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        exchange::record of = some_record();
        of.user_agent = std::string(1, c) + "\"}\n{\"";
        const std::string line = line_of(of);
        ASSERT_TRUE(line.starts_with(ahead) && line.ends_with(behind)) << line;
        const std::string text =
            line.substr(ahead.size(), line.size() - ahead.size() - behind.size());
        const std::string rest = R"(\"}\u000a{\")";
        ASSERT_TRUE(text.ends_with(rest)) << text;
        const std::string shown = text.substr(0, text.size() - rest.size());
        if (c == '"' || c == '\\') {
            EXPECT_EQ(shown, std::string("\\") + c);
        } else if (byte >= 0x20 && byte < 0x7f) {
            EXPECT_EQ(shown, std::string(1, c));
        } else {
            EXPECT_EQ(shown.size(), 6U) << byte;
            EXPECT_TRUE(shown.starts_with("\\u00")) << byte;
        }
    }
}

TEST(AccessLine, KeepsUtf8) {
    exchange::record of = some_record();
    of.user_agent = "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xb0 \xc3";
    EXPECT_TRUE(has(line_of(of), "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xb0 \\u00c3\""));
}

TEST(AccessLine, CutsTextsAtTheirLimit) {
    constexpr std::size_t limit = access_log::text_max;
    for (const std::size_t size : {limit - 1, limit, limit + 1, 3 * limit}) {
        exchange::record of = some_record();
        of.user_agent = std::string(size, 'u');
        of.path = "/" + std::string(size, 'p');
        const std::string line = line_of(of);
        EXPECT_TRUE(has(line, "\"" + std::string(std::min(size, limit), 'u') + "\"")) << size;
        EXPECT_TRUE(has(line, "\"/" + std::string(std::min(size, limit - 1), 'p') + "\"")) << size;
    }
}

TEST(AccessEntry, IsRefusedWhenItIsNotWhole) {
    access_log log(1);
    log.write(some_record(), everything());
    std::string entry;
    ASSERT_TRUE(log.ring().pop(entry));
    std::string line;
    for (std::size_t size = 0; size < entry.size(); ++size)
        EXPECT_FALSE(format_access_entry(std::string_view(entry).substr(0, size), line)) << size;
    EXPECT_FALSE(format_access_entry(entry + "x", line));
    std::string other = entry;
    other[0] = static_cast<char>(other[0] ^ 1);
    EXPECT_FALSE(format_access_entry(other, line));
    EXPECT_EQ(line, "");
    EXPECT_TRUE(format_access_entry(entry, line));
}

TEST(AccessEntry, LinesAreAppended) {
    access_log log(1);
    log.write(some_record(), everything());
    std::string entry;
    ASSERT_TRUE(log.ring().pop(entry));
    std::string line = "before\n";
    ASSERT_TRUE(format_access_entry(entry, line));
    ASSERT_TRUE(format_access_entry(entry, line));
    EXPECT_TRUE(line.starts_with("before\n{"));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 3);
}

config::access_log sampled(double share) {
    config::access_log made = everything();
    made.sample = share;
    return made;
}

TEST(AccessSampling, WritesErrorsAndReasonsAlways) {
    exchange::record usual = some_record();
    EXPECT_EQ(line_of(usual, sampled(0)), "");
    usual.status = 499;
    EXPECT_EQ(line_of(usual, sampled(0)), "");
    exchange::record failed = some_record();
    failed.status = 500;
    EXPECT_TRUE(has(line_of(failed, sampled(0)), R"("sample_rate":1})"));
    exchange::record reasoned = some_record();
    reasoned.why = reason::http_response_incomplete;
    EXPECT_TRUE(has(line_of(reasoned, sampled(0)), R"("sample_rate":1})"));
}

TEST(AccessSampling, WritesSlowExchangesAlways) {
    config::access_log how = sampled(0);
    how.slow = 2ms;
    exchange::record of = some_record();
    const auto taking = [&](nanoseconds time) {
        of.ledger.start(time_point(1s), phase::loop);
        of.ledger.finish(time_point(1s) + time);
        return line_of(of, how);
    };
    EXPECT_EQ(taking(2ms - 1ns), "");
    EXPECT_TRUE(has(taking(2ms), R"("slow":true,"sample_rate":1})"));
    EXPECT_TRUE(has(taking(2ms + 1ns), R"("slow":true,"sample_rate":1})"));
}

TEST(AccessSampling, WritesItsShareOfTheRest) {
    access_log log(4711);
    const config::access_log how = sampled(0.25);
    const exchange::record of = some_record();
    int written = 0;
    std::string entry;
    for (int i = 0; i < 100'000; ++i) {
        log.write(of, how);
        written += log.ring().pop(entry) ? 1 : 0;
    }
    EXPECT_NEAR(written, 25'000, 1'000);
    std::string line;
    ASSERT_TRUE(format_access_entry(entry, line));
    EXPECT_TRUE(has(line, R"("sample_rate":0.25})")) << line;
}

TEST(AccessLog, DropsAndCountsWhatFindsNoRoom) {
    access_log log(1);
    const exchange::record of = some_record();
    std::uint64_t written = 0;
    while (log.ring().dropped() == 0) {
        log.write(of, everything());
        ++written;
    }
    log.write(of, everything());
    EXPECT_EQ(log.ring().dropped(), 2U);
    std::uint64_t read = 0;
    std::string entry;
    for (std::string line; log.ring().pop(entry); ++read)
        ASSERT_TRUE(format_access_entry(entry, line));
    EXPECT_EQ(read, written - 1);
    log.write(of, everything());
    EXPECT_TRUE(log.ring().pop(entry));
}

}  // namespace
}  // namespace penstock::proxy
