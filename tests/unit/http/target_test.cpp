#include "penstock/http/target.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

struct bad_target {
    const char* name;
    std::string_view target;
};
std::ostream& operator<<(std::ostream& out, const bad_target& of) { return out << of.name; }

struct authority_case {
    const char* name;
    std::string_view text;
    std::string_view normal;
    std::string_view host;
};
std::ostream& operator<<(std::ostream& out, const authority_case& of) { return out << of.name; }

class AuthorityNormal : public testing::TestWithParam<authority_case> {};

TEST_P(AuthorityNormal, IsLowerCasedAndAppended) {
    std::string out = "x@";
    ASSERT_TRUE(normalize_authority(GetParam().text, out));
    EXPECT_EQ(out, "x@" + std::string(GetParam().normal));
    EXPECT_EQ(host_of(GetParam().normal), GetParam().host);
}

INSTANTIATE_TEST_SUITE_P(
    Authority, AuthorityNormal,
    testing::Values(
        authority_case{"Name", "example.com", "example.com", "example.com"},
        authority_case{"UpperCase", "EXAMPLE.Com", "example.com", "example.com"},
        authority_case{"Port", "a:80", "a:80", "a"},
        authority_case{"HighestPort", "a:65535", "a:65535", "a"},
        authority_case{"LowestPort", "a:0", "a:0", "a"},
        authority_case{"TrailingDot", "example.com.", "example.com.", "example.com"},
        authority_case{"TrailingDotAndPort", "Example.com.:8080", "example.com.:8080",
                       "example.com"},
        authority_case{"Underscore", "my_service:3000", "my_service:3000", "my_service"},
        authority_case{"Punycode", "xn--bcher-kva.example", "xn--bcher-kva.example",
                       "xn--bcher-kva.example"},
        // RFC 3986 §6.2.3: an empty port is none.
        authority_case{"EmptyPort", "Example.com:", "example.com", "example.com"},
        authority_case{"EmptyPortOfAnAddress", "[::1]:", "[::1]", "[::1]"},
        // RFC 3986 §3.2.2.
        authority_case{"SubDelimiters", "a!b$c&d'e(f)g*h+i=J", "a!b$c&d'e(f)g*h+i=j",
                       "a!b$c&d'e(f)g*h+i=j"},
        authority_case{"Tilde", "a~b:80", "a~b:80", "a~b"},
        authority_case{"EscapeOfUnreserved", "%61%2D%42.test:80", "a-b.test:80", "a-b.test"},
        authority_case{"EscapedDot", "a%2Etest", "a.test", "a.test"},
        authority_case{"EscapeOfASubDelimiter", "a%2Ab", "a%2ab", "a%2ab"},
        authority_case{"EscapeOfAHighByte", "b%C3%BCcher.test", "b%c3%bccher.test",
                       "b%c3%bccher.test"},
        authority_case{"Ipv4", "127.0.0.1:1", "127.0.0.1:1", "127.0.0.1"},
        authority_case{"Ipv6", "[::1]", "[::1]", "[::1]"},
        authority_case{"Ipv6Port", "[2001:DB8::A]:443", "[2001:db8::a]:443", "[2001:db8::a]"},
        authority_case{"Ipv6Full", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"},
        authority_case{"Ipv6All", "[::]", "[::]", "[::]"},
        authority_case{"Ipv6GapAtEnd", "[1::]", "[1::]", "[1::]"},
        authority_case{"Ipv6SevenAndGap", "[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]",
                       "[1:2:3:4:5:6:7::]"},
        authority_case{"Ipv6WithIpv4", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"},
        authority_case{"Ipv6SixAndIpv4", "[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]",
                       "[1:2:3:4:5:6:1.2.3.4]"}),
    [](const auto& each) { return std::string(each.param.name); });

class AuthorityRefused : public testing::TestWithParam<bad_target> {};

TEST_P(AuthorityRefused, GivesBadHostAndAppendsNothing) {
    std::string out = "before";
    const result<void> made = normalize_authority(GetParam().target, out);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), errc::bad_host);
    EXPECT_EQ(out, "before");
}

