#include "penstock/exchange/client_rules.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::exchange {
namespace {

using lines = std::vector<std::pair<std::string, std::string>>;

net::socket_address address(const std::string& host, std::uint16_t port = 0) {
    return *net::socket_address::parse(host, port);
}

// `prefix` counts as in IPv6; 96 is the whole of IPv4.
client_rules::network network(const std::string& host, int prefix) {
    client_rules::network made;
    address(host).mapped(made.bytes);
    made.prefix = prefix;
    return made;
}

client_rules rules(std::vector<client_rules::network> networks,
                   const std::string& from = "X-Forwarded-For") {
    return client_rules({std::move(networks), false, from});
}

client_rules behind_ten(const std::string& from = "X-Forwarded-For") {
    return rules({network("10.0.0.0", 104)}, from);
}

http::fields fields_of(const lines& of) {
    http::fields made;
    for (const auto& [name, value] : of)
        made.add(name, value);
    return made;
}

// The way, nearest first, as text.
std::string way(const client_rules& by, const lines& of) {
    const http::fields fields = fields_of(of);
    client_story told;
    by.read(fields, told);
    std::string text;
    for (const net::socket_address& one : told.hops)
        text += (text.empty() ? "" : " ") + one.to_string();
    return text;
}

TEST(ClientRules, TrustNobodyWithoutAList) { EXPECT_FALSE(rules({}).trusts(address("127.0.0.1"))); }

TEST(ClientRules, CompareAsManyBitsAsThePrefixHas) {
    struct {
        std::string name;
        client_rules::network trusted;
        std::string peer;
        bool expected;
    } const cases[] = {
        {"the address", network("10.1.2.3", 128), "10.1.2.3", true},
        {"its neighbour", network("10.1.2.3", 128), "10.1.2.2", false},
        {"/31, the other", network("10.1.2.2", 127), "10.1.2.3", true},
        {"/31, the next", network("10.1.2.2", 127), "10.1.2.4", false},
        {"/8, inside", network("10.0.0.0", 104), "10.255.255.255", true},
        {"/8, above", network("10.0.0.0", 104), "11.0.0.0", false},
        {"/9, inside", network("10.128.0.0", 105), "10.128.0.1", true},
        {"/9, below", network("10.128.0.0", 105), "10.127.255.255", false},
        {"all of IPv4", network("0.0.0.0", 96), "203.0.113.9", true},
        {"all of IPv4 has no IPv6", network("0.0.0.0", 96), "2001:db8::1", false},
        {"an IPv6 network", network("2001:db8::", 32), "2001:db8:ffff::1", true},
        {"another IPv6 network", network("2001:db8::", 32), "2001:db9::1", false},
        {"everything", network("::", 0), "2001:db8::1", true},
        {"everything has IPv4", network("::", 0), "192.0.2.1", true},
        {"mapped IPv4", network("10.0.0.0", 104), "::ffff:10.1.2.3", true},
    };
    for (const auto& one : cases)
        EXPECT_EQ(rules({one.trusted}).trusts(address(one.peer)), one.expected) << one.name;
}

TEST(ClientRules, TrustUnixPeersOnlyWhereTheConfigurationSaysSo) {
    sockaddr_storage raw{};
    raw.ss_family = AF_UNIX;
    const net::socket_address peer = net::socket_address::from(raw);
    EXPECT_FALSE(rules({network("::", 0)}).trusts(peer));
    EXPECT_TRUE(client_rules({{}, true, "X-Forwarded-For"}).trusts(peer));
    EXPECT_FALSE(client_rules({{}, true, "X-Forwarded-For"}).trusts(address("127.0.0.1")));
}

TEST(ClientRules, FollowAListToTheRightMostThatIsNotTrusted) {
    struct {
        std::string name;
        std::vector<std::string> fields;
        std::string expected;
    } const cases[] = {
        {"no field", {}, ""},
        {"one address", {"203.0.113.9"}, "203.0.113.9:0"},
        {"what a client may have made up", {"192.0.2.1, 203.0.113.9"}, "203.0.113.9:0"},
        {"trusted ones in between",
         {"203.0.113.9, 10.0.0.1,10.0.0.2"},
         "10.0.0.2:0 10.0.0.1:0 203.0.113.9:0"},
        {"over two fields", {"192.0.2.1", "203.0.113.9 , 10.0.0.1"}, "10.0.0.1:0 203.0.113.9:0"},
        {"only trusted ones", {"10.0.0.1, 10.0.0.2"}, "10.0.0.2:0 10.0.0.1:0"},
        {"no address in front", {"unknown, 203.0.113.9"}, "203.0.113.9:0"},
        {"no address before a trusted one", {"192.0.2.1, unknown, 10.0.0.1"}, "10.0.0.1:0"},
        {"no address at the end", {"203.0.113.9, unknown"}, ""},
        {"empty members", {"203.0.113.9, ,"}, "203.0.113.9:0"},
        {"a port", {"203.0.113.9:4711"}, "203.0.113.9:4711"},
        {"IPv6", {"2001:db8::1"}, "[2001:db8::1]:0"},
        {"IPv6 in brackets", {"[2001:db8::1]"}, "[2001:db8::1]:0"},
        {"IPv6 with a port", {"[2001:db8::1]:443, 10.0.0.1:80"}, "10.0.0.1:80 [2001:db8::1]:443"},
        {"IPv4 in brackets is none", {"203.0.113.9, [10.0.0.1]"}, ""},
        {"mapped IPv4 is IPv4", {"203.0.113.9, ::ffff:10.0.0.1"}, "10.0.0.1:0 203.0.113.9:0"},
        {"a name is none", {"203.0.113.9, edge.test"}, ""},
        {"a zone is none", {"fe80::1%eth0"}, ""},
    };
    for (const auto& one : cases) {
        lines of;
        for (const std::string& value : one.fields)
            of.emplace_back("X-Forwarded-For", value);
        EXPECT_EQ(way(behind_ten(), of), one.expected) << one.name;
    }
}

TEST(ClientRules, FollowElementsOfForwarded) {
    struct {
        std::string name;
        std::vector<std::string> fields;
        std::string expected;
    } const cases[] = {
        {"one", {"for=203.0.113.9"}, "203.0.113.9:0"},
        {"made up in front", {"for=192.0.2.1, for=203.0.113.9;proto=https"}, "203.0.113.9:0"},
        {"an open quote in front", {"for=\"192.0.2.1, for=203.0.113.9"}, "203.0.113.9:0"},
        {"a chain",
         {"for=\"[2001:db8::9]:1\"", "for=10.0.0.1, for=10.0.0.2;by=10.0.0.3"},
         "10.0.0.2:0 10.0.0.1:0 [2001:db8::9]:1"},
        {"unknown", {"for=203.0.113.9, for=unknown"}, ""},
        {"hidden", {"for=203.0.113.9, for=_SEVKISEK, for=10.0.0.1"}, "10.0.0.1:0"},
        {"no address named", {"for=203.0.113.9, proto=https"}, ""},
        {"malformed", {"for=203.0.113.9, for=10.0.0.1;for=10.0.0.2"}, ""},
    };
    for (const auto& one : cases) {
        lines of{{"X-Forwarded-For", "6.6.6.6"}};
        for (const std::string& value : one.fields)
            of.emplace_back("Forwarded", value);
        EXPECT_EQ(way(behind_ten("forwarded"), of), one.expected) << one.name;
    }
}

TEST(ClientRules, TakeOneAddressFromAFieldOfOne) {
    const client_rules by = behind_ten("CF-Connecting-IP");
    const auto with = [&by](const lines& of) { return way(by, of); };
    EXPECT_EQ(with({{"X-Forwarded-For", "6.6.6.6"}, {"cf-connecting-ip", "203.0.113.9"}}),
              "203.0.113.9:0");
    EXPECT_EQ(with({{"CF-Connecting-IP", "[2001:db8::1]:7"}}), "[2001:db8::1]:7");
    EXPECT_EQ(with({{"CF-Connecting-IP", "203.0.113.9, 203.0.113.8"}}), "");
    EXPECT_EQ(with({{"CF-Connecting-IP", "203.0.113.9"}, {"CF-Connecting-IP", "203.0.113.9"}}), "");
    EXPECT_EQ(with({{"X-Forwarded-For", "6.6.6.6"}}), "");
}

// Only the form that is named is believed: a proxy that sets one passes on what clients make up in
// the others.
TEST(ClientRules, DoNotReadOtherForms) {
    const lines others{{"Forwarded", "for=6.6.6.6;proto=https;host=evil.test"},
                       {"X-Real-IP", "6.6.6.6"},
                       {"X-Client-IP", "6.6.6.6"}};
    EXPECT_EQ(way(behind_ten(), others), "");
    const lines family{{"X-Forwarded-For", "6.6.6.6"},
                       {"X-Forwarded-Proto", "https"},
                       {"X-Forwarded-Host", "evil.test"},
                       {"X-Forwarded-Port", "666"}};
    // A field of one address says nothing of the scheme, so that has a field of its own.
    for (const auto& [from, scheme] :
         {std::pair("Forwarded", ""), std::pair("X-Real-IP", "https")}) {
        const http::fields fields = fields_of(family);
        client_story told;
        behind_ten(from).read(fields, told);
        EXPECT_TRUE(told.hops.empty()) << from;
        EXPECT_EQ(told.scheme, scheme) << from;
        EXPECT_EQ(told.host, "") << from;
        EXPECT_EQ(told.port, 0) << from;
    }
}

TEST(ClientRules, TakeTheSchemeFromTheFieldThatIsNamed) {
    const lines all{{"X-Forwarded-For", "203.0.113.9"},
                    {"X-Real-IP", "203.0.113.9"},
                    {"Forwarded", "for=203.0.113.9;proto=http"},
                    {"X-Forwarded-Proto", "https"},
                    {"Edge-Proto", "http"}};
    struct {
        std::string from, scheme, expected;
    } const cases[] = {
        {"X-Forwarded-For", "", "https"},
        {"X-Forwarded-For", "Edge-Proto", "http"},
        {"X-Forwarded-For", "none", ""},
        {"X-Real-IP", "", "https"},
        {"X-Real-IP", "X-Forwarded-Proto", "https"},
        {"X-Real-IP", "edge-proto", "http"},
        {"X-Real-IP", "X-Other", ""},
        {"X-Real-IP", "none", ""},
        {"Forwarded", "", "http"},
        {"Forwarded", "X-Forwarded-Proto", "https"},
        {"Forwarded", "none", ""},
    };
    for (const auto& one : cases) {
        const http::fields fields = fields_of(all);
        const client_rules by({{network("10.0.0.0", 104)}, false, one.from, one.scheme});
        client_story told;
        by.read(fields, told);
        EXPECT_EQ(told.scheme, one.expected) << one.from << " " << one.scheme;
        EXPECT_EQ(told.hops.size(), 1U) << one.from;
    }
}

// What a client made up stands in front of what our peer says.
TEST(ClientRules, NextToOneAddressTheRightMostSchemeCounts) {
    const auto scheme = [](const lines& of) {
        const http::fields fields = fields_of(of);
        client_story told;
        behind_ten("X-Real-IP").read(fields, told);
        return std::string(told.scheme);
    };
    EXPECT_EQ(scheme({{"X-Forwarded-Proto", "https, http"}}), "http");
    EXPECT_EQ(scheme({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "http"}}), "http");
    EXPECT_EQ(scheme({{"X-Forwarded-Proto", "http, https ,, "}}), "https");
    EXPECT_EQ(scheme({{"X-Forwarded-Proto", "https, wss"}}), "");
    EXPECT_EQ(scheme({{"X-Forwarded-Proto", ""}}), "");
}

