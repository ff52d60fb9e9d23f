#include "proxy/trust.hpp"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace penstock::proxy