INSTANTIATE_TEST_SUITE_P(
    Authority, AuthorityRefused,
    testing::Values(
        bad_target{"Empty", ""}, bad_target{"PortAlone", ":80"}, bad_target{"Userinfo", "u@a"},
        bad_target{"Password", "u:p@a"}, bad_target{"List", "a,b"}, bad_target{"Space", "a b"},
        bad_target{"SpaceFirst", " a"}, bad_target{"SpaceLast", "a "}, bad_target{"Tab", "a\tb"},
        bad_target{"Slash", "a/b"}, bad_target{"Backslash", "a\\b"}, bad_target{"Query", "a?b"},
        bad_target{"Fragment", "a#b"}, bad_target{"Nul", std::string_view("a\0", 2)},
        bad_target{"Delete", "a\x7f"}, bad_target{"HighByte", "b\xc3\xbc"},
        bad_target{"Semicolon", "a;b"}, bad_target{"Quote", "a\"b"}, bad_target{"Pipe", "a|b"},
        bad_target{"Caret", "a^b"}, bad_target{"Backtick", "a`b"}, bad_target{"Brace", "a{b"},
        bad_target{"Angle", "a<b"}, bad_target{"Bracket", "a[b"},
        bad_target{"EscapedComma", "a%2cb"}, bad_target{"EscapedSemicolon", "a%3bb"},
        bad_target{"EscapedSlash", "a%2fb"}, bad_target{"EscapedBackslash", "a%5Cb"},
        bad_target{"EscapedQuery", "a%3Fb"}, bad_target{"EscapedFragment", "a%23b"},
        bad_target{"EscapedAt", "a%40b"}, bad_target{"EscapedColon", "a%3a80"},
        bad_target{"EscapedPercent", "a%2561"}, bad_target{"EscapedNul", "a%00"},
        bad_target{"EscapedSpace", "a%20b"}, bad_target{"EscapedDelete", "a%7f"},
        bad_target{"EscapedEmptyLabel", "a.%2eb"}, bad_target{"EscapedDotFirst", "%2ea"},
        bad_target{"HalfEscape", "a%2"}, bad_target{"NoEscape", "a%"}, bad_target{"NotHex", "a%g1"},
        bad_target{"TwoEmptyPorts", "a::"}, bad_target{"EmptyPortAlone", ":"},
        bad_target{"PortTooHigh", "a:65536"}, bad_target{"PortOfSixDigits", "a:000080"},
        bad_target{"PortWraps", "a:65616"}, bad_target{"PortWrapsFar", "a:4294967376"},
        bad_target{"PortSigned", "a:+80"}, bad_target{"PortNegative", "a:-1"},
        bad_target{"PortHex", "a:0x50"}, bad_target{"PortName", "a:http"},
        bad_target{"PortSpace", "a: 80"}, bad_target{"TwoPorts", "a:80:80"},
        bad_target{"PortWithDot", "a:80."}, bad_target{"DotAlone", "."},
        bad_target{"DotFirst", ".a"}, bad_target{"EmptyLabel", "a..b"},
        bad_target{"TwoTrailingDots", "a.."}, bad_target{"Ipv6WithoutBrackets", "::1"},
        bad_target{"Ipv6Open", "[::1"}, bad_target{"Ipv6Closed", "::1]"},
        bad_target{"Ipv6Empty", "[]"}, bad_target{"Ipv6Zone", "[fe80::1%25eth0]"},
        bad_target{"IpFuture", "[v1.a]"}, bad_target{"Ipv6TwoGaps", "[1::2::3]"},
        bad_target{"Ipv6ThreeColons", "[:::1]"}, bad_target{"Ipv6OneColon", "[:1:2:3:4:5:6:7]"},
        bad_target{"Ipv6ColonLast", "[1:2:]"}, bad_target{"Ipv6TooShort", "[1:2:3:4:5:6:7]"},
        bad_target{"Ipv6TooLong", "[1:2:3:4:5:6:7:8:9]"},
        bad_target{"Ipv6EightAndGap", "[1:2:3:4:5:6:7:8::]"},
        bad_target{"Ipv6FiveDigits", "[12345::]"}, bad_target{"Ipv6NotHex", "[g::]"},
        bad_target{"Ipv6NestedBracket", "[[::1]]"}, bad_target{"Ipv4InBrackets", "[1.2.3.4]"},
        bad_target{"Ipv6BadIpv4", "[::1.2.3.256]"}, bad_target{"Ipv6ShortIpv4", "[::1.2.3]"},
        bad_target{"Ipv6LongIpv4", "[::1.2.3.4.5]"}, bad_target{"Ipv6EmptyIpv4", "[::1..3.4]"},
        bad_target{"Ipv6Ipv4First", "[1.2.3.4::]"},
        bad_target{"Ipv6SevenAndIpv4", "[1:2:3:4:5:6:7:1.2.3.4]"},
        bad_target{"Ipv6Trailer", "[::1]a"}, bad_target{"Ipv6TrailingDot", "[::1]."}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Authority, HostMayHave255Bytes) {
    std::string out;
    EXPECT_TRUE(normalize_authority(std::string(254, 'a'), out));
    EXPECT_TRUE(normalize_authority(std::string(255, 'a') + ":65535", out));
    EXPECT_FALSE(normalize_authority(std::string(256, 'a'), out));
}

TEST(Authority, HostOfNothingIsNothing) {
    EXPECT_EQ(host_of(""), "");
    EXPECT_EQ(host_of("."), "");
    EXPECT_EQ(host_of(":80"), "");
    EXPECT_EQ(host_of("["), "[");
}

}  // namespace
}  // namespace penstock::http
