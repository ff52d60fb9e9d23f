// Who the client is (issue items 20 and 21; ATTACKS G7, D5): behind a proxy that is trusted, one
// form is believed, its right-most untrusted address counts, and everything that asks who the
// client is has the same answer.
#include "support/h2_client.hpp"
#include "support/http_reader.hpp"
#include "support/probe.hpp"
#include "support/steered_origin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::test {
namespace {

std::string fields_text(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + "\r\n";
    return text;
}

// A proxy that trusts 127.0.0.2 and its neighbours, and an origin that writes down what it hears.
struct trusting_site {
    explicit trusting_site(const std::string& more = "", const std::string& limits = "",
                           const std::string& trust = "127.0.0.2/31")
        : proxy(
              "workers: 2\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
              "listeners: {web: {bind: \"127.0.0.1:0\", limits: {" +
              limits + "}}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" +
              origin.address() + "\"]}}\ntrust: [\"" + trust + "\"]\n" + more) {}

    peer connect(const std::string& source) {
        connect_options options;
        options.source = source;
        return peer(proxy.port("web"), options);
    }
    // The status, with the request as the origin heard it in `heard`.
    int ask(const std::string& source, const std::vector<std::string>& lines) {
        peer client = connect(source);
        const std::string target = "/n" + std::to_string(++number);
        client.send("GET " + target + " HTTP/1.1\r\nHost: a.test\r\n" + fields_text(lines) +
                    "\r\n");
        const int status = read_response(client).status;
        const auto all = origin.heard(target.substr(1));
        heard = all.empty() ? http_request() : all.back().request;
        return status;
    }
    std::string field(const std::string& name) const {
        return heard.field(name).value_or("absent");
    }

