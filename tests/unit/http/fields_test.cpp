#include "penstock/http/fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::http {
namespace {

struct named_id {
    std::string_view name;
    field_id id;
};

constexpr named_id known[] = {
    {"Authorization", field_id::authorization},
    {"Client-Cert", field_id::client_cert},
    {"Client-Cert-Chain", field_id::client_cert_chain},
    {"Connection", field_id::connection},
    {"Content-Length", field_id::content_length},
    {"Content-Type", field_id::content_type},
    {"Cookie", field_id::cookie},
    {"Date", field_id::date},
    {"Expect", field_id::expect},
    {"Forwarded", field_id::forwarded},
    {"Host", field_id::host},
    {"HTTP2-Settings", field_id::http2_settings},
    {"Keep-Alive", field_id::keep_alive},
    {"Location", field_id::location},
    {"Content-Location", field_id::content_location},
    {"CDN-Loop", field_id::cdn_loop},
    {"Refresh", field_id::refresh},
    {"Max-Forwards", field_id::max_forwards},
    {"Proxy-Authenticate", field_id::proxy_authenticate},
    {"Proxy-Authorization", field_id::proxy_authorization},
    {"Proxy-Connection", field_id::proxy_connection},
    {"Proxy-Status", field_id::proxy_status},
    {"Retry-After", field_id::retry_after},
    {"Server", field_id::server},
    {"TE", field_id::te},
    {"Trailer", field_id::trailer},
    {"Transfer-Encoding", field_id::transfer_encoding},
    {"Upgrade", field_id::upgrade},
    {"User-Agent", field_id::user_agent},
    {"Via", field_id::via},
    {"WWW-Authenticate", field_id::www_authenticate},
    {"X-Forwarded-For", field_id::x_forwarded_for},
    {"X-Forwarded-Host", field_id::x_forwarded_host},
    {"X-Forwarded-Port", field_id::x_forwarded_port},
    {"X-Forwarded-Proto", field_id::x_forwarded_proto},
    {"X-Real-IP", field_id::x_real_ip},
    {"X-Request-Id", field_id::x_request_id},
};

std::string with_case(std::string_view text, int (*change)(int)) {
    std::string made(text);
    std::transform(made.begin(), made.end(), made.begin(),
                   [change](unsigned char c) { return static_cast<char>(change(c)); });
    return made;
}

TEST(FieldId, IsFoundInAnyCase) {
    for (const named_id& each : known) {
        SCOPED_TRACE(each.name);
        EXPECT_EQ(field_id_of(each.name), each.id);
        EXPECT_EQ(field_id_of(with_case(each.name, std::tolower)), each.id);
        EXPECT_EQ(field_id_of(with_case(each.name, std::toupper)), each.id);
    }
}

TEST(FieldId, KnowsEveryEnumeratorOnce) {
    std::vector<bool> seen(static_cast<std::size_t>(field_id::x_request_id) + 1);
    for (const named_id& each : known) {
        EXPECT_FALSE(seen[static_cast<std::size_t>(each.id)]) << each.name;
        seen[static_cast<std::size_t>(each.id)] = true;
    }
    EXPECT_FALSE(seen[static_cast<std::size_t>(field_id::other)]);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 1);
}

TEST(FieldId, IsOtherForEveryNeighbour) {
    for (const named_id& each : known) {
        const std::string name(each.name);
        EXPECT_EQ(field_id_of(name + "x"), field_id::other) << name;
        EXPECT_EQ(field_id_of("x" + name), field_id::other) << name;
        EXPECT_EQ(field_id_of(name.substr(1)), field_id::other) << name;
        EXPECT_EQ(field_id_of(name.substr(0, name.size() - 1)), field_id::other) << name;
        for (std::size_t i = 0; i < name.size(); ++i) {
            // Bytes that differ from the right one in the bit that tells cases apart, and others.
            for (const char c : {'~', '_', '\0', '\xff', static_cast<char>(name[i] ^ '\x40'),
                                 static_cast<char>(name[i] ^ '\x80')}) {
                std::string changed = name;
                changed[i] = c;
                EXPECT_EQ(field_id_of(changed), field_id::other) << changed;
            }
        }
    }
}

TEST(FieldId, IsOtherForNoNameAndLongOnes) {
    EXPECT_EQ(field_id_of(""), field_id::other);
    for (std::size_t size = 1; size < 100; ++size)
        EXPECT_EQ(field_id_of(std::string(size, 'n')), field_id::other);
    EXPECT_EQ(field_id_of(std::string(70000, 'e')), field_id::other);
}