TEST(ClientRules, TakeSchemeAndHostFromTheClientsOwnEntry) {
    struct {
        std::string name;
        lines of;
        std::string scheme, host;
        std::uint16_t port;
    } const cases[] = {
        {"single values",
         {{"X-Forwarded-For", "203.0.113.9, 10.0.0.1"},
          {"X-Forwarded-Proto", "HTTPS"},
          {"X-Forwarded-Host", "a.test"},
          {"X-Forwarded-Port", "443"}},
         "https",
         "a.test",
         443},
        {"lists as long as the way",
         {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.1"},
          {"X-Forwarded-Proto", "http, https, http"},
          {"X-Forwarded-Host", "evil.test, a.test, inner.test"}},
         "https",
         "a.test",
         0},
        {"no list of addresses", {{"X-Forwarded-Proto", "https"}}, "https", "", 0},
        {"another scheme", {{"X-Forwarded-Proto", "wss"}}, "", "", 0},
        {"no port", {{"X-Forwarded-Port", "443x"}}, "", "", 0},
        {"a host in its one form", {{"X-Forwarded-Host", "A.Test:"}}, "", "a.test", 0},
        {"no host", {{"X-Forwarded-Host", "a b"}}, "", "", 0},
    };
    for (const auto& one : cases) {
        const http::fields fields = fields_of(one.of);
        client_story told;
        behind_ten().read(fields, told);
        EXPECT_EQ(told.scheme, one.scheme) << one.name;
        EXPECT_EQ(std::string_view(told.host), one.host) << one.name;
        EXPECT_EQ(told.port, one.port) << one.name;
    }
    const http::fields fields = fields_of({{"Forwarded",
                                            "for=203.0.113.9;proto=https;host=\"a.test:1\", "
                                            "for=10.0.0.1;proto=http"}});
    client_story told;
    behind_ten("Forwarded").read(fields, told);
    EXPECT_EQ(told.scheme, "https");
    EXPECT_EQ(told.host, "a.test:1");
}

