// Names, hosts, paths and hop-by-hop fields: what is routed, logged and forwarded is one thing, and
// a client says nothing about itself that only a proxy may say.
#include "e2e/strict_site.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string with_host(const std::string& host) {
    return "GET /a HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string with_target(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

std::vector<refusal> refused_hosts() {
    std::vector<refusal> made;
    made.push_back({"G1_missing", "GET /a HTTP/1.1\r\n\r\n"});
    made.push_back({"G1_twice", "GET /a HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"});
    made.push_back(
        {"G1_twice_differing", "GET /a HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"});
    made.push_back({"G1_twice_in_1_0", "GET /a HTTP/1.0\r\nHost: a.test\r\nHost: b.test\r\n\r\n"});
    const std::vector<std::pair<std::string, std::string>> hosts{
        {"list", "a.test,b.test"},
        {"list_with_space", "a.test, b.test"},
        {"user", "user@a.test"},
        {"space", "a .test"},
        {"slash", "a.test/b"},
        {"question", "a.test?b"},
        {"hash", "a.test#b"},
        {"backslash", "a.test\\b"},
        {"escaped_comma", "a.test%2cb.test"},
        {"escaped_slash", "a.test%2fb"},
        {"escaped_space", "a%20.test"},
        {"escaped_empty_label", "a.%2etest"},
        {"half_an_escape", "a.test%2"},
        {"semicolon", "a.test;b.test"},
        {"port_not_a_number", "a.test:http"},
        {"large_port", "a.test:65536"},
        {"two_ports", "a.test:1:2"},
        {"empty", ""},
        {"only_port", ":80"},
        {"two_dots", "a..test"},
        {"leading_dot", ".a.test"},
        {"obs_text", "a\xc3\xa9.test"},
        {"open_bracket", "[::1"},
        {"not_ipv6", "[::g]"},
        {"bracketed_ipv4", "[1.2.3.4]"},
        {"zone", "[fe80::1%eth0]"},
        {"quote", "\"a.test\""},
        {"del", "a\x7ftest"},
        {"too_long", std::string(256, 'a')}};
    for (const auto& [name, host] : hosts)
        made.push_back({"G1_" + name, with_host(host)});
    return made;
}

std::vector<refusal> refused_targets() {
    std::vector<refusal> made;
    const std::vector<std::pair<std::string, std::string>> absolute{
        {"other_scheme", "ftp://a.test/"},
        {"no_authority", "http:///a"},
        {"one_slash", "http:/a.test/"},
        {"user", "http://user@a.test/"},
        {"bad_port", "http://a.test:x/"},
        {"websocket", "ws://a.test/"},
        {"no_scheme", "://a.test/"},
        {"authority_form", "a.test:80"},
        {"asterisk", "*"}};
    for (const auto& [name, target] : absolute)
        made.push_back({"G2_" + name, with_target(target)});
    const std::vector<std::pair<std::string, std::string>> paths{
        {"above_root", "/../a"},
        {"above_root_escaped", "/%2e%2e/a"},
        {"above_root_later", "/a/../../b"},
        {"mixed_escape", "/a/.%2E/../b"},
        {"backslash", "/a\\..\\b"},
        {"nul_escaped", "/a%00b"},
        {"bad_escape", "/a%zzb"},
        {"short_escape", "/a%2"},
        {"lone_percent", "/a%"},
        {"fragment", "/a#b"},
        {"fragment_in_query", "/a?b#c"},
        {"only_fragment", "#a"}};
    for (const auto& [name, target] : paths)
        made.push_back({"G4_" + name, with_target(target)});
    const std::vector<std::pair<std::string, std::string>> ambiguous{
        {"up_behind_an_empty_segment", "/admin//../secret"},
        {"escaped_up_behind_an_empty_segment", "/a//%2e%2e/b"},
        {"slash_escaped_up", "/a%2f..%2fb"},
        {"slash_escaped_up_upper", "/a%2F%2E%2e"},
        {"slash_escaped_dot", "/a%2f./b"},
        {"backslash_escaped_up", "/a/..%5cb"},
        {"both_escaped_up", "/a%5c..%2fb"}};
    for (const auto& [name, target] : ambiguous)
        made.push_back({"G4_" + name, with_target(target), 400, "ambiguous_path"});
    for (const unsigned c : {0x01U, 0x09U, 0x7fU, 0x80U, 0xc3U, 0xffU}) {
        const std::string byte(1, static_cast<char>(c));
        const std::string name = std::to_string(c);
        made.push_back({"G5_byte_" + name + "_in_path", with_target("/a" + byte)});
        made.push_back({"G5_byte_" + name + "_in_query", with_target("/a?b" + byte)});
    }
    return made;
}

