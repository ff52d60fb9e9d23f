#include "penstock/http/forwarding.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::http {
namespace {

using lines = std::vector<std::pair<std::string, std::string>>;

fields fields_of(const lines& of) {
    fields made;
    for (const auto& [name, value] : of)
        made.add(name, value);
    return made;
}

lines lines_of(const fields& of) {
    lines made;
    for (const fields::field field : of)
        made.emplace_back(field.name, field.value);
    return made;
}

lines stripped(const lines& of) {
    fields some = fields_of(of);
    strip_hop_by_hop(some);
    return lines_of(some);
}

TEST(StripHopByHop, LeavesEndToEndFieldsInOrder) {
    const lines end_to_end = {{"Accept", "*/*"}, {"Via", "1.1 x"}, {"Cookie", "a=b"}, {"X", ""}};
    EXPECT_EQ(stripped(end_to_end), end_to_end);
    EXPECT_EQ(stripped({}), lines{});
}

TEST(StripHopByHop, RemovesTheKnownOnesInAnyCase) {
    for (const std::string name :
         {"Connection", "keep-alive", "PROXY-CONNECTION", "Proxy-Authenticate",
          "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Content-Length", "Upgrade",
          "HTTP2-Settings"}) {
        EXPECT_EQ(stripped({{"A", "1"}, {name, "x"}, {"B", "2"}, {name, "y"}}),
                  (lines{{"A", "1"}, {"B", "2"}}))
            << name;
    }
}

TEST(StripHopByHop, RemovesWhatConnectionNames) {
    EXPECT_EQ(stripped({{"Connection", "close, X-Hop ,,\tx-other"},
                        {"X-Hop", "1"},
                        {"A", "1"},
                        {"X-OTHER", "2"},
                        {"x-hop", "3"},
                        {"connection", "x-third"},
                        {"X-Third", "4"}}),
              (lines{{"A", "1"}}));
}

TEST(StripHopByHop, NamesAreWhole) {
    EXPECT_EQ(stripped({{"Connection", "X-Ho, op, X-Hop-By, *"}, {"X-Hop", "1"}}),
              (lines{{"X-Hop", "1"}}));
}

TEST(StripHopByHop, NoPeerRemovesProtectedFields) {
    for (const std::string name :
         {"Host", "Authorization", "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding",
          "Content-Security-Policy", "Forwarded", "Via", "CDN-Loop", "X-Forwarded-For",
          "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
          "X-Real-IP", "X-Request-Id"}) {
        EXPECT_EQ(
            stripped({{"Connection", "close, " + name + ", X-Hop"}, {name, "x"}, {"X-Hop", "1"}}),
            (lines{{name, "x"}}))
            << name;
    }
}

TEST(StripHopByHop, LooksAtSixtyFourNames) {
    const auto options = [](int before) {
        std::string list;
        for (int i = 0; i < before; ++i)
            list += "a" + std::to_string(i) + ",";
        return list + "X-Hop";
    };
    EXPECT_EQ(stripped({{"Connection", options(62)}, {"X-Hop", "1"}}), lines{});
    EXPECT_EQ(stripped({{"Connection", options(63)}, {"X-Hop", "1"}}), lines{});
    EXPECT_EQ(stripped({{"Connection", options(64)}, {"X-Hop", "1"}}), (lines{{"X-Hop", "1"}}));
    EXPECT_EQ(stripped({{"Connection", options(64)}, {"Connection", "Y"}, {"Y", "1"}}),
              (lines{{"Y", "1"}}));
}

forwarded_facts facts(bool keeps_family) {
    forwarded_facts made;
    made.way = "192.0.2.7";
    made.scheme = "https";
    made.host = "example.com:8443";
    made.port = 8443;
    made.keeps_family = keeps_family;
    return made;
}

lines forwarded(const lines& of, const forwarded_facts& by) {
    fields some = fields_of(of);
    std::string scratch;
    set_forwarding(some, by, scratch);
    return lines_of(some);
}

std::vector<std::string> values_of(const lines& of, std::string_view name) {
    std::vector<std::string> values;
    for (const auto& [each, value] : of) {
        if (equal_nocase(each, name))
            values.push_back(value);
    }
    return values;
}

std::string value_of(const lines& of, std::string_view name) {
    const std::vector<std::string> values = values_of(of, name);
    if (values.size() != 1)
        return "(" + std::to_string(values.size()) + " values)";
    return values.front();
}

void expect_ours(const lines& got) {
    EXPECT_EQ(value_of(got, "X-Forwarded-For"), "192.0.2.7");
    EXPECT_EQ(value_of(got, "X-Forwarded-Proto"), "https");
    EXPECT_EQ(value_of(got, "X-Forwarded-Host"), "example.com:8443");
    EXPECT_EQ(value_of(got, "X-Forwarded-Port"), "8443");
    EXPECT_EQ(value_of(got, "X-Real-IP"), "192.0.2.7");
}

// Neither what is dropped nor what is kept forgets RFC 7541 §6.2.3.
TEST(SetForwarding, LeavesSecretFieldsSecret) {
    fields some;
    some.add("x-forwarded-for", "192.0.2.1");
    some.add({"x-token", "abcd", field_id::other, true});
    some.add("x-open", "1");
    std::string scratch;
    set_forwarding(some, forwarded_facts{}, scratch);
    int seen = 0;
    for (const fields::field field : some) {
        if (field.name == "x-token" || field.name == "x-open") {
            ++seen;
            EXPECT_EQ(field.never_indexed, field.name == "x-token");
        }
    }
    EXPECT_EQ(seen, 2);
}

TEST(SetForwarding, SaysWhoAsksAndHow) {
    for (const bool trusted : {false, true}) {
        const lines got = forwarded({{"A", "1"}}, facts(trusted));
        expect_ours(got);
        EXPECT_EQ(got.size(), 6U);
        EXPECT_EQ(got.front(), (std::pair<std::string, std::string>("A", "1")));
    }
}

TEST(SetForwarding, LeavesOutWhatIsNotKnown) {
    forwarded_facts by = facts(false);
    by.host = "";
    by.port = 0;
    const lines got = forwarded({{"X-Forwarded-Host", "evil"}, {"X-Forwarded-Port", "1"}}, by);
    EXPECT_TRUE(values_of(got, "X-Forwarded-Host").empty());
    EXPECT_TRUE(values_of(got, "X-Forwarded-Port").empty());
}

TEST(SetForwarding, ReplacesWhatUntrustedPeersSay) {
    const lines got = forwarded({{"X-Forwarded-For", "10.0.0.1"},
                                 {"a", "1"},
                                 {"x-forwarded-for", "10.0.0.2"},
                                 {"X-FORWARDED-PROTO", "http"},
                                 {"X-Forwarded-Host", "evil"},
                                 {"X-Forwarded-Port", "1"},
                                 {"X-Real-IP", "10.0.0.3"},
                                 {"Forwarded", "for=10.0.0.4"},
                                 {"X-Forwarded-Prefix", "/evil"},
                                 {"X-Forwarded-Anything", "x"},
                                 {"b", "2"}},
                                facts(false));
    expect_ours(got);
    EXPECT_EQ(got.size(), 7U);
    EXPECT_EQ(value_of(got, "a"), "1");
    EXPECT_EQ(value_of(got, "b"), "2");
}

TEST(SetForwarding, DropsDisguisedNamesOfAllPeers) {
    for (const bool trusted : {false, true}) {
        for (const std::string name :
             {"X_Forwarded_For", "x-forwarded_for", "X_Forwarded-Proto", "X_Forwarded_Prefix",
              "X_Real_IP", "X_Request_Id", "Content_Length", "Transfer_Encoding", "User_Agent"}) {
            const lines got = forwarded({{name, "evil"}, {"my_field", "1"}}, facts(trusted));
            EXPECT_TRUE(values_of(got, name).empty()) << name;
            EXPECT_EQ(value_of(got, "my_field"), "1");
            expect_ours(got);
        }
    }
}

// What came in any form is written anew, as one story.
TEST(SetForwarding, TellsOneStoryOfTrustedPeers) {
    forwarded_facts by = facts(true);
    by.way = "203.0.113.9, 10.0.0.1, 192.0.2.7";
    by.writes_forwarded = true;
    const lines got = forwarded({{"X-Forwarded-For", "6.6.6.6, 203.0.113.9"},
                                 {"X-Forwarded-Proto", "http"},
                                 {"X-Forwarded-Host", "evil"},
                                 {"X-Forwarded-Port", "80"},
                                 {"X-Real-IP", "6.6.6.6"},
                                 {"X-Forwarded-Prefix", "/app"},
                                 {"Forwarded", "for=6.6.6.6"}},
                                by);
    EXPECT_EQ(value_of(got, "X-Forwarded-For"), "203.0.113.9, 10.0.0.1, 192.0.2.7");
    EXPECT_EQ(value_of(got, "X-Forwarded-Proto"), "https");
    EXPECT_EQ(value_of(got, "X-Forwarded-Host"), "example.com:8443");
    EXPECT_EQ(value_of(got, "X-Forwarded-Port"), "8443");
    EXPECT_EQ(value_of(got, "X-Real-IP"), "203.0.113.9");
    EXPECT_EQ(value_of(got, "X-Forwarded-Prefix"), "/app");
    EXPECT_EQ(value_of(got, "Forwarded"),
              "for=203.0.113.9;host=\"example.com:8443\";proto=https, for=10.0.0.1, "
              "for=192.0.2.7");
}

TEST(SetForwarding, WritesIpv6BareInListsAndInBracketsInForwarded) {
    forwarded_facts by = facts(false);
    by.way = "2001:db8::1, 2001:db8::7";
    by.host = "a.test";
    by.writes_forwarded = true;
    const lines got = forwarded({}, by);
    EXPECT_EQ(value_of(got, "X-Forwarded-For"), "2001:db8::1, 2001:db8::7");
    EXPECT_EQ(value_of(got, "X-Real-IP"), "2001:db8::1");
    EXPECT_EQ(value_of(got, "Forwarded"),
              "for=\"[2001:db8::1]\";host=a.test;proto=https, for=\"[2001:db8::7]\"");
}

// RFC 7239 knows `unknown`; X-Real-IP and X-Forwarded-For hold addresses or are not there.
TEST(SetForwarding, NamesNobodyWhereNoAddressIsKnown) {
    forwarded_facts by = facts(true);
    by.way = "";
    by.client_field = "CF-Connecting-IP";
    by.writes_forwarded = true;
    const lines got = forwarded(
        {{"X-Real-IP", "6.6.6.6"}, {"X-Forwarded-For", "unknown"}, {"CF-Connecting-IP", "6.6.6.6"}},
        by);
    EXPECT_EQ(value_of(got, "X-Real-IP"), "(0 values)");
    EXPECT_EQ(value_of(got, "X-Forwarded-For"), "(0 values)");
    EXPECT_EQ(value_of(got, "CF-Connecting-IP"), "(0 values)");
    EXPECT_EQ(value_of(got, "Forwarded"), "host=\"example.com:8443\";proto=https");
}

// G7: a field that the configuration takes the client from is ours, in either spelling.
TEST(SetForwarding, ReplacesTheFieldThatNamesTheClient) {
    for (const bool trusted : {false, true}) {
        forwarded_facts by = facts(trusted);
        by.client_field = "CF-Connecting-IP";
        const lines got = forwarded({{"cf-connecting-ip", "6.6.6.6"},
                                     {"CF_Connecting_IP", "6.6.6.6"},
                                     {"CF-Connecting-IP", "6.6.6.7"},
                                     {"CF-Connecting-IPv6", "kept"}},
                                    by);
        EXPECT_EQ(value_of(got, "CF-Connecting-IP"), "192.0.2.7");
        EXPECT_EQ(value_of(got, "CF_Connecting_IP"), "(0 values)");
        EXPECT_EQ(value_of(got, "CF-Connecting-IPv6"), "kept");
        by.client_field = "X-Real-IP";
        EXPECT_EQ(value_of(forwarded({{"X-Real-IP", "6.6.6.6"}}, by), "X-Real-IP"), "192.0.2.7");
    }
}

// A field that the configuration takes the scheme from is ours like the one for the client.
TEST(SetForwarding, ReplacesTheFieldThatNamesTheScheme) {
    for (const bool trusted : {false, true}) {
        forwarded_facts by = facts(trusted);
        by.scheme_field = "X-Forwarded-Scheme";
        const lines got =
            forwarded({{"x-forwarded-scheme", "http"}, {"X_Forwarded_Scheme", "http"}}, by);
        EXPECT_EQ(value_of(got, "X-Forwarded-Scheme"), "https");
        EXPECT_EQ(value_of(got, "X_Forwarded_Scheme"), "(0 values)");
        by.scheme_field = "Edge-Proto";
        EXPECT_EQ(value_of(forwarded({{"Edge-Proto", "http"}}, by), "Edge-Proto"), "https");
    }
}

// What is dropped is dropped where it stands: the others stay where they are, and in their order.
TEST(SetForwarding, MovesNothingThatItKeeps) {
    fields some = fields_of({{"A", "1"}, {"X-Forwarded-For", "6.6.6.6"}, {"B", "2"}});
    const char* const first = (*some.begin()).name.data();
    std::string scratch;
    set_forwarding(some, facts(true), scratch);
    EXPECT_EQ((*some.begin()).name.data(), first);
    EXPECT_EQ(lines_of(some)[1], (std::pair<std::string, std::string>("B", "2")));
}

// RFC 9440 §2.4: whoever sends them, a proxy's neighbours get them from the proxy alone.
TEST(SetForwarding, SaysItselfWhoTheClientIs) {
    for (const bool trusted : {true, false}) {
        forwarded_facts about = facts(trusted);
        for (const char* const name : {"Client-Cert", "client-cert", "Client-Cert-Chain",
                                       "Client_Cert", "CLIENT_CERT-CHAIN"})
            EXPECT_EQ(value_of(forwarded({{name, "x"}}, about), name), "(0 values)") << name;
        about.client_certificate = "TUlJ";
        EXPECT_EQ(value_of(forwarded({{"Client-Cert", "x"}}, about), "Client-Cert"), ":TUlJ:");
    }
}

}  // namespace
}  // namespace penstock::http
