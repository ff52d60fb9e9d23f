#include "proxy/text_pattern.hpp"

#include "unit/proxy/asked.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace penstock::proxy {
namespace {

using config::text_place;
using test::asked;

std::string expanded(std::string_view text, const asked& of,
                     text_place at = text_place::response_header, markup body = markup::none) {
    std::string made = "before ";
    text_pattern(text, at).expand({of.request, "app", 502, exchange::reason::queue_full}, made,
                                  body);
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

// What a browser and an application make of a value of a query.
std::string decoded(std::string_view value) {
    std::string made;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '%') {
            made += static_cast<char>(std::stoi(std::string(value.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            made += value[i] == '+' ? ' ' : value[i];
        }
    }
    return made;
}

// The URL that a client is to come back to is whole after one decoding: its own parameters are no
// parameters of the URL around it, and its escapes are still escapes.
TEST(TextPattern, PutsAUrlIntoAParameterWhole) {
    const std::string uri = "/a%20b/c+d?e=%26f&g=h?+";
    const asked of(uri, "[::1]:81");
    const std::string front = "https://id.test/login?a=b&next=";
    for (const std::string text : {"${uri}", "${path}${query}"}) {
        const std::string made = expanded(front + text + "&x=y", of, text_place::url);
        ASSERT_TRUE(made.starts_with(front) && made.ends_with("&x=y")) << made;
        const std::string value = made.substr(front.size(), made.size() - front.size() - 4);
        EXPECT_EQ(value.find_first_of("&?#+ "), std::string::npos) << value;
        EXPECT_EQ(decoded(value), uri);
    }
    EXPECT_EQ(expanded("next=${uri}", of, text_place::url_query),
              "next=/a%2520b/c%2Bd%3Fe%3D%2526f%26g%3Dh%3F%2B");
    EXPECT_EQ(expanded("/login?${uri}", of, text_place::url),
              "/login?/a%2520b/c%2Bd%3Fe%3D%2526f%26g%3Dh%3F%2B");
    EXPECT_EQ(decoded(expanded("?u=${scheme}://${host}:${port}/", of, text_place::url)),
              "?u=http://[::1]:81/");
    EXPECT_EQ(expanded("/#${path}", of, text_place::url), "/#/a%20b/c+d");
}

// Where the URL is put together of its own parts they stay what they are.
TEST(TextPattern, LeavesPartsOfAUrlInTheirPlaces) {
    const asked of("/a%20b/c+d?e=%26f&g=h");
    EXPECT_EQ(expanded("https://new.test${uri}", of, text_place::url),
              "https://new.test/a%20b/c+d?e=%26f&g=h");
    EXPECT_EQ(expanded("https://new.test${path}${query}", of, text_place::url),
              "https://new.test/a%20b/c+d?e=%26f&g=h");
    EXPECT_EQ(expanded("https://new.test/x?y=z&${query}", of, text_place::url),
              "https://new.test/x?y=z&?e=%26f&g=h");
    EXPECT_EQ(expanded("${query}", of, text_place::url_query), "?e=%26f&g=h");
    EXPECT_EQ(expanded("/new${path}", of, text_place::url_path), "/new/a%20b/c+d");
    EXPECT_EQ(expanded("/new${path}", of, text_place::rewritten_path), "/new/a%20b/c+d");
}

// A value of the query is encoded as it came, and means the same wherever it goes.
TEST(TextPattern, LeavesAValueOfTheQueryEncodedAsItIs) {
    const asked of("/?s=a+b%20c%26d&odd=100%&half=%4");
    for (const std::string text : {"/?q=${arg.s}", "/${arg.s}", "https://x.test/?a=b&q=${arg.s}"})
        EXPECT_TRUE(expanded(text, of, text_place::url).ends_with("a+b%20c%26d")) << text;
    EXPECT_EQ(expanded("/${arg.odd}/${arg.half}", of, text_place::url), "/100%25/%254");
}

// A field and a cookie are no text of a URL: a '%' in them is a character like any other, so that
// what they hold comes out whole after one decoding and cannot become "..", '/' or a control byte.
TEST(TextPattern, EscapesThePercentSignOfOtherText) {
    asked of("/");
    of.request.head.fields.add("X-A", "100% %2e%2e%2f a+b");
    of.request.head.fields.add("Cookie", "k=%0d%0a");
    for (const text_place at : {text_place::url, text_place::url_path, text_place::url_query,
                                text_place::rewritten_path}) {
        EXPECT_EQ(expanded("/${header.x-a}", of, at), "/100%25%20%252e%252e%252f%20a%2Bb");
        EXPECT_EQ(expanded("/${cookie.k}", of, at), "/%250d%250a");
    }
}

TEST(TextPattern, KnowsNoAddressOfUnixSockets) {
    asked of("/", "");
    of.record.client = "unix:";
    of.local = *net::socket_address::unix_at("/run/penstock/test.sock");
    EXPECT_EQ(expanded("${client.ip}|${host}|${port}", of), "||");
}

// A response is what its Content-Type says, in any case, and of several the worst.
TEST(TextPattern, FindsOutWhatABodyIsWrittenIn) {
    const auto found = [](std::initializer_list<std::string_view> types) {
        http::fields made;
        for (const std::string_view type : types)
            made.add("content-type", type);
        return markup_of(made);
    };
    EXPECT_EQ(found({"text/html; charset=utf-8"}), markup::html);
    EXPECT_EQ(found({"Text/HTML"}), markup::html);
    EXPECT_EQ(found({"image/SVG+XML"}), markup::html);
    EXPECT_EQ(found({"Application/Problem+JSON"}), markup::json);
    EXPECT_EQ(found({"text/plain"}), markup::none);
    EXPECT_EQ(found({"text/plain", "application/json", "TEXT/html"}), markup::html);
    EXPECT_EQ(found({}), markup::html);
    for (const char* const guessed : {"", "text", "text/", "/plain", "text plain", "text/pl ain",
                                      "*/*", "unknown/unknown", "Application/Unknown; a=b", ";"})
        EXPECT_EQ(found({guessed}), markup::html) << guessed;
    EXPECT_EQ(found({"text/plain ; charset=utf-8"}), markup::none);
    EXPECT_EQ(found({"application/json", "none"}), markup::html);
}

TEST(TextPattern, KeepsControlBytesOutOfFields) {
    asked of;
    of.request.client_subject = "CN=a\r\nX-Evil: 1\x7f";
    EXPECT_EQ(expanded("${tls.client.subject}", of), "CN=a  X-Evil: 1 ");
}

}  // namespace
}  // namespace penstock::proxy
