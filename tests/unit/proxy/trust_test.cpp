#include "proxy/trust.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace penstock::proxy {
namespace {

net::socket_address address(const std::string& host) {
    return *net::socket_address::parse(host, 4711);
}

// `prefix` counts as in IPv6; 96 is the whole of IPv4.
config::network network(const std::string& host, int prefix) {
    config::network made;
    address(host).mapped(made.bytes);
    made.prefix = prefix;
    return made;
}

TEST(Trust, NobodyWithoutAList) { EXPECT_FALSE(is_trusted(address("127.0.0.1"), {})); }

TEST(Trust, ComparesAsManyBitsAsThePrefixHas) {
    struct {
        std::string name;
        config::network trusted;
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
        EXPECT_EQ(is_trusted(address(one.peer), {one.trusted}), one.expected) << one.name;
}

TEST(Trust, AnyOfTheListIsEnough) {
    EXPECT_TRUE(
        is_trusted(address("192.0.2.1"), {network("10.0.0.0", 104), network("192.0.2.0", 120)}));
}

TEST(NamedClient, IsTheRightMostThatIsNotTrusted) {
    const std::vector<config::network> trust{network("10.0.0.0", 104)};
    struct {
        std::string name;
        std::vector<std::string> fields;
        std::string expected;  // empty = nobody
    } const cases[] = {
        {"no field", {}, ""},
        {"one address", {"203.0.113.9"}, "203.0.113.9"},
        {"what a client may have made up", {"192.0.2.1, 203.0.113.9"}, "203.0.113.9"},
        {"behind a chain of trusted ones", {"203.0.113.9, 10.0.0.1,10.0.0.2"}, "203.0.113.9"},
        {"over two fields", {"192.0.2.1", "203.0.113.9 , 10.0.0.1"}, "203.0.113.9"},
        {"only trusted ones", {"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
        {"no address in front", {"unknown, 203.0.113.9"}, "203.0.113.9"},
        {"no address at the end", {"203.0.113.9, unknown"}, ""},
        {"an empty word", {"203.0.113.9,"}, "203.0.113.9"},
        {"IPv6", {"2001:db8::1"}, "2001:db8::1"},
        {"the same /64", {"2001:db8::1"}, "2001:db8::ffff"},
    };
    for (const auto& one : cases) {
        http::fields fields;
        for (const std::string& value : one.fields)
            fields.add("X-Forwarded-For", value);
        const std::optional<net::address_key> found = named_client(fields, trust);
        ASSERT_EQ(found.has_value(), !one.expected.empty()) << one.name;
        if (found) {
            EXPECT_EQ(*found, net::address_key_of(address(one.expected))) << one.name;
        }
    }
}

}  // namespace
}  // namespace penstock::proxy