class NameAttack : public testing::TestWithParam<refusal> {
 protected:
    static void SetUpTestSuite() { site = std::make_unique<strict_site>(); }
    static void TearDownTestSuite() { site.reset(); }
    static std::unique_ptr<strict_site> site;
};
std::unique_ptr<strict_site> NameAttack::site;

TEST_P(NameAttack, IsRefused) {
    expect_refused(*site, GetParam(), 0);
    expect_refused(*site, GetParam(), 1);
}

INSTANTIATE_TEST_SUITE_P(OfHosts, NameAttack, testing::ValuesIn(refused_hosts()),
                         name_of_entry<refusal>);
INSTANTIATE_TEST_SUITE_P(OfTargets, NameAttack, testing::ValuesIn(refused_targets()),
                         name_of_entry<refusal>);

// ---- One form

struct form {
    std::string name;
    std::string target;
    std::string forwarded;
    std::string host = "a.test";
    std::string host_forwarded = "a.test";
};

std::vector<form> all_forms() {
    return {
        {"G2_absolute_form_wins", "http://T.test/p?q", "/p?q", "other.test", "t.test"},
        {"G2_absolute_form_with_port", "http://t.test:81/p", "/p", "a.test", "t.test:81"},
        {"G2_https_in_the_target", "https://t.test/p", "/p", "a.test", "t.test"},
        {"G2_scheme_in_any_case", "HTTP://t.test/p", "/p", "a.test", "t.test"},
        {"G2_absolute_form_without_path", "http://t.test", "/", "a.test", "t.test"},
        {"G2_absolute_form_with_query_only", "http://t.test?q", "/?q", "a.test", "t.test"},
        {"G3_host_in_lower_case", "/a", "/a", "A.TeSt", "a.test"},
        {"G3_port_is_kept", "/a", "/a", "a.test:8080", "a.test:8080"},
        {"G1_empty_port_is_none", "/a", "/a", "A.test:", "a.test"},
        {"G1_empty_port_in_the_target", "http://t.test:/p", "/p", "a.test", "t.test"},
        {"G1_sub_delimiters", "/a", "/a", "a!$&'()*+=~_.test", "a!$&'()*+=~_.test"},
        {"G3_escapes_in_one_form", "/a", "/a", "%61%2etest:80", "a.test:80"},
        {"G3_escape_of_a_high_byte", "/a", "/a", "b%C3%BCcher.test", "b%c3%bccher.test"},
        {"G3_ipv6", "/a", "/a", "[2001:DB8::1]:80", "[2001:db8::1]:80"},
        {"G4_dots_are_resolved", "/a/./b/../c", "/a/c"},
        {"G4_escaped_dots_are_resolved", "/a/%2e/b/%2E%2e/c", "/a/c"},
        {"G4_leading_slashes_are_one", "//a///b", "/a///b"},
        {"G4_leading_slashes_behind_dots_are_one", "/a/..//b", "/b"},
        {"G4_empty_segments_are_kept", "/bucket/a//b", "/bucket/a//b"},
        {"G4_a_url_in_a_path_is_kept", "/img/https://host/x.png", "/img/https://host/x.png"},
        {"G4_unreserved_escapes_are_kept", "/%61%2D%7e", "/%61%2D%7e"},
        {"G4_other_escapes_are_kept", "/%7Eu/%e4", "/%7Eu/%e4"},
        {"G4_escaped_slashes_are_data", "/@scope%2fpkg", "/@scope%2fpkg"},
        {"G4_an_escaped_slash_alone_is_data", "/api/queues/%2F/jobs", "/api/queues/%2F/jobs"},
        {"G4_escaped_backslashes_are_data", "/files/D%5Cu", "/files/D%5Cu"},
        {"G4_query_is_left_alone", "/a?b=%2e%2e/../%2F", "/a?b=%2e%2e/../%2F"},
        {"G4_trailing_dots", "/a/..", "/"},
    };
}

class OneForm : public testing::TestWithParam<form> {
 protected:
    static void SetUpTestSuite() { site = std::make_unique<strict_site>(); }
    static void TearDownTestSuite() { site.reset(); }
    static std::unique_ptr<strict_site> site;
};
std::unique_ptr<strict_site> OneForm::site;