    steered_origin origin;
    daemon proxy;
    http_request heard;
    int number = 0;
};

TEST(ClientIdentity, G7_TheRightMostUntrustedAddressIsTheClient) {
    trusting_site site;
    struct {
        std::string name;
        std::vector<std::string> lines;
        std::string way, real_ip;
    } const cases[] = {
        {"one hop", {"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9, 127.0.0.2", "203.0.113.9"},
        {"made up in front",
         {"X-Forwarded-For: 6.6.6.6, 203.0.113.9"},
         "203.0.113.9, 127.0.0.2",
         "203.0.113.9"},
        {"through another that is trusted",
         {"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9, 127.0.0.3"},
         "203.0.113.9, 127.0.0.3, 127.0.0.2",
         "203.0.113.9"},
        {"with a port",
         {"X-Forwarded-For: 203.0.113.9:4711"},
         "203.0.113.9, 127.0.0.2",
         "203.0.113.9"},
        {"IPv6 in brackets, with a port",
         {"X-Forwarded-For: [2001:db8::9]:4711"},
         "2001:db8::9, 127.0.0.2",
         "2001:db8::9"},
        {"what is no address ends the walk",
         {"X-Forwarded-For: 203.0.113.9, unknown, 127.0.0.3"},
         "127.0.0.3, 127.0.0.2",
         "127.0.0.3"},
        {"no address at all", {"X-Forwarded-For: unknown"}, "127.0.0.2", "127.0.0.2"},
        {"nothing", {}, "127.0.0.2", "127.0.0.2"},
        {"other forms do not count",
         {"Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "CF-Connecting-IP: 6.6.6.6"},
         "127.0.0.2",
         "127.0.0.2"},
    };
    for (const auto& one : cases) {
        ASSERT_EQ(site.ask("127.0.0.2", one.lines), 200) << one.name;
        EXPECT_EQ(site.field("x-forwarded-for"), one.way) << one.name;
        EXPECT_EQ(site.field("x-real-ip"), one.real_ip) << one.name;
        const std::string line =
            site.proxy.running().wait_for("\"/n" + std::to_string(site.number) + "\"");
        EXPECT_EQ(text_in(line, "client.address"), one.real_ip) << one.name;
        EXPECT_EQ(text_in(line, "network.peer.address"), "127.0.0.2") << one.name;
        EXPECT_GT(number_in(line, "network.peer.port"), 0) << one.name;
    }
}

TEST(ClientIdentity, G7_OneStoryIsToldInEveryForm) {
    trusting_site site("client_address: {from: Forwarded}\n");
    ASSERT_EQ(site.ask("127.0.0.2", {"Forwarded: for=6.6.6.6;proto=http, "
                                     "for=\"[2001:db8::9]:4711\";proto=https;host=public.test",
                                     "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http",
                                     "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 666",
                                     "X-Forwarded-Prefix: /evil", "X-Real-IP: 6.6.6.6",
                                     "X_Forwarded_For: 6.6.6.6"}),
              200);
    EXPECT_EQ(site.field("forwarded"),
              "for=\"[2001:db8::9]\";host=public.test;proto=https, for=127.0.0.2");
    EXPECT_EQ(site.field("x-forwarded-for"), "2001:db8::9, 127.0.0.2");
    EXPECT_EQ(site.field("x-forwarded-proto"), "https");
    EXPECT_EQ(site.field("x-forwarded-host"), "public.test");
    EXPECT_EQ(site.field("x-forwarded-port"), "443");
    EXPECT_EQ(site.field("x-forwarded-prefix"), "absent");
    EXPECT_EQ(site.field("x-real-ip"), "2001:db8::9");
    EXPECT_EQ(site.heard.head.find("6.6.6.6"), std::string::npos) << site.heard.head;
    // A stranger's say is replaced as ever.
    ASSERT_EQ(site.ask("127.0.0.1", {"Forwarded: for=6.6.6.6;proto=https"}), 200);
    EXPECT_EQ(site.field("forwarded"), "for=127.0.0.1;host=a.test;proto=http");
    EXPECT_EQ(site.field("x-forwarded-for"), "127.0.0.1");
}

TEST(ClientIdentity, G7_AFieldOfOneAddressNamesTheClient) {
    trusting_site site("client_address: {from: CF-Connecting-IP}\n");
    ASSERT_EQ(site.ask("127.0.0.2",
                       {"CF-Connecting-IP: 203.0.113.9", "X-Forwarded-For: 6.6.6.6, 203.0.113.9"}),
              200);
    EXPECT_EQ(site.field("x-forwarded-for"), "203.0.113.9, 127.0.0.2");
    EXPECT_EQ(site.field("x-real-ip"), "203.0.113.9");
    EXPECT_EQ(site.field("cf-connecting-ip"), "203.0.113.9");
    // Of a stranger it is replaced, in either spelling.
    ASSERT_EQ(site.ask("127.0.0.1", {"CF-Connecting-IP: 6.6.6.6", "CF_Connecting_IP: 6.6.6.6"}),
              200);
    EXPECT_EQ(site.field("cf-connecting-ip"), "127.0.0.1");
    EXPECT_EQ(site.heard.head.find("6.6.6.6"), std::string::npos) << site.heard.head;
}

// A balancer that ends TLS and names the client in a field of one address: its clients come to the
// end of a redirect to https.
TEST(ClientIdentity, D5_TheSchemeHasAFieldOfItsOwn) {
    const std::string routes =
        "routes: [{match: {scheme: http}, redirect: {scheme: https}}, {respond: {body: "
        "\"${scheme}://${host}:${port}\"}, response_headers: {set: {Strict-Transport-Security: "
        "max-age=1}}}]\n";
    const auto asked = [&](const std::string& address, const std::string& fields) {
        const daemon proxy("listeners: {web: {bind: \"127.0.0.1:0\"}}\ntrust: [127.0.0.1]\n" +
                           routes + "client_address: {" + address + "}\n");
        peer client(proxy.port("web"));
        client.send("GET / HTTP/1.1\r\nHost: inner:" + std::to_string(proxy.port("web")) +
                    "\r\nX-Real-IP: 203.0.113.9\r\n" + fields + "\r\n");
        return read_response(client);
    };
    const std::string https = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n";
    const http_response usual = asked("from: X-Real-IP", https);
    EXPECT_EQ(usual.status, 200);
    EXPECT_EQ(usual.body, "https://inner:443");
    EXPECT_EQ(usual.field("strict-transport-security"), "max-age=1");
    EXPECT_EQ(asked("from: X-Real-IP, scheme: X-Scheme", https).status, 308);
    EXPECT_EQ(asked("from: X-Real-IP, scheme: X-Scheme", "X-Scheme: https\r\n").status, 200);
    EXPECT_EQ(asked("from: X-Real-IP, scheme: none", https).status, 308);
    EXPECT_EQ(asked("from: X-Forwarded-For, scheme: none", https).status, 308);
    EXPECT_EQ(asked("from: X-Forwarded-For",
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: "
                    "shop.test\r\n")
                  .field("location"),
              "https://shop.test/");
}

// F7: what one client may ask for within a second is counted by who it is, not by who brings it.
TEST(ClientIdentity, F7_RequestsAreCountedByTheClient) {
    trusting_site site("", "requests_per_address: 5");
    // Each client brought by the trusted peer has its own allowance, so none is refused.
    for (int i = 1; i <= 40; ++i)
        EXPECT_EQ(site.ask("127.0.0.2", {"X-Forwarded-For: 203.0.113." + std::to_string(i)}), 200);
    int refused = 0;
    for (int i = 0; i < 60; ++i) {
        // What it makes up in front buys it nothing.
        refused += site.ask("127.0.0.2", {"X-Forwarded-For: 198.51.100." + std::to_string(i) +
                                          ", 203.0.113.99"}) == 429
                       ? 1
                       : 0;
    }
    EXPECT_GT(refused, 0);
    refused = 0;
    for (int i = 0; i < 60; ++i) {
        refused += site.ask("127.0.0.1", {"X-Forwarded-For: 203.0.113." + std::to_string(i)}) == 429
                       ? 1
                       : 0;
    }
    EXPECT_GT(refused, 0) << "a stranger's word does not count";
}

// F7: connections are counted by their peers, when they come, and those that are trusted are not.
TEST(ClientIdentity, F7_ConnectionsOfTrustedPeersAreNotCounted) {
    trusting_site site("", "connections_per_address: 2, over_limit: refuse");
    const auto statuses = [&site](const std::string& source, std::vector<peer>& held) {
        std::vector<int> seen;
        for (int i = 0; i < 4; ++i) {
            held.push_back(site.connect(source));
            // One that is over the cap is answered without a request.
            if (source == "127.0.0.2" || i < 2)
                held.back().send("GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n");
            seen.push_back(read_response(held.back()).status);
        }
        return seen;
    };
    std::vector<peer> held;
    EXPECT_EQ(statuses("127.0.0.2", held), (std::vector<int>{200, 200, 200, 200}));
    EXPECT_EQ(statuses("127.0.0.1", held), (std::vector<int>{200, 200, 429, 429}));
}

// Item 6, D5: behind a balancer that takes TLS off, clients of h2c say `:scheme https`.
TEST(ClientIdentity, D5_AnotherSchemeIsServedAndChangesNothingThatIsTold) {
    trusting_site site;
    struct {
        std::string name;
        h2::field_list more;
        std::string proto;
    } const cases[] = {
        {"nothing said", {}, "http"},
        {"a stranger's say", {{"x-forwarded-proto", "https"}}, "http"},
    };
    for (const auto& one : cases) {
        h2_client client(site.proxy.port("web"));
        const std::string target = "/d5-" + one.proto + std::to_string(++site.number);
        h2::field_list asked{
            {":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", target}};
        asked.insert(asked.end(), one.more.begin(), one.more.end());
        client.send(h2::head(1, asked));
        EXPECT_EQ(client.response(1).status(), 200) << one.name;
        const auto heard = site.origin.heard(target.substr(1));
        ASSERT_EQ(heard.size(), 1U) << one.name;
        EXPECT_EQ(heard[0].request.field("x-forwarded-proto"), one.proto) << one.name;
        EXPECT_EQ(heard[0].request.target, target) << one.name;
    }
}

TEST(ClientIdentity, D5_OfATrustedPeerTheForwardedSchemeCounts) {
    trusting_site site("", "", "127.0.0.1");
    h2_client client(site.proxy.port("web"));
    client.send(h2::head(1, {{":method", "GET"},
                             {":scheme", "http"},
                             {":authority", "a.test"},
                             {":path", "/trusted"},
                             {"x-forwarded-for", "203.0.113.9"},
                             {"x-forwarded-proto", "https"}}));
    EXPECT_EQ(client.response(1).status(), 200);
    const auto heard = site.origin.heard("trusted");
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].request.field("x-forwarded-proto"), "https");
    EXPECT_EQ(heard[0].request.field("x-real-ip"), "203.0.113.9");
}

// What is no name of such a field is an error that says what is.
TEST(ClientIdentity, OddNamesOfTheFieldAreErrors) {
    for (const std::string name :
         {"Host", "Content-Length", "a b", "X-Forwarded-Proto", "X_Real"}) {
        temp_dir dir;
        const std::string path = dir.write("penstock.yaml",
                                           "listeners: {web: {bind: \"127.0.0.1:0\"}}\n"
                                           "routes: [{respond: {}}]\n"
                                           "client_address: {from: \"" +
                                               name + "\"}\n");
        const command_result got = run({penstock_binary(), "check", "-c", path});
        EXPECT_EQ(got.status.code, 78) << name;
        EXPECT_NE(got.out.find("CF-Connecting-IP"), std::string::npos) << got.out;
    }
}

}  // namespace
}  // namespace penstock::test