TEST(EqualNocase, FoldsLettersOfAsciiOnly) {
    EXPECT_TRUE(equal_nocase("", ""));
    EXPECT_TRUE(equal_nocase("aZ-9", "Az-9"));
    EXPECT_FALSE(equal_nocase("a", "ab"));
    EXPECT_FALSE(equal_nocase("ab", "a"));
    for (int left = 0; left < 256; ++left) {
        for (int right = 0; right < 256; ++right) {
            const bool letters = std::isalpha(left) != 0 && std::isalpha(right) != 0;
            const bool same = left == right || (letters && (left | 0x20) == (right | 0x20));
            EXPECT_EQ(equal_nocase(std::string(1, static_cast<char>(left)),
                                   std::string(1, static_cast<char>(right))),
                      same)
                << left << " " << right;
        }
    }
}

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

TEST(Fields, AreEmptyAtFirst) {
    const fields none;
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(none.size(), 0U);
    EXPECT_EQ(none.bytes(), 0U);
    EXPECT_EQ(none.begin(), none.end());
    EXPECT_FALSE(none.find("a"));
    EXPECT_FALSE(none.find(field_id::host));
    EXPECT_EQ(none.count(field_id::other), 0U);
}

TEST(Fields, KeepOrderAndCase) {
    const lines all = {{"hOsT", "a"}, {"X-One", "1"}, {"x-one", ""}, {"Via", " spaces stay "}};
    const fields some = fields_of(all);
    EXPECT_EQ(lines_of(some), all);
    EXPECT_EQ(some.size(), 4U);
    EXPECT_FALSE(some.empty());
    EXPECT_EQ(some.bytes(), 5U + 6U + 5U + 16U);
}

TEST(Fields, CarryTheirIds) {
    const fields some = fields_of({{"HOST", "a"}, {"X-One", "1"}, {"via", "b"}});
    std::vector<field_id> ids;
    for (const fields::field field : some)
        ids.push_back(field.id);
    EXPECT_EQ(ids, (std::vector{field_id::host, field_id::other, field_id::via}));
}

TEST(Fields, FindTheFirstOfAName) {
    const fields some =
        fields_of({{"A", "1"}, {"Via", "x"}, {"a", "2"}, {"VIA", "y"}, {"Empty", ""}});
    EXPECT_EQ(some.find("a"), "1");
    EXPECT_EQ(some.find("via"), "x");
    EXPECT_EQ(some.find(field_id::via), "x");
    EXPECT_EQ(some.find("empty"), "");
    EXPECT_FALSE(some.find("b"));
    EXPECT_FALSE(some.find(""));
    EXPECT_FALSE(some.find(field_id::host));
    EXPECT_EQ(some.count(field_id::via), 2U);
    EXPECT_EQ(some.count(field_id::other), 3U);
}

TEST(Fields, SetReplacesTheFirstAndRemovesTheOthers) {
    fields some = fields_of({{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}, {"A", "5"}});
    some.set("a", "a longer value");
    EXPECT_EQ(lines_of(some), (lines{{"a", "a longer value"}, {"B", "2"}, {"C", "4"}}));
    EXPECT_EQ(some.size(), 3U);
    EXPECT_EQ(some.bytes(), 1U + 14U + 2U + 2U);
    some.set("VIA", "new");
    some.set("Via", "newer");
    EXPECT_EQ(lines_of(some),
              (lines{{"a", "a longer value"}, {"B", "2"}, {"C", "4"}, {"Via", "newer"}}));
}

TEST(Fields, SetDoesNotReviveARemovedField) {
    fields some = fields_of({{"A", "1"}, {"B", "2"}});
    EXPECT_EQ(some.remove("a"), 1U);
    some.set("A", "3");
    EXPECT_EQ(lines_of(some), (lines{{"B", "2"}, {"A", "3"}}));
}

TEST(Fields, RemoveSaysHowManyWentAndLeavesTheRest) {
    fields some = fields_of({{"A", "1"}, {"Via", "2"}, {"a", "3"}, {"via", "4"}, {"B", "5"}});
    EXPECT_EQ(some.remove("A"), 2U);
    EXPECT_EQ(lines_of(some), (lines{{"Via", "2"}, {"via", "4"}, {"B", "5"}}));
    EXPECT_EQ(some.remove("A"), 0U);
    EXPECT_EQ(some.remove(field_id::via), 2U);
    EXPECT_EQ(some.remove(field_id::via), 0U);
    EXPECT_EQ(some.count(field_id::via), 0U);
    EXPECT_FALSE(some.find("via"));
    EXPECT_EQ(lines_of(some), (lines{{"B", "5"}}));
    EXPECT_EQ(some.bytes(), 2U);
    EXPECT_EQ(some.remove("b"), 1U);
    EXPECT_TRUE(some.empty());
    EXPECT_EQ(some.begin(), some.end());
}

