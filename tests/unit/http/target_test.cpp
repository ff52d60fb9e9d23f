#include "penstock/http/target.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

struct good_target {
    const char* name;
    std::string_view target;
    std::string_view path;
    std::string_view query;
};
std::ostream& operator<<(std::ostream& out, const good_target& of) { return out << of.name; }

class TargetNormal : public testing::TestWithParam<good_target> {};

TEST_P(TargetNormal, BecomesPathAndQuery) {
    std::string path = "before";
    std::string query = "before";
    ASSERT_TRUE(normalize_target(GetParam().target, path, query));
    EXPECT_EQ(path, GetParam().path);
    EXPECT_EQ(query, GetParam().query);
}

TEST_P(TargetNormal, StaysAsItIsTheSecondTime) {
    std::string path;
    std::string query;
    const std::string once = std::string(GetParam().path) + std::string(GetParam().query);
    ASSERT_TRUE(normalize_target(once, path, query));
    EXPECT_EQ(path, GetParam().path);
    EXPECT_EQ(query, GetParam().query);
}

INSTANTIATE_TEST_SUITE_P(
    Target, TargetNormal,
    testing::Values(
        good_target{"Root", "/", "/", ""}, good_target{"Plain", "/a/b.txt", "/a/b.txt", ""},
        good_target{"Query", "/a?b=c&d", "/a", "?b=c&d"},
        good_target{"EmptyQuery", "/a?", "/a", "?"},
        good_target{"QuestionMarkInQuery", "/a?b?c", "/a", "?b?c"},
        good_target{"DotsInQuery", "/a?/../b//c", "/a", "?/../b//c"},
        good_target{"EscapesInQuery", "/a?b=%2f%00%5c", "/a", "?b=%2f%00%5c"},
        good_target{"BadEscapeInQuery", "/a?b=100%", "/a", "?b=100%"},
        good_target{"BackslashInQuery", "/a?b=\\", "/a", "?b=\\"},
        good_target{"TrailingSlash", "/a/", "/a/", ""}, good_target{"Dot", "/a/./b", "/a/b", ""},
        good_target{"DotAtEnd", "/a/.", "/a/", ""}, good_target{"DotAlone", "/.", "/", ""},
        good_target{"DotSlash", "/./", "/", ""}, good_target{"Up", "/a/../b", "/b", ""},
        good_target{"UpAtEnd", "/a/b/..", "/a/", ""}, good_target{"UpToRoot", "/a/..", "/", ""},
        good_target{"UpTwice", "/a/b/../../c", "/c", ""},
        good_target{"UpThenDown", "/a/../b/../c/", "/c/", ""},
        good_target{"EncodedDot", "/a/%2e/b", "/a/b", ""},
        good_target{"EncodedUp", "/a/%2e%2e/b", "/b", ""},
        good_target{"EncodedUpUpperCase", "/a/%2E%2E/b", "/b", ""},
        good_target{"HalfEncodedUp", "/a/.%2e/b", "/b", ""},
        good_target{"HalfEncodedUpOtherHalf", "/a/%2e./b", "/b", ""},
        good_target{"ThreeDots", "/a/.../b", "/a/.../b", ""},
        good_target{"DotFirst", "/.well-known/x", "/.well-known/x", ""},
        good_target{"DotsFirst", "/..x", "/..x", ""}, good_target{"DotsLast", "/x..", "/x..", ""},
        good_target{"DoubleSlash", "//a//b", "/a/b", ""},
        good_target{"ManySlashes", "////", "/", ""}, good_target{"SlashesAtEnd", "/a//", "/a/", ""},
        good_target{"MergedBeforeResolved", "/a//../b", "/b", ""},
        good_target{"LooksLikeHost", "//evil.example/x", "/evil.example/x", ""},
        good_target{"UnreservedDecoded", "/%61%5A%30%2d%5f%7e", "/aZ0-_~", ""},
        good_target{"EscapesInUpperCase", "/caf%c3%a9", "/caf%C3%A9", ""},
        good_target{"ReservedStayEncoded", "/a%3fb%23c%25d%3b", "/a%3Fb%23c%25d%3B", ""},
        good_target{"DecodedOnce", "/%252e%252e/a", "/%252e%252e/a", ""},
        good_target{"EncodedControlsStay", "/a%0d%0ab%7f", "/a%0D%0Ab%7F", ""},
        good_target{"EncodedSpaceStays", "/a%20b", "/a%20b", ""},
        good_target{"PathParameters", "/a;b=c/d", "/a;b=c/d", ""},
        good_target{"FirstAndLastByte", "/!~", "/!~", ""},
        good_target{"OddButVisible", "/a|b^c`{}<>\"[]", "/a|b^c`{}<>\"[]", ""}),
    [](const auto& each) { return std::string(each.param.name); });