TEST_P(OneForm, IsWhatTheOriginSees) {
    for (const std::size_t piece : {0, 1}) {
        peer client(site->port());
        strict_site::send(
            client,
            "GET " + GetParam().target + " HTTP/1.1\r\nHost: " + GetParam().host + "\r\n\r\n",
            piece);
        EXPECT_EQ(read_response(client).status, 200);
        const std::vector<http_request> seen = site->arrived();
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen[0].target, GetParam().forwarded);
        EXPECT_EQ(seen[0].field("host"), GetParam().host_forwarded);
        EXPECT_EQ(seen[0].field("x-forwarded-host"), GetParam().host_forwarded);
    }
}

INSTANTIATE_TEST_SUITE_P(, OneForm, testing::ValuesIn(all_forms()), name_of_entry<form>);

// ---- Hosts and routes

TEST(Hosts, G1_MayBeMissingIn1_0) {
    strict_site site;
    peer client(site.port());
    client.send("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 200);
    const std::vector<http_request> seen = site.arrived();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].field("host"), "127.0.0.1");  // as the endpoint is configured
}

TEST(Hosts, G3_RouteInOneForm) {
    daemon proxy(R"(
listeners: {web: {bind: "127.0.0.1:0"}}
upstreams: {app: {endpoints: ["127.0.0.1:1"]}}
routes:
  - {match: {hosts: ["secret.test"]}, respond: {status: 403, body: "secret"}}
  - {match: {path: {prefix: "/admin"}}, respond: {status: 403, body: "admin"}}
  - {respond: {status: 200, body: "public"}}
)");
    const auto status_of = [&](const std::string& target, const std::string& host) {
        peer client(proxy.port("web"));
        client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        return read_response(client).status;
    };
    for (const char* const host : {"secret.test", "SECRET.test", "secret.test.", "secret.test:80",
                                   "Secret.Test.:8080", "secret.test:", "%73ecret%2Etest"})
        EXPECT_EQ(status_of("/", host), 403) << host;
    EXPECT_EQ(status_of("http://secret.test/", "a.test"), 403);
    EXPECT_EQ(status_of("http://a.test/", "secret.test"), 200);
    for (const char* const path : {"/admin", "//admin", "/%61dmin", "/x/../admin", "/./admin/",
                                   "/x/%2e%2e/admin", "/x/..//admin", "/admin%2fa"})
        EXPECT_EQ(status_of(path, "a.test"), 403) << path;
    // Where they lead depends on who reads them.
    for (const char* const path :
         {"/x//..//admin", "/%2fadmin", "/%5Cadmin", "/x%2f../admin", "/%2f%5cadmin"})
        EXPECT_EQ(status_of(path, "a.test"), 400) << path;
    EXPECT_EQ(status_of("/x%2fadmin", "a.test"), 200);
    EXPECT_EQ(status_of("/Admin", "a.test"), 200);
}

// ---- Fields

// What the origin sees of a request with these field lines.
http_request forwarded(strict_site& site, const std::string& fields,
                       const std::string& start = "GET /a HTTP/1.1") {
    peer client(site.port());
    client.send(start + "\r\nHost: a.test\r\n" + fields + "\r\n");
    EXPECT_EQ(read_response(client).status, 200);
    const std::vector<http_request> seen = site.arrived();
    if (seen.size() != 1)
        throw test_error("the origin saw " + std::to_string(seen.size()) + " requests");
    return seen.front();
}

bool has(const http_request& in, const std::string& text) {
    return in.head.find(text) != std::string::npos;
}

TEST(HopByHop, G6_EndsHere) {
    strict_site site;
    const http_request seen =
        forwarded(site,
                  "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                  "Proxy-Connection: close\r\nProxy-Authorization: Basic secret\r\nTE: gzip\r\n"
                  "Trailer: X-Sum\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-End: 1\r\n");
    for (const char* const gone : {"X-Hop", "Keep-Alive", "Proxy-", "TE:", "Trailer", "Upgrade",
                                   "HTTP2-Settings", "Connection"})
        EXPECT_FALSE(has(seen, gone)) << gone << " in " << seen.head;
    EXPECT_EQ(seen.field("x-end"), "1");
}

