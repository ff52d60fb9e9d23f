#include "penstock/http/path.hpp"

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

// A head that another request has used.
request_head used_head() {
    request_head head;
    head.path = head.sent_path = head.query = "before";
    head.escaped_slash = true;
    return head;
}

TEST_P(TargetNormal, BecomesPathAndQuery) {
    request_head head = used_head();
    ASSERT_TRUE(normalize_target(GetParam().target, head));
    EXPECT_EQ(head.path, GetParam().path);
    EXPECT_EQ(head.query, GetParam().query);
    EXPECT_FALSE(head.escaped_slash);
}

TEST_P(TargetNormal, StaysAsItIsTheSecondTime) {
    request_head head;
    const std::string once = std::string(GetParam().path) + std::string(GetParam().query);
    ASSERT_TRUE(normalize_target(once, head));
    EXPECT_EQ(head.path, GetParam().path);
    EXPECT_EQ(head.sent_path, "");
    EXPECT_EQ(head.query, GetParam().query);
}

// What leaves is its own form as well, and is matched as what came.
TEST_P(TargetNormal, IsForwardedInAFormThatStays) {
    request_head head;
    ASSERT_TRUE(normalize_target(GetParam().target, head));
    request_head again;
    ASSERT_TRUE(normalize_target(head.forwarded_path(), again));
    EXPECT_EQ(again.path, head.path);
    EXPECT_EQ(again.forwarded_path(), head.forwarded_path());
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

struct sent_target {
    const char* name;
    std::string_view target;
    std::string_view path;
    std::string_view sent;
};
std::ostream& operator<<(std::ostream& out, const sent_target& of) { return out << of.name; }

class TargetSent : public testing::TestWithParam<sent_target> {};

TEST_P(TargetSent, LeavesAsItCameButForDots) {
    request_head head = used_head();
    ASSERT_TRUE(normalize_target(GetParam().target, head));
    EXPECT_EQ(head.path, GetParam().path);
    EXPECT_EQ(head.forwarded_path(), GetParam().sent);
    EXPECT_EQ(head.sent_path.empty(), head.path == GetParam().sent);
}

INSTANTIATE_TEST_SUITE_P(
    Target, TargetSent,
    testing::Values(sent_target{"Plain", "/a/b", "/a/b", "/a/b"},
                    sent_target{"EmptySegment", "/bucket/a//b", "/bucket/a/b", "/bucket/a//b"},
                    sent_target{"UrlInside", "/img/https://host/x.png", "/img/https:/host/x.png",
                                "/img/https://host/x.png"},
                    sent_target{"EscapesAsTheyCame", "/%7Eu/%e4", "/~u/%E4", "/%7Eu/%e4"},
                    sent_target{"SlashesAtEnd", "/a//", "/a/", "/a//"},
                    sent_target{"LeadingSlashesAreOne", "///a//b", "/a/b", "/a//b"},
                    sent_target{"OnlySlashes", "////", "/", "/"},
                    sent_target{"LeadingSlashesAfterDots", "/a/..//b", "/b", "/b"},
                    sent_target{"LeadingSlashesAfterDot", "/.//b", "/b", "/b"},
                    sent_target{"DotsResolved", "/%61/./b/../c", "/a/c", "/%61/c"},
                    sent_target{"EncodedDotsResolved", "/%61/%2e/b/%2E./c", "/a/c", "/%61/c"},
                    sent_target{"UpThenEmptySegment", "/a/b/..//c", "/a/c", "/a//c"},
                    sent_target{"DotBehindEmptySegment", "/a//./b", "/a/b", "/a//b"},
                    sent_target{"DotAtEndBehindEmptySegment", "/a//.", "/a/", "/a//"},
                    sent_target{"EncodedSlash", "/@scope%2fpkg", "/@scope%2Fpkg", "/@scope%2fpkg"},
                    sent_target{"EncodedSlashAlone", "/api/queues/%2F/jobs", "/api/queues/%2F/jobs",
                                "/api/queues/%2F/jobs"},
                    sent_target{"EncodedBackslash", "/files/D%5Cu", "/files/D%5Cu", "/files/D%5Cu"},
                    sent_target{"EncodedSlashOfDotsAndMore", "/a%2f..b%2f...%2fc",
                                "/a%2F..b%2F...%2Fc", "/a%2f..b%2f...%2fc"},
                    sent_target{"EncodedSlashAtBothEnds", "/%2fa%5c", "/%2Fa%5C", "/%2fa%5c"},
                    sent_target{"UpOverEncodedSlash", "/a/b%2fc/../d", "/a/d", "/a/d"},
                    sent_target{"EncodedPercent", "/a%252f..%252f", "/a%252f..%252f",
                                "/a%252f..%252f"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Target, SaysWhetherASeparatorIsEscaped) {
    const auto says = [](std::string_view target) {
        request_head head;
        EXPECT_TRUE(normalize_target(target, head)) << target;
        return head.escaped_slash;
    };
    for (const char* const target : {"/a%2fb", "/a%2Fb", "/a%5c", "/%5C/b", "/%61/%2f?q"})
        EXPECT_TRUE(says(target)) << target;
    for (const char* const target : {"/a", "/%61", "/a%252f", "/a?%2f", "/a//b", "/%e4"})
        EXPECT_FALSE(says(target)) << target;
}

struct bad_target {
    const char* name;
    std::string_view target;
};
std::ostream& operator<<(std::ostream& out, const bad_target& of) { return out << of.name; }

error refusal_of(std::string_view target) {
    request_head head = used_head();
    const result<void> made = normalize_target(target, head);
    EXPECT_EQ(head.path + head.sent_path + head.query, "") << target;
    EXPECT_FALSE(head.escaped_slash) << target;
    return made ? error() : made.error();
}

class TargetRefused : public testing::TestWithParam<bad_target> {};

TEST_P(TargetRefused, GivesBadPathAndNothingElse) {
    EXPECT_EQ(refusal_of(GetParam().target), errc::bad_path);
}

INSTANTIATE_TEST_SUITE_P(
    Target, TargetRefused,
    testing::Values(bad_target{"Empty", ""}, bad_target{"NoSlash", "a"}, bad_target{"Star", "*"},
                    bad_target{"QueryAlone", "?a"}, bad_target{"AboveRoot", "/.."},
                    bad_target{"AboveRootSlash", "/../"},
                    bad_target{"AboveRootLater", "/a/../../b"},

                    bad_target{"AboveRootEncoded", "/%2e%2e/etc/passwd"},
                    bad_target{"EncodedNul", "/a%00b"}, bad_target{"Backslash", "/a\\b"},
                    bad_target{"BackslashUp", "/a/..\\b"}, bad_target{"Fragment", "/a#b"},
                    bad_target{"FragmentInQuery", "/a?b#c"}, bad_target{"EscapeCutShort", "/a%"},
                    bad_target{"EscapeCutShortByOne", "/a%2"}, bad_target{"EscapeNotHex", "/a%g0"},
                    bad_target{"EscapeNotHexLater", "/a%0g"},
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

// Slashes merged before dots are resolved, or after, give two paths.
TEST(Target, RefusesUpBehindAnEmptySegment) {
    for (const char* const target : {"/admin//../secret", "/a//../b", "/a//..", "/a/b//../..",
                                     "/a//%2e%2e/b", "/a/b///../c", "/a//./../b"})
        EXPECT_EQ(refusal_of(target), errc::ambiguous_dots) << target;
    for (const char* const target : {"//..", "//../a", "//a/..//.."})
        EXPECT_EQ(refusal_of(target), errc::bad_path) << target;
}

TEST(Target, RefusesDotSegmentsThatEscapedSeparatorsMake) {
    for (const char* const target : {"/a%2f..", "/a%2f../b", "/a%2F..%2Fb", "/..%2fa", "/.%2fa",
                                     "/a%2f.", "/a%5c..", "/..%5Ca", "/a%2f%2e%2e", "/a%5C.%2e%5cb",
                                     "/a/..%2f..%5cb", "/a%2fb/..%2fc/../d", "/%2f..", "/%5c."})
        EXPECT_EQ(refusal_of(target), errc::ambiguous_segment) << target;
}

TEST(Target, MergesWhatIsForwardedOnRequest) {
    constexpr std::pair<std::string_view, std::string_view> cases[] = {
        {"/a//b", "/a/b"}, {"/a///b//", "/a/b/"}, {"/%7e//x", "/%7e/x"}, {"/a", "/a"}};
    for (const auto& [target, merged] : cases) {
        request_head head;
        ASSERT_TRUE(normalize_target(target, head)) << target;
        merge_slashes(head);
        EXPECT_EQ(head.forwarded_path(), merged) << target;
        EXPECT_EQ(head.sent_path.empty(), head.path == merged) << target;
    }
}

TEST(Target, KnowsDotSegments) {
    for (const char* const path :
         {"/.", "/..", "/./a", "/a/..", "/a/%2e", "/%2E%2e/a", "/.%2e", "/%2e./b", "/a/./b"})
        EXPECT_TRUE(has_dot_segment(path)) << path;
    for (const char* const path :
         {"/", "", "/a", "/...", "/.a", "/a.", "/%2ea", "/..%2f", "/a//b", "/%2f.", "/%2e%2e%2e"})
        EXPECT_FALSE(has_dot_segment(path)) << path;
}

TEST(Target, FindsWhereTheForwardedPathGoesOn) {
    struct {
        std::string_view target;
        std::size_t normal;
        std::string_view rest;
    } const cases[] = {{"/api/x", 4, "/x"},        {"/%61pi//x", 4, "//x"}, {"/a//b//c", 4, "//c"},
                       {"/a%2fb/c", 6, "/c"},      {"/%e4/x", 4, "/x"},     {"/a//b", 0, "/a//b"},
                       {"/%7e%7E/x//", 3, "/x//"}, {"/a//", 2, "//"}};
    for (const auto& one : cases) {
        request_head head;
        ASSERT_TRUE(normalize_target(one.target, head)) << one.target;
        EXPECT_EQ(
            std::string_view(head.forwarded_path()).substr(forwarded_offset(head, one.normal)),
            one.rest)
            << one.target;
    }
}

TEST(Target, ReadsEscapesAsSeparators) {
    struct {
        std::string_view path;
        std::string_view slash;
        std::string_view backslash;
        std::string_view both;
    } const cases[] = {{"/a%2Fb%5Cc", "/a/b%5Cc", "/a%2Fb/c", "/a/b/c"},
                       {"/%2Fa", "/a", "/%2Fa", "/a"},
                       {"/a/%2F/b", "/a/b", "/a/%2F/b", "/a/b"},
                       {"/a%2F%5C", "/a/%5C", "/a%2F/", "/a/"},
                       {"/a", "/a", "/a", "/a"}};
    std::string out = "before";
    for (const auto& one : cases) {
        read_escapes(one.path, separators::slash, out);
        EXPECT_EQ(out, one.slash);
        read_escapes(one.path, separators::backslash, out);
        EXPECT_EQ(out, one.backslash);
        read_escapes(one.path, separators::both, out);
        EXPECT_EQ(out, one.both);
    }
    read_escapes("/a%2Fb/%2Fc%5Cd", separators::both, out, 7);
    EXPECT_EQ(out, "/a%2Fb/c/d");
}

// Whatever stands around it, each byte has one verdict.
TEST(Target, EveryByteOfPathAndQueryHasOneVerdict) {
    request_head head;
    const auto passes = [&](const std::string& target) {
        return normalize_target(target, head).has_value();
    };
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool visible = byte >= 0x21 && byte <= 0x7e && c != '#';
        const bool in_path = visible && c != '\\' && c != '%';
        EXPECT_EQ(passes(std::string("/a") + c + "b"), in_path) << byte;
        EXPECT_EQ(passes(std::string("//") + c + "b"), in_path) << byte;
        EXPECT_EQ(passes(std::string("/a?") + c), visible) << byte;
    }
}

}  // namespace
}  // namespace penstock::http
