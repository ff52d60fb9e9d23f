#include "penstock/http/h1_head.hpp"

#include "unit/http/head_feed.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

using test::expect_fault;
using test::expect_whole;
using test::outcome;
using test::read_request;

using namespace std::string_literals;

const std::string host_line = "Host: a.example\r\n";
const std::string get_line = "GET /p HTTP/1.1\r\n";

// ---- What is understood

struct good_head {
    const char* name;
    std::string bytes;
    std::string_view understood;  // as test::text_of says it
};
std::ostream& operator<<(std::ostream& out, const good_head& of) { return out << of.name; }

class RequestHeadParsed : public testing::TestWithParam<good_head> {};

TEST_P(RequestHeadParsed, HoweverItIsCut) {
    const std::string& bytes = GetParam().bytes;
    expect_whole(read_request(bytes), bytes, GetParam().understood);
}

TEST_P(RequestHeadParsed, NoPartOfItIsAHead) {
    const std::string& bytes = GetParam().bytes;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        h1_request_parser parser{head_limits()};
        request_head into;
        const auto fed = parser.feed(bytes.substr(0, size), into);
        ASSERT_TRUE(fed) << size << fed.error().message();
        ASSERT_FALSE(*fed) << size;
    }
}

TEST_P(RequestHeadParsed, WhatFollowsIsLeftAlone) {
    const std::string& bytes = GetParam().bytes;
    for (const std::string& next : {"x"s, "\r\n"s, "\n\0\xff"s, bytes}) {
        const outcome got = read_request(bytes + next);
        EXPECT_EQ(got.length, bytes.size());
        EXPECT_EQ(got.understood, GetParam().understood);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Fields, RequestHeadParsed,
    testing::Values(
        good_head{"Plain", get_line + host_line + "\r\n", "GET 1.1 - a.example /p -"},
        good_head{"Order", get_line + "B: 1\r\n" + host_line + "a: 2\r\nB: 3\r\n\r\n",
                  "GET 1.1 - a.example /p -|B=1|a=2|B=3"},
        good_head{"EmptyValue", get_line + host_line + "A:\r\nB: \t \r\n\r\n",
                  "GET 1.1 - a.example /p -|A=|B="},
        good_head{"SpaceAroundValues", get_line + host_line + "A:1\r\nB: \t2 \t\r\nC: 3 4\r\n\r\n",
                  "GET 1.1 - a.example /p -|A=1|B=2|C=3 4"},
        good_head{"ColonsInValue", get_line + host_line + "A::1:\r\n\r\n",
                  "GET 1.1 - a.example /p -|A=:1:"},
        good_head{"ObsText", get_line + host_line + "A: \x80\xff\xc3\xa4\r\n\r\n",
                  "GET 1.1 - a.example /p -|A=\x80\xff\xc3\xa4"},
        good_head{"TabInValue", get_line + host_line + "A: 1\t2\r\n\r\n",
                  "GET 1.1 - a.example /p -|A=1\t2"},
        good_head{"Underscore", get_line + host_line + "X_Real_IP: 1\r\n\r\n",
                  "GET 1.1 - a.example /p -|X_Real_IP=1"},
        good_head{"OddNames", get_line + host_line + "!#$%&'*+-.^_`|~0: 1\r\n\r\n",
                  "GET 1.1 - a.example /p -|!#$%&'*+-.^_`|~0=1"},
        good_head{"Framing",
                  "POST /p HTTP/1.1\r\n" + host_line +
                      "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                  "POST 1.1 - a.example /p -|Content-Length=1|Transfer-Encoding=chunked"},
        good_head{"HostInAnyCaseAndPlace", get_line + "A: 1\r\nhOST:\tA.Example:81 \r\n\r\n",
                  "GET 1.1 - a.example:81 /p -|A=1"},
        good_head{"Ipv6Host", get_line + "Host: [2001:DB8::1]:8080\r\n\r\n",
                  "GET 1.1 - [2001:db8::1]:8080 /p -"},
        good_head{"EmptyPortInHost", get_line + "Host: a.example:\r\n\r\n",
                  "GET 1.1 - a.example /p -"},
        good_head{"EscapeInHost", get_line + "Host: %61.example\r\n\r\n",
                  "GET 1.1 - a.example /p -"},
        good_head{"DotAtTheEndOfHost", get_line + "Host: A.\r\n\r\n", "GET 1.1 - a. /p -"},
        good_head{"EmptyLineFirst", "\r\n" + get_line + host_line + "\r\n",
                  "GET 1.1 - a.example /p -"}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RequestHeadParsed,
    testing::Values(
        good_head{"Http10", "GET / HTTP/1.0\r\n\r\n", "GET 1.0 - - / -"},
        good_head{"Http10WithHost", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET 1.0 - a / -"},
        // RFC 9110 §2.5.
        good_head{"Minor2", "GET / HTTP/1.2\r\n" + host_line + "\r\n", "GET 1.1 - a.example / -"},
        good_head{"Minor9", "GET / HTTP/1.9\r\n" + host_line + "\r\n", "GET 1.1 - a.example / -"},
        good_head{"OtherMethod", "Brew-It! / HTTP/1.1\r\n" + host_line + "\r\n",
                  "Brew-It! 1.1 - a.example / -"},
        good_head{"LowerCaseMethod", "get / HTTP/1.1\r\n" + host_line + "\r\n",
                  "get 1.1 - a.example / -"},
        good_head{"LongestMethod", std::string(32, 'M') + " / HTTP/1.1\r\n" + host_line + "\r\n",
                  "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM 1.1 - a.example / -"},
        good_head{"Query", "GET /a?b=//../c?d HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 - a.example /a ?b=//../c?d"},
        good_head{"NormalPath", "GET //a/./b/%2e%2E/%63 HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 - a.example /a/c -"},
        good_head{"Absolute", "GET http://B.example:81/a?b HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 http b.example:81 /a ?b"},
        good_head{"AbsoluteTls", "GET HTTPS://b.example/ HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 https b.example / -"},
        good_head{"AbsoluteWithEmptyPort",
                  "GET http://b.example:/c HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 http b.example /c -"},
        good_head{"AbsoluteWithoutPath", "GET http://b.example HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 http b.example / -"},
        good_head{"AbsoluteWithQueryOnly",
                  "GET http://b.example?c HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 http b.example / ?c"},
        good_head{"AbsoluteOfIpv6", "GET http://[::1]:8080/a HTTP/1.1\r\n" + host_line + "\r\n",
                  "GET 1.1 http [::1]:8080 /a -"},
        good_head{
            "AbsoluteLongerThanHost",
            "GET http://a.much.longer.name.than.any.example/ HTTP/1.1\r\n" + host_line + "\r\n",
            "GET 1.1 http a.much.longer.name.than.any.example / -"},
        good_head{"AbsoluteOfHttp10WithoutHost", "GET http://b.example/ HTTP/1.0\r\n\r\n",
                  "GET 1.0 http b.example / -"},
        good_head{"Asterisk", "OPTIONS * HTTP/1.1\r\n" + host_line + "\r\n",
                  "OPTIONS 1.1 - a.example * -"},
        good_head{"AsteriskOfAbsolute",
                  "OPTIONS http://b.example HTTP/1.1\r\n" + host_line + "\r\n",
                  "OPTIONS 1.1 http b.example * -"},
        good_head{"OptionsOfRoot", "OPTIONS http://b.example/ HTTP/1.1\r\n" + host_line + "\r\n",
                  "OPTIONS 1.1 http b.example / -"},
        good_head{"Connect", "CONNECT B.example:443 HTTP/1.1\r\n" + host_line + "\r\n",
                  "CONNECT 1.1 - b.example:443 - -"},
        good_head{"ConnectToIpv6", "CONNECT [::1]:443 HTTP/1.1\r\n" + host_line + "\r\n",
                  "CONNECT 1.1 - [::1]:443 - -"}),
    [](const auto& each) { return std::string(each.param.name); });

// ---- What is refused, each as soon as the faulty line is there

struct bad_head {
    const char* name;
    std::string bytes;
    errc why;
};
std::ostream& operator<<(std::ostream& out, const bad_head& of) { return out << of.name; }

class RequestHeadRefused : public testing::TestWithParam<bad_head> {};

TEST_P(RequestHeadRefused, WithItsFaultyLine) {
    expect_fault(read_request(GetParam().bytes), GetParam().why);
}

TEST_P(RequestHeadRefused, WhateverFollows) {
    expect_fault(read_request(GetParam().bytes + "\r\n"), GetParam().why);
    expect_fault(read_request(GetParam().bytes + host_line + "\r\n" + get_line), GetParam().why);
}

TEST_P(RequestHeadRefused, BehindAnEmptyLine) {
    if (!GetParam().bytes.starts_with("\r"))
        expect_fault(read_request("\r\n" + GetParam().bytes), GetParam().why);
}

bad_head bad_line(const char* name, const std::string& line, errc why) {
    return {name, line + "\r\n", why};
}

INSTANTIATE_TEST_SUITE_P(
    LineEnd, RequestHeadRefused,
    testing::Values(bad_head{"LfAfterRequestLine", "GET / HTTP/1.1\n", errc::bad_line_end},
                    bad_head{"LfAfterField", get_line + "A: b\n", errc::bad_line_end},
                    bad_head{"LfAtTheEnd", get_line + host_line + "\n", errc::bad_line_end},
                    bad_head{"CrInTarget", "GET /a\rb HTTP/1.1\r\n", errc::bad_line_end},
                    bad_head{"CrInMethod", "GE\rT / HTTP/1.1\r\n", errc::bad_line_end},
                    bad_head{"CrInVersion", "GET / HTTP/1\r.1\r\n", errc::bad_line_end},
                    bad_head{"CrForSpace", "GET\r/\rHTTP/1.1\r\n", errc::bad_line_end},
                    bad_head{"CrTwice", "GET / HTTP/1.1\r\r\n", errc::bad_line_end},
                    bad_head{"CrInName", get_line + "A\rB: c\r\n", errc::bad_line_end},
                    bad_head{"CrInValue", get_line + "A: b\rc\r\n", errc::bad_line_end},
                    bad_head{"CrInFrontOfValue", get_line + "A: \rb\r\n", errc::bad_line_end},
                    bad_head{"CrTwiceAfterField", get_line + "A: b\r\r\n", errc::bad_line_end},
                    bad_head{"CrTwiceAtTheEnd", get_line + host_line + "\r\r\n",
                             errc::bad_line_end},
                    bad_head{"CrInFrontOfName", get_line + "\rA: b\r\n", errc::bad_line_end},
                    bad_head{"NulInMethod", "GE\0T / HTTP/1.1\r\n"s, errc::bad_line_end},
                    bad_head{"NulInTarget", "GET /\0 HTTP/1.1\r\n"s, errc::bad_line_end},
                    bad_head{"NulInVersion", "GET / HTTP/1.1\0\r\n"s, errc::bad_line_end},
                    bad_head{"NulInName", get_line + "A\0: b\r\n"s, errc::bad_line_end},
                    bad_head{"NulInValue", get_line + "A: b\0c\r\n"s, errc::bad_line_end},
                    bad_head{"TwoEmptyLines", "\r\n\r\n", errc::bad_line_end},
                    bad_head{"EmptyLineByLf", "\n", errc::bad_line_end},
                    bad_head{"EmptyLineThenLf", "\r\n\n", errc::bad_line_end},
                    bad_head{"CrAlone", "\rGET", errc::bad_line_end},
                    bad_head{"TwoCrs", "\r\r\n", errc::bad_line_end},
                    bad_head{"NulFirst", "\0"s, errc::bad_line_end}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RequestHeadRefused,
    testing::Values(bad_head{"SpaceFirst", " ", errc::bad_request_line},
                    bad_head{"TabFirst", "\t", errc::bad_request_line},
                    bad_head{"TlsHello", "\x16", errc::bad_request_line},
                    bad_head{"ObsTextFirst", "\xc3", errc::bad_request_line},
                    bad_head{"ColonFirst", ":", errc::bad_request_line},
                    bad_line("MethodOnly", "GET", errc::bad_request_line),
                    bad_line("NoTarget", "GET HTTP/1.1", errc::bad_request_line),
                    bad_line("EmptyTarget", "GET  HTTP/1.1", errc::bad_request_line),
                    bad_line("Http09", "GET /p", errc::bad_request_line),
                    bad_line("EmptyVersion", "GET /p ", errc::bad_version),
                    bad_line("TwoSpacesFirst", "GET  /p HTTP/1.1", errc::bad_request_line),
                    bad_line("TwoSpacesLast", "GET /p  HTTP/1.1", errc::bad_request_line),
                    bad_line("SpaceAtTheEnd", "GET /p HTTP/1.1 ", errc::bad_request_line),
                    bad_line("SpaceInTarget", "GET /p q HTTP/1.1", errc::bad_request_line),
                    bad_line("SpaceInVersion", "GET /p HTTP /1.1", errc::bad_request_line),
                    bad_line("TabForTheLastSpace", "GET /p\tHTTP/1.1", errc::bad_request_line),
                    bad_line("TabForTheFirstSpace", "GET\t/p HTTP/1.1", errc::bad_method),
                    bad_line("VerticalTab", "GET\v/p HTTP/1.1", errc::bad_method),
                    bad_line("MethodNotAToken", "GET@ /p HTTP/1.1", errc::bad_method),
                    bad_line("MethodWithColon", "GET: /p HTTP/1.1", errc::bad_method),
                    bad_line("FieldFirst", "Host: a", errc::bad_method),
                    bad_line("MethodOfThirtyThreeBytes", std::string(33, 'M') + " / HTTP/1.1",
                             errc::bad_method),
                    bad_line("ResponseFirst", "HTTP/1.1 200 OK", errc::bad_method)),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_version(const char* name, const std::string& version, errc why = errc::bad_version) {
    return bad_line(name, "GET / " + version, why);
}

INSTANTIATE_TEST_SUITE_P(
    Version, RequestHeadRefused,
    testing::Values(bad_version("Http09", "HTTP/0.9"), bad_version("TwoMinorDigits", "HTTP/1.10"),
                    bad_version("TwoMinorDigits2", "HTTP/1.20"),
                    bad_version("TwoMajorDigits", "HTTP/01.1"), bad_version("NoMinor", "HTTP/1."),
                    bad_version("NoPoint", "HTTP/11"), bad_version("NoMajor", "HTTP/.1"),
                    bad_version("NumberOnly", "1.1"), bad_version("MajorOnly", "HTTP/1"),
                    bad_version("SecondMajorOnly", "HTTP/2"), bad_version("LowerCase", "http/1.1"),
                    bad_version("MixedCase", "Http/1.1"), bad_version("Comma", "HTTP/1,1"),
                    bad_version("TextBehind", "HTTP/1.1x"), bad_version("OtherName", "HTTPS/1.1"),
                    bad_version("SameLengthName", "HTTX/1.1"), bad_version("Sign", "HTTP/-1.1"),
                    bad_version("Backslash", "HTTP\\1.1"), bad_version("Letter", "HTTP/1.a"),
                    bad_version("Wraps32Bits", "HTTP/4294967297.1"),
                    bad_version("Wraps8Bits", "HTTP/257.1"),
                    bad_version("Http20", "HTTP/2.0", errc::version_unsupported),
                    bad_version("Http25", "HTTP/2.5", errc::version_unsupported),
                    bad_version("Http30", "HTTP/3.0", errc::version_unsupported),
                    bad_version("Http99", "HTTP/9.9", errc::version_unsupported),
                    bad_line("Http2Preface", "PRI * HTTP/2.0", errc::version_unsupported)),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_target(const char* name, const std::string& target, errc why = errc::bad_target) {
    return bad_line(name, "GET " + target + " HTTP/1.1", why);
}

INSTANTIATE_TEST_SUITE_P(
    Target, RequestHeadRefused,
    testing::Values(
        bad_target("Asterisk", "*"), bad_target("Relative", "a/b"), bad_target("Query", "?a"),
        bad_target("HostOnly", "a.example"), bad_target("HostAndPort", "a.example:80"),
        bad_target("Delete", "/\x7f"), bad_target("ObsText", "/\xc3\xa4"),
        bad_target("Control", "/\x01"), bad_target("Tab", "/\t"), bad_target("FormFeed", "/\f"),
        bad_target("OtherScheme", "ftp://a.example/"), bad_target("LongerScheme", "httpx://a/"),
        bad_target("NoScheme", "://a/"), bad_target("SchemeOnly", "http://"),
        bad_target("OneSlash", "http:/a/"), bad_target("NoSlash", "http:a"),
        bad_target("NoColon", "http//a/"), bad_target("Backslashes", "http:\\\\a/"),
        bad_target("EmptyAuthority", "http:///a"), bad_target("QueryForAuthority", "http://?a"),
        bad_target("UserInfo", "http://u@a/"), bad_target("Password", "http://u:p@a/"),
        bad_target("List", "http://a,b/"), bad_target("EscapedSlash", "http://a%2fb/"),
        bad_target("BackslashInHost", "http://a\\b/"), bad_target("PortTooHigh", "http://a:65536/"),
        bad_target("PortWraps", "http://a:65616/"), bad_target("PortNotANumber", "http://a:8o/"),
        bad_target("OpenBracket", "http://[::1/"), bad_target("Fragment", "/a#b", errc::bad_path),
        bad_target("FragmentInQuery", "/a?b#c", errc::bad_path),
        bad_target("FragmentBehindHost", "http://a#b", errc::bad_path),
        bad_target("AboveRoot", "/../a", errc::bad_path),
        bad_target("AboveRootEncoded", "/a/%2e%2E/%2e%2e/b", errc::bad_path),
        bad_target("AboveRootAbsolute", "http://a/../b", errc::bad_path),
        bad_target("EncodedNul", "/%00", errc::bad_path),
        bad_target("EncodedSlashUp", "/a%2F..", errc::ambiguous_segment),
        bad_target("EncodedBackslashUp", "/..%5cb", errc::ambiguous_segment),
        bad_target("UpBehindEmptySegment", "/a//../b", errc::ambiguous_dots),
        bad_target("Backslash", "/a\\b", errc::bad_path),
        bad_target("BadEscape", "/%zz", errc::bad_path),
        bad_target("ShortEscape", "/%4", errc::bad_path)),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_connect(const char* name, const std::string& target) {
    return bad_line(name, "CONNECT " + target + " HTTP/1.1", errc::bad_target);
}

INSTANTIATE_TEST_SUITE_P(
    Connect, RequestHeadRefused,
    testing::Values(bad_connect("NoPort", "a.example"), bad_connect("DotForPort", "a.example."),
                    bad_connect("EmptyPort", "a.example:"),
                    bad_connect("PortTooHigh", "a.example:65536"), bad_connect("NoHost", ":443"),
                    bad_connect("Ipv6WithoutPort", "[::1]"),
                    bad_connect("UserInfo", "u@a.example:443"), bad_connect("Origin", "/a"),
                    bad_connect("Absolute", "http://a.example:80/"), bad_connect("Asterisk", "*"),
                    bad_line("AsteriskWithQuery", "OPTIONS *?a HTTP/1.1", errc::bad_target),
                    bad_line("TwoAsterisks", "OPTIONS ** HTTP/1.1", errc::bad_target)),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_field(const char* name, const std::string& line) {
    return bad_line(name, get_line + host_line + line, errc::bad_field);
}

INSTANTIATE_TEST_SUITE_P(
    Field, RequestHeadRefused,
    testing::Values(
        bad_field("FoldedBySpace", "A: b\r\n c"), bad_field("FoldedByTab", "A: b\r\n\tc"),
        bad_field("FoldedEmpty", "A: b\r\n "), bad_field("FoldThatLooksLikeAField", " A: b"),
        bad_field("SpaceBeforeColon", "A : b"),
        bad_field("TabBeforeColon", "Transfer-Encoding\t: chunked"), bad_field("NoName", ": b"),
        bad_field("ColonOnly", ":"), bad_field("NoColon", "A"), bad_field("NoColonButSpace", "A b"),
        bad_field("SpaceInName", "A B: c"), bad_field("ObsTextInName", "\xc3\xa4: b"),
        bad_field("BracketsInName", "[A]: b"), bad_field("QuotedName", "\"A\": b"),
        bad_field("SlashInName", "A/B: c"), bad_field("ControlInName", "A\x01: c"),
        bad_field("DeleteInName", "A\x7f: c"), bad_field("VerticalTabInFront", "\vA: b"),
        bad_field("EscapeInValue", "A: \x1b[2J"), bad_field("DeleteInValue", "A: \x7f"),
        bad_field("FormFeedAtTheEnd", "A: b\f"),
        bad_head{"SpaceBehindRequestLine", get_line + " A: b\r\n", errc::bad_field}),
    [](const auto& each) { return std::string(each.param.name); });

bad_head bad_host(const char* name, const std::string& lines) {
    return bad_line(name, get_line + lines, errc::bad_host);
}

INSTANTIATE_TEST_SUITE_P(
    Host, RequestHeadRefused,
    testing::Values(
        bad_host("None", ""), bad_host("NoneButOthers", "A: b\r\nX-Host: c\r\nHost_: d\r\n"),
        bad_host("Two", "Host: a\r\nHost: b\r\n"), bad_host("TwoAlike", "Host: a\r\nhost: a\r\n"),
        bad_host("Empty", "Host:\r\n"), bad_host("EmptyAndGood", "Host:\r\nHost: a\r\n"),
        bad_host("List", "Host: a, b\r\n"), bad_host("ListWithoutSpace", "Host: a,b\r\n"),
        bad_host("TwoWords", "Host: a b\r\n"), bad_host("UserInfo", "Host: u@a\r\n"),
        bad_host("Slash", "Host: a/b\r\n"), bad_host("Url", "Host: http://a\r\n"),
        bad_host("Query", "Host: a?b\r\n"), bad_host("Fragment", "Host: a#b\r\n"),
        bad_host("Backslash", "Host: a\\b\r\n"), bad_host("Quoted", "Host: \"a\"\r\n"),
        bad_host("EscapedComma", "Host: a%2Cb\r\n"), bad_host("ObsText", "Host: \xc3\xa4\r\n"),
        bad_host("ColonOnly", "Host: :\r\n"), bad_host("PortTooHigh", "Host: a:65536\r\n"),
        bad_host("PortWraps16Bits", "Host: a:65616\r\n"),
        bad_host("PortWraps32Bits", "Host: a:4294967376\r\n"),
        bad_host("PortNotANumber", "Host: a:http\r\n"), bad_host("Sign", "Host: a:+80\r\n"),
        bad_host("TwoPorts", "Host: a:80:80\r\n"), bad_host("OpenBracket", "Host: [::1\r\n"),
        bad_host("TwoDots", "Host: a..b\r\n"),
        bad_head{"TwoOnHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", errc::bad_host},
        bad_head{"EmptyOnHttp10", "GET / HTTP/1.0\r\nHost: \r\n\r\n", errc::bad_host},
        bad_head{"NoneBesideAbsolute", "GET http://a/ HTTP/1.1\r\n\r\n", errc::bad_host},
        bad_head{"TwoBesideAbsolute", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                 errc::bad_host},
        bad_head{"BadBesideAbsolute", "GET http://a/ HTTP/1.1\r\nHost: a@b\r\n\r\n",
                 errc::bad_host}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace penstock::http
