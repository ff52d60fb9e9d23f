#include "penstock/http/forwarded.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {
namespace {

TEST(ForwardedNode, TellsAddressAndPortApart) {
    struct {
        std::string_view text;
        std::string_view host;
        std::uint16_t port;
    } const cases[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1:4711", "192.0.2.1", 4711},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
        {"192.0.2.1:_hidden", "192.0.2.1", 0},
        {"2001:db8::1", "2001:db8::1", 0},
        {"[2001:db8::1]", "[2001:db8::1]", 0},
        {"[2001:db8::1]:443", "[2001:db8::1]", 443},
        {"unknown", "unknown", 0},
    };
    for (const auto& one : cases) {
        const std::optional<forwarded_node> read = parse_node(one.text);
        ASSERT_TRUE(read) << one.text;
        EXPECT_EQ(read->host, one.host) << one.text;
        EXPECT_EQ(read->port, one.port) << one.text;
    }
}

TEST(ForwardedNode, RefusesWhatIsNeither) {
    for (const std::string_view text :
         {"", ":80", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:x", "192.0.2.1:_", "192.0.2.1:-1",
          "[2001:db8::1", "[2001:db8::1]80", "[2001:db8::1]:", "[2001:db8::1]:000080"})
        EXPECT_FALSE(parse_node(text)) << text;
}

TEST(ForwardedElement, ReadsItsParametersInAnyCaseAndOrder) {
    const auto read = parse_forwarded(
        "Proto=https; host=\"a.test:8443\";BY=203.0.113.43;for=\"[2001:db8::1]:9\"");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->node, "[2001:db8::1]:9");
    EXPECT_EQ(read->scheme, "https");
    EXPECT_EQ(read->host, "a.test:8443");
}

TEST(ForwardedElement, MayNameNothingOrLeaveQuotesOut) {
    ASSERT_TRUE(parse_forwarded("by=_me"));
    EXPECT_EQ(parse_forwarded("by=_me")->node, "");
    ASSERT_TRUE(parse_forwarded("for=[2001:db8::1]:80;"));
    EXPECT_EQ(parse_forwarded("for=[2001:db8::1]:80;")->node, "[2001:db8::1]:80");
}

TEST(ForwardedElement, RefusesWhatHasTwoReadings) {
    for (const std::string_view text :
         {"for", "for=", "for=a;for=b", "for=\"a", "for=a\"", "for=\"a\\\"b\"", "for=\"a\"b",
          "f or=a", "for= a", "=a", "for=a b", "for=\"\""})
        EXPECT_FALSE(parse_forwarded(text)) << text;
}

std::vector<std::string> elements_from_the_right(std::string_view list) {
    std::vector<std::string> found;
    while (!list.empty())
        found.emplace_back(take_last_element(list));
    return found;
}

using strings = std::vector<std::string>;

TEST(ForwardedList, IsReadFromTheRight) {
    EXPECT_EQ(elements_from_the_right("for=a, for=b ,for=c"), (strings{"for=c", "for=b", "for=a"}));
    EXPECT_EQ(elements_from_the_right("for=\"a,b\",for=c"), (strings{"for=c", "for=\"a,b\""}));
    EXPECT_EQ(elements_from_the_right("for=a,"), (strings{"", "for=a"}));
}

// A quote that a client never ends takes nothing from what a proxy has written behind it.
TEST(ForwardedList, KeepsTheLastElementWholeWhateverStandsBeforeIt) {
    for (const std::string_view made_up :
         {"for=\"x", "for=\"x\\\"", "\"", "for=\"a, for=b", ",,"}) {
        std::string list(made_up);
        list += ", for=\"[2001:db8::1]:80\";proto=https";
        std::string_view rest = list;
        EXPECT_EQ(take_last_element(rest), "for=\"[2001:db8::1]:80\";proto=https") << made_up;
    }
}

TEST(LastMembers, KeepsTheLastOnesOfAllFields) {
    for (const std::size_t count :
         {last_members::most - 1, last_members::most, last_members::most + 1}) {
        fields some;
        for (std::size_t i = 0; i < count; ++i)
            some.add("X-Forwarded-For", " , " + std::to_string(i) + ",");
        last_members found;
        find_last(some, "x-forwarded-for", list_cut::members, found);
        EXPECT_EQ(found.size(), std::min(count, last_members::most));
        EXPECT_EQ(found.from_end(0), std::to_string(count - 1));
        EXPECT_EQ(found.from_end(found.size() - 1), std::to_string(count - found.size()));
    }
}

}  // namespace
}  // namespace penstock::http