TEST(ClientRules, FollowAsManyTrustedOnesAsAWayMayHave) {
    for (const std::size_t trusted : {client_rules::hops_max - 1, client_rules::hops_max}) {
        std::string list = "203.0.113.9";
        for (std::size_t i = 0; i < trusted; ++i)
            list += ",10.0.0." + std::to_string(i);
        const http::fields fields = fields_of({{"X-Forwarded-For", list}});
        client_story told;
        behind_ten().read(fields, told);
        ASSERT_EQ(told.hops.size(), client_rules::hops_max);
        EXPECT_EQ(told.hops.back().host(),
                  trusted < client_rules::hops_max ? "203.0.113.9" : "10.0.0.0");
    }
}

struct asked {
    explicit asked(const std::string& from) : peer(address(from, 40000)) {
        of.peer = &peer;
        of.record = &record;
        of.head.scheme = "http";
        peer.print(record.client);
    }
    net::socket_address peer;
    exchange::record record;
    request of;
};

TEST(Identify, TakesTheClientFromATrustedPeer) {
    const client_rules by = behind_ten();
    asked request("10.0.0.9");
    request.of.head.fields.add("X-Forwarded-For", "203.0.113.9:7");
    request.of.head.fields.add("X-Forwarded-Proto", "https");
    identify(&by, request.of);
    EXPECT_TRUE(request.of.peer_trusted());
    EXPECT_EQ(request.of.client_address(), address("203.0.113.9", 7));
    EXPECT_EQ(request.of.head.scheme, "https");
    EXPECT_EQ(request.record.client, "203.0.113.9:7");
    EXPECT_EQ(request.record.peer, "10.0.0.9:40000");
}