TEST(HopByHop, G6_ConnectionRemovesNoFieldThatMatters) {
    strict_site site;
    const http_request seen = forwarded(
        site,
        "Connection: close, Host, Authorization, Cookie, Content-Type, Content-Length, Via, "
        "CDN-Loop, Forwarded, X-Forwarded-For, X-Forwarded-Proto, X-Real-IP, X-Request-Id\r\n"
        "Authorization: Bearer a\r\nCookie: b=c\r\nContent-Type: text/plain\r\n");
    EXPECT_EQ(seen.field("host"), "a.test");
    EXPECT_EQ(seen.field("authorization"), "Bearer a");
    EXPECT_EQ(seen.field("cookie"), "b=c");
    EXPECT_EQ(seen.field("content-type"), "text/plain");
    EXPECT_EQ(seen.field("x-forwarded-for"), "127.0.0.1");
    EXPECT_EQ(seen.field("x-real-ip"), "127.0.0.1");
    for (const char* const name : {"cdn-loop", "x-forwarded-proto", "x-request-id"})
        EXPECT_TRUE(seen.field(name)) << name;
}

const std::string claims =
    "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n"
    "X-Forwarded-Port: 666\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\n"
    "X-Real-IP: 6.6.6.6\r\nX-Request-Id: evil\r\n";

TEST(Claims, G7_OfAStrangerAreReplaced) {
    strict_site site;
    const http_request seen = forwarded(
        site, claims +
                  "X_Forwarded_For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nx-forwarded_proto: evil\r\n"
                  "Content_Length: 6\r\nTransfer_Encoding: evil\r\n");
    EXPECT_FALSE(has(seen, "6.6.6.6")) << seen.head;
    EXPECT_FALSE(has(seen, "evil")) << seen.head;
    EXPECT_NE(seen.field("x-forwarded-port"), "666");
    EXPECT_FALSE(has(seen, "_")) << seen.head;
    EXPECT_EQ(seen.field("x-forwarded-for"), "127.0.0.1");
    EXPECT_EQ(seen.field("x-forwarded-proto"), "http");
    EXPECT_EQ(seen.field("x-forwarded-host"), "a.test");
    EXPECT_EQ(seen.field("x-real-ip"), "127.0.0.1");
    EXPECT_EQ(seen.field("x-request-id").value_or("").size(), 32U);
}

TEST(Claims, G7_OfATrustedProxyAreExtended) {
    strict_site site(ok_response("fine"), "trust: [\"127.0.0.0/8\"]\n");
    const http_request seen = forwarded(site, claims);
    EXPECT_EQ(seen.field("x-forwarded-for"), "6.6.6.6, 127.0.0.1");
    EXPECT_EQ(seen.field("x-forwarded-proto"), "https");
    EXPECT_EQ(seen.field("x-forwarded-host"), "evil.test");
    EXPECT_EQ(seen.field("x-real-ip"), "6.6.6.6");
    EXPECT_EQ(seen.field("x-request-id"), "evil");
}