struct bad_target {
    const char* name;
    std::string_view target;
};
std::ostream& operator<<(std::ostream& out, const bad_target& of) { return out << of.name; }

class TargetRefused : public testing::TestWithParam<bad_target> {};

TEST_P(TargetRefused, GivesBadPathAndNothingElse) {
    std::string path = "before";
    std::string query = "before";
    const result<void> made = normalize_target(GetParam().target, path, query);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), errc::bad_path);
    EXPECT_EQ(path, "");
    EXPECT_EQ(query, "");
}

INSTANTIATE_TEST_SUITE_P(
    Target, TargetRefused,
    testing::Values(
        bad_target{"Empty", ""}, bad_target{"NoSlash", "a"}, bad_target{"Star", "*"},
        bad_target{"QueryAlone", "?a"}, bad_target{"AboveRoot", "/.."},
        bad_target{"AboveRootSlash", "/../"}, bad_target{"AboveRootLater", "/a/../../b"},
        bad_target{"AboveRootAfterSlashes", "//a/..//.."},
        bad_target{"AboveRootEncoded", "/%2e%2e/etc/passwd"}, bad_target{"EncodedNul", "/a%00b"},
        bad_target{"EncodedSlash", "/a%2fb"}, bad_target{"EncodedSlashUpperCase", "/a%2Fb"},
        bad_target{"EncodedBackslash", "/a%5cb"}, bad_target{"EncodedBackslashUpperCase", "/a%5Cb"},
        bad_target{"Backslash", "/a\\b"}, bad_target{"BackslashUp", "/a/..\\b"},
        bad_target{"Fragment", "/a#b"}, bad_target{"FragmentInQuery", "/a?b#c"},
        bad_target{"EscapeCutShort", "/a%"}, bad_target{"EscapeCutShortByOne", "/a%2"},
        bad_target{"EscapeNotHex", "/a%g0"}, bad_target{"EscapeNotHexLater", "/a%0g"},
        bad_target{"EscapeOfEscape", "/a%%41"}, bad_target{"EscapeOverSlash", "/a%2/b"},
        bad_target{"EscapeOverQuery", "/a%2?b"}, bad_target{"Space", "/a b"},
        bad_target{"Tab", "/a\tb"}, bad_target{"Nul", std::string_view("/a\0b", 4)},
        bad_target{"Delete", "/a\x7f"}, bad_target{"HighByte", "/a\x80"},
        bad_target{"LastByte", "/a\xff"}, bad_target{"CarriageReturn", "/a\r"},
        bad_target{"LineFeed", "/a\n"}, bad_target{"SpaceInQuery", "/a?b c"},
        bad_target{"HighByteInQuery", "/a?\xc3\xa9"},
        bad_target{"NulInQuery", std::string_view("/a?\0", 4)},
        bad_target{"DeleteInQuery", "/a?\x7f"}),
    [](const auto& each) { return std::string(each.param.name); });

// Whatever stands around it, each byte has one verdict.
TEST(Target, EveryByteOfPathAndQueryHasOneVerdict) {
    std::string path;
    std::string query;
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool visible = byte >= 0x21 && byte <= 0x7e && c != '#';
        const bool in_path = visible && c != '\\' && c != '%';
        EXPECT_EQ(normalize_target(std::string("/a") + c + "b", path, query).has_value(), in_path)
            << byte;
        EXPECT_EQ(normalize_target(std::string("//") + c + "b", path, query).has_value(), in_path)
            << byte;
        EXPECT_EQ(normalize_target(std::string("/a?") + c, path, query).has_value(), visible)
            << byte;
    }
}

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
