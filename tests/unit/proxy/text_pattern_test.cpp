#include "proxy/text_pattern.hpp"

#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::proxy {
namespace {

using config::text_place;
using test::asked;

std::string expanded(std::string_view text, const asked& of,
                     text_place at = text_place::response_header,
                     text_pattern::markup body = text_pattern::markup::none) {
    std::string made = "before ";
    text_pattern(text, at, body)
        .expand({of.request, "app", 502, exchange::reason::queue_full}, made);
    return made.substr(7);
}

TEST(TextPattern, KnowsEveryVariable) {
    asked of("/a/%7E//b?c=d&e=%20f", "a.test:81");
    of.request.head.fields.add("X-A", "1");
    of.request.head.fields.add("X-A", "2");
    of.request.head.fields.add("Cookie", "k=v; other=w");
    of.request.head.fields.add("Cookie", "late=x");
    of.request.server_name = "sni.test";
    of.request.client_subject = "CN=alice";
    constexpr std::pair<std::string_view, std::string_view> cases[] = {
        {"${scheme}", "http"},
        {"${host}", "a.test"},
        {"${port}", "81"},
        {"${path}", "/a/%7E//b"},
        {"${query}", "?c=d&e=%20f"},
        {"${uri}", "/a/%7E//b?c=d&e=%20f"},
        {"${method}", "GET"},
        {"${client.ip}", "192.0.2.7"},
        {"${listener}", "web"},
        {"${route}", "all"},
        {"${upstream}", "app"},
        {"${request_id}", "id1"},
        {"${header.x-a}", "1"},
        {"${header.Host}", "a.test:81"},
        {"${header.x-b}", ""},
        {"${cookie.k}", "v"},
        {"${cookie.other}", "w"},
        {"${cookie.late}", "x"},
        {"${cookie.no}", ""},
        {"${arg.c}", "d"},
        {"${arg.e}", "%20f"},
        {"${arg.f}", ""},
        {"${tls.sni}", "sni.test"},
        {"${tls.client.subject}", "CN=alice"},
        {"${status}", "502"},
        {"${reason}", "queue_full"},
        {"a${host}b${host}c", "aa.testba.testc"},
        {"$$${host}$", "$a.test$"},
        {"$${host}", "${host}"},
    };
    for (const auto& [text, value] : cases)
        EXPECT_EQ(expanded(text, of), value) << text;
}

TEST(TextPattern, KnowsHostAndPortOfEveryAuthority) {
    const auto both = [](std::string_view authority, std::string_view scheme) {
        const asked of("/", authority, scheme);
        return expanded("${host} ${port}", of);
    };
    EXPECT_EQ(both("a.test", "http"), "a.test 80");
    EXPECT_EQ(both("a.test", "https"), "a.test 443");
    EXPECT_EQ(both("a.test.:8443", "https"), "a.test 8443");
    EXPECT_EQ(both("[::1]", "http"), "[::1] 80");
    EXPECT_EQ(both("[::1]:81", "http"), "[::1] 81");
    EXPECT_EQ(both("", "http"), "192.0.2.1 8080");
}

TEST(TextPattern, WithoutVariablesIsItsText) {
    const text_pattern plain("a $ b $$ {c}", text_place::response_header);
    EXPECT_TRUE(plain.is_literal());
    EXPECT_EQ(plain.literal(), "a $ b $ {c}");
    std::string scratch = "untouched";
    const asked of;
    EXPECT_EQ(plain.text(of.facts(), scratch), "a $ b $ {c}");
    EXPECT_EQ(scratch, "untouched");
}

TEST(TextPattern, EscapesAsItsPlaceRequires) {
    asked of("/a\"<b>?q=<i>'&x=a/b%2f");
    of.request.head.fields.add("X-A", "a/b?c&d=\"<e>' \xc3\xa9");
    using markup = text_pattern::markup;
    EXPECT_EQ(expanded("${uri}", of, text_place::url), "/a%22%3Cb%3E?q=%3Ci%3E'&x=a/b%2f");
    EXPECT_EQ(expanded("${arg.x}", of, text_place::url), "a%2Fb%2f");
    EXPECT_EQ(expanded("${header.x-a}", of, text_place::url_path),
              "a%2Fb%3Fc%26d%3D%22%3Ce%3E%27%20%C3%A9");
    EXPECT_EQ(expanded("<${header.x-a}>", of, text_place::body, markup::html),
              "<a/b?c&amp;d=&quot;&lt;e&gt;&#39; \xc3\xa9>");
    EXPECT_EQ(expanded("\"${header.x-a}\"", of, text_place::body, markup::json),
              "\"a/b?c&d=\\\"<e>' \xc3\xa9\"");
    EXPECT_EQ(expanded("${header.x-a}", of, text_place::body), "a/b?c&d=\"<e>' \xc3\xa9");
}

TEST(TextPattern, KeepsControlBytesOutOfFields) {
    asked of;
    of.request.client_subject = "CN=a\r\nX-Evil: 1\x7f";
    EXPECT_EQ(expanded("${tls.client.subject}", of), "CN=a  X-Evil: 1 ");
}

}  // namespace
}  // namespace penstock::proxy