void expect_loop(strict_site& site, const std::string& fields) {
    peer client(site.port());
    client.send("GET /a HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 508) << fields;
    EXPECT_EQ(got.field("proxy-status"), "penstock; error=proxy_loop_detected");
    EXPECT_TRUE(site.arrived().empty());
}

TEST(Loops, G8_AreFoundByCdnLoop) {
    strict_site site;
    const http_request seen = forwarded(site, "CDN-Loop: other\r\nVia: 1.1 other\r\n");
    const std::string loop = seen.field("cdn-loop").value_or("");
    EXPECT_TRUE(loop.starts_with("other, penstock-")) << loop;
    EXPECT_EQ(seen.field("via"), "1.1 other");
    expect_loop(site, "CDN-Loop: " + loop + "\r\n");
    // No peer between us and ourselves can take it away.
    const http_request kept = forwarded(site, "Connection: CDN-Loop\r\nCDN-Loop: other\r\n");
    EXPECT_EQ(kept.field("cdn-loop"), loop);
    expect_loop(site, "Connection: CDN-Loop\r\nCDN-Loop: " + loop + "\r\n");
}

TEST(Loops, G8_AreFoundByViaWhereItIsSent) {
    strict_site site;
    const std::string name = forwarded(site, "").field("cdn-loop").value_or("");
    expect_loop(site, "Via: 1.1 other, 1.1 " + name + "\r\n");
}

TEST(Loops, G8_TraceEndsHere) {
    strict_site site;
    peer client(site.port());
    client.send("TRACE /a HTTP/1.1\r\nHost: a.test\r\nCookie: secret\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 405);
    EXPECT_EQ(got.body.find("secret"), std::string::npos);
    EXPECT_TRUE(site.arrived().empty());
}

TEST(Loops, G8_MaxForwardsCountsDown) {
    strict_site site;
    const std::string start = "OPTIONS /a HTTP/1.1";
    EXPECT_EQ(forwarded(site, "Max-Forwards: 5\r\n", start).field("max-forwards"), "4");
    EXPECT_EQ(
        forwarded(site, "Max-Forwards: 99999999999999999999\r\n", start).field("max-forwards"),
        "4294967294");
    // Of other methods it says nothing (RFC 9110, 7.6.2).
    EXPECT_EQ(forwarded(site, "Max-Forwards: 0\r\n").field("max-forwards"), "0");
    for (const char* const target : {"/a", "*"}) {
        peer client(site.port());
        client.send("OPTIONS " + std::string(target) +
                    " HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n");
        const http_response got = read_response(client);
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "");
        EXPECT_TRUE(site.arrived().empty());
    }
    for (const char* const bad : {"", "-1", "x", "1, 1"}) {
        peer client(site.port());
        client.send("OPTIONS /a HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: " + std::string(bad) +
                    "\r\n\r\n");
        EXPECT_EQ(read_response(client).status, 400) << bad;
        EXPECT_TRUE(site.arrived().empty());
    }
}

TEST(ErrorPages, G9_ReflectNothing) {
    strict_site site;
    const std::string payload = "<script>alert(1)</script>";
    for (const char* const accept : {"text/html", "application/json"}) {
        peer client(site.port());
        client.send("GET /../" + payload + " HTTP/1.1\r\nHost: a.test\r\nAccept: " + accept +
                    "\r\nX-Request-Id: " + payload + "\r\nReferer: " + payload + "\r\n\r\n");
        const std::string all_of_it = client.read_to_end();
        EXPECT_TRUE(all_of_it.starts_with("HTTP/1.1 400 ")) << all_of_it;
        EXPECT_EQ(all_of_it.find("alert"), std::string::npos) << all_of_it;
    }
}

TEST(Logs, G10_HaveOneLineForEachRequest) {
    strict_site site;
    const std::string forged = R"("} {"schema_version":1,"forged":"yes)";
    peer client(site.port());
    client.send("GET /a?%22%0a" + std::string("\"") +
                " HTTP/1.1\r\nHost: a.test\r\n"
                "User-Agent: " +
                forged + "\\\x80\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 200);
    const std::string line = site.proxy().running().wait_for("\"url.path\":\"/a\"");
    EXPECT_TRUE(line.starts_with("{") && line.ends_with("}")) << line;
    EXPECT_EQ(line.find("\"forged\":\"yes"), std::string::npos) << line;
    EXPECT_NE(line.find(R"(\"forged\":\"yes)"), std::string::npos) << line;
    const std::string all_lines = site.proxy().running().out();
    EXPECT_EQ(std::count(all_lines.begin(), all_lines.end(), '\n'), 1) << all_lines;
}

struct bad_response {
    std::string name;
    std::string head;
};

class ResponseSplitting : public testing::TestWithParam<bad_response> {};

TEST_P(ResponseSplitting, G11_IsA502) {
    strict_site site("HTTP/1.1 200 OK\r\n" + GetParam().head + "Content-Length: 4\r\n\r\nevil");
    peer client(site.port());
    client.send("GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const http_response got = read_response(client);
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.head.find("Evil"), std::string::npos);
    EXPECT_EQ(got.body.find("evil"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(, ResponseSplitting,
                         testing::Values(bad_response{"line_feed", "A: b\nEvil: 1\r\n"},
                                         bad_response{"carriage_return", "A: b\rEvil: 1\r\n"},
                                         bad_response{"nul", std::string("A: b\0Evil\r\n", 11)},
                                         bad_response{"control",
                                                      "A: b\x01"
                                                      "Evil\r\n"},
                                         bad_response{"folded", "A: b\r\n Evil: 1\r\n"},
                                         bad_response{"space_before_colon", "Evil : 1\r\n"},
                                         bad_response{"two_lengths", "Content-Length: 5\r\n"}),
                         name_of_entry<bad_response>);

}  // namespace
}  // namespace penstock::test