TEST(Identify, TakesEveryOtherPeerForTheClient) {
    const client_rules by = behind_ten();
    for (const client_rules* const rules : {&by, static_cast<const client_rules*>(nullptr)}) {
        asked request("192.0.2.7");
        request.of.head.fields.add("X-Forwarded-For", "203.0.113.9");
        request.of.head.fields.add("X-Forwarded-Proto", "https");
        identify(rules, request.of);
        EXPECT_FALSE(request.of.peer_trusted());
        EXPECT_EQ(request.of.client_address(), request.peer);
        EXPECT_EQ(request.of.head.scheme, "http");
        EXPECT_EQ(request.record.client, "192.0.2.7:40000");
        EXPECT_EQ(request.record.peer, "");
    }
}

TEST(Identify, KeepsNothingOfAnEarlierRequest) {
    const client_rules by = behind_ten();
    asked request("10.0.0.9");
    request.of.head.fields.add("X-Forwarded-Host", "a.test");
    identify(&by, request.of);
    EXPECT_TRUE(request.of.peer_trusted());
    EXPECT_EQ(request.of.client_address(), request.peer);
    request.of.clear();
    EXPECT_FALSE(request.of.peer_trusted());
}

// Scheme, host and port of a URL for the client have one source.
TEST(Identify, GivesTheClientsAuthority) {
    struct {
        std::string name;
        std::string host;  // of the request, which came to port 38080 without TLS
        lines of;
        std::string expected_host;
        std::uint16_t expected_port;
    } const cases[] = {
        {"nothing is told", "a.test:38080", {}, "a.test", 38080},
        {"host", "inner:38080", {{"X-Forwarded-Host", "shop.test"}}, "shop.test", 0},
        {"host and scheme",
         "inner:38080",
         {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.test"}},
         "shop.test",
         0},
        {"host with its port",
         "inner:38080",
         {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.test:8443"}},
         "shop.test",
         8443},
        {"port",
         "shop.test",
         {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "8443"}},
         "shop.test",
         8443},
        {"scheme alone, the client's Host",
         "shop.test:8443",
         {{"X-Forwarded-Proto", "https"}},
         "shop.test",
         8443},
        {"scheme alone, a Host with our port",
         "inner:38080",
         {{"X-Forwarded-Proto", "https"}},
         "inner",
         0},
        {"our own scheme, a Host with our port",
         "inner:38080",
         {{"X-Forwarded-Proto", "http"}},
         "inner",
         38080},
        {"a port of the other scheme",
         "shop.test:80",
         {{"X-Forwarded-Proto", "https"}},
         "shop.test",
         0},
        {"a told port of the other scheme",
         "shop.test",
         {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "80"}},
         "shop.test",
         0},
    };
    const client_rules by = behind_ten();
    const net::socket_address local = address("10.0.0.1", 38080);
    for (const auto& one : cases) {
        asked request("10.0.0.9");
        request.of.local = &local;
        request.record.host = one.host;
        for (const auto& [name, value] : one.of)
            request.of.head.fields.add(name, value);
        identify(&by, request.of);
        const client_authority made = authority_of_client(request.of);
        EXPECT_EQ(made.host, one.expected_host) << one.name;
        EXPECT_EQ(made.port, one.expected_port) << one.name;
    }
}

}  // namespace
}  // namespace penstock::exchange