TEST(Fields, AreVisitedAroundRemovedOnes) {
    for (unsigned gone = 0; gone < 16; ++gone) {
        fields some = fields_of({{"A", "1"}, {"B", "2"}, {"C", "3"}, {"D", "4"}});
        lines left;
        for (unsigned i = 0; i < 4; ++i) {
            const std::string name(1, static_cast<char>('A' + i));
            if ((gone >> i & 1U) != 0) {
                some.remove(name);
            } else {
                left.emplace_back(name, std::to_string(i + 1));
            }
        }
        EXPECT_EQ(lines_of(some), left);
        EXPECT_EQ(some.size(), left.size());
        EXPECT_EQ(some.bytes(), 2 * left.size());
    }
}

TEST(Fields, KeepLinesAsTheyAreSentOneBehindTheOther) {
    const std::string received = "First: one\r\nSecond:two\r\n";
    const std::string_view text(received);
    fields of;
    // As a parser has them: the first stands in the kept form, the second does not.
    of.add(text.substr(0, 5), text.substr(7, 3));
    of.add(text.substr(12, 6), text.substr(19, 3));
    of.add("Third", "");
    const char* end = nullptr;
    std::string all;
    for (const fields::field one : of) {
        EXPECT_TRUE(end == nullptr || one.line().data() == end);
        end = one.line().data() + one.line().size();
        all += one.line();
    }
    EXPECT_EQ(all, "First: one\r\nSecond: two\r\nThird: \r\n");
    EXPECT_EQ(*of.find("first"), "one");
    EXPECT_EQ(*of.find("third"), "");
}

TEST(Fields, ClearLeavesNothingBehind) {
    fields some = fields_of({{"A", "1"}, {"Via", "2"}});
    some.clear();
    EXPECT_TRUE(some.empty());
    EXPECT_EQ(some.bytes(), 0U);
    EXPECT_FALSE(some.find("a"));
    some.add("B", "3");
    EXPECT_EQ(lines_of(some), (lines{{"B", "3"}}));
}

TEST(Fields, ManyKeepTheirText) {
    fields some;
    for (int i = 0; i < 1000; ++i)
        some.add("name-" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'v'));
    EXPECT_EQ(some.size(), 1000U);
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(some.find("NAME-" + std::to_string(i)).value_or("").size(),
                  static_cast<std::size_t>(i));
}

TEST(Fields, HoldAnyByte) {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    fields some;
    some.add("A", all);
    EXPECT_EQ(some.find("a"), all);
}

struct token_case {
    const char* name;
    lines fields;
    bool found;
};

TEST(Fields, FindATokenInALists) {
    const token_case cases[] = {
        {"alone", {{"Connection", "close"}}, true},
        {"other case", {{"CONNECTION", "CLose"}}, true},
        {"first", {{"Connection", "close,x"}}, true},
        {"last", {{"Connection", "x,close"}}, true},
        {"between", {{"Connection", "x, close ,y"}}, true},
        {"tabs", {{"Connection", "x,\tclose\t,y"}}, true},
        {"second field", {{"Connection", "x"}, {"Connection", "close"}}, true},
        {"behind empty members", {{"Connection", ",, ,close"}}, true},
        {"none", {}, false},
        {"empty", {{"Connection", ""}}, false},
        {"commas", {{"Connection", ",,,"}}, false},
        {"prefix", {{"Connection", "clos"}}, false},
        {"longer", {{"Connection", "closed"}}, false},
        {"two words", {{"Connection", "x close"}}, false},
        {"quoted", {{"Connection", "\"close\""}}, false},
        {"parameter", {{"Connection", "close;q=1"}}, false},
        {"vertical tab", {{"Connection", "\vclose"}}, false},
        {"other field", {{"Connection-X", "close"}, {"Upgrade", "close"}}, false},
    };
    for (const token_case& item : cases) {
        EXPECT_EQ(fields_of(item.fields).has_token(field_id::connection, "close"), item.found)
            << item.name;
    }
}

TEST(Fields, FindNoTokenInARemovedField) {
    fields some = fields_of({{"Connection", "close"}});
    some.remove(field_id::connection);
    EXPECT_FALSE(some.has_token(field_id::connection, "close"));
}

}  // namespace
}  // namespace penstock::http
