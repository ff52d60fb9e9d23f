#include "penstock/http/h1_head.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

request_head request() {
    request_head head;
    head.method_text = "GET";
    head.authority = "a.example:81";
    head.path = "/p";
    return head;
}

response_head response(int status = 200) {
    response_head head;
    head.status = status;
    return head;
}

constexpr std::string_view before = "what was there before";

// What was appended; "" for an error, after which nothing may be.
template <class Encode>
std::string appended(Encode encode) {
    std::string out(before);
    const result<void> done = encode(out);
    EXPECT_TRUE(out.starts_with(before));
    if (!done) {
        EXPECT_EQ(done.error(), errc::bad_field);
        EXPECT_EQ(out, before);
    }
    return out.substr(before.size());
}

std::string encoded(const request_head& head, const request_encoding& how = {}) {
    return appended([&](std::string& out) { return encode_request(head, how, out); });
}
std::string encoded(const response_head& head, const response_encoding& how = {}) {
    return appended([&](std::string& out) { return encode_response(head, how, out); });
}
std::string interim(const response_head& head) {
    return appended([&](std::string& out) { return encode_interim(head, out); });
}

const std::string request_start = "GET /p HTTP/1.1\r\nHost: a.example:81\r\n";
const std::string ok_start = "HTTP/1.1 200 OK\r\n";

framing length_of(std::uint64_t bytes) { return {framing_kind::length, bytes}; }
const framing chunked{framing_kind::chunked, 0};
const framing until_close{framing_kind::until_close, 0};

// ---- Requests

TEST(EncodeRequest, WritesTheHostFirst) {
    request_head head = request();
    EXPECT_EQ(encoded(head), request_start + "\r\n");
    head.query = "?b=c";
    head.fields.add("Accept", "*/*");
    head.fields.add("x-empty", "");
    EXPECT_EQ(encoded(head),
              "GET /p?b=c HTTP/1.1\r\nHost: a.example:81\r\nAccept: */*\r\nx-empty: \r\n\r\n");
}

TEST(EncodeRequest, SaysItsOwnVersionAndNoScheme) {
    request_head head = request();
    head.version = version::http_1_0;
    head.scheme = "https";
    EXPECT_EQ(encoded(head), request_start + "\r\n");
}

TEST(EncodeRequest, WritesTheMethodAsItCame) {
    request_head head = request();
    head.verb = method::other;
    head.method_text = "Brew-It!";
    EXPECT_EQ(encoded(head), "Brew-It! /p HTTP/1.1\r\nHost: a.example:81\r\n\r\n");
}

TEST(EncodeRequest, WritesTheAsteriskOfOptionsOnly) {
    request_head head = request();
    head.path = "*";
    EXPECT_EQ(encoded(head), "");
    head.verb = method::options;
    head.method_text = "OPTIONS";
    EXPECT_EQ(encoded(head), "OPTIONS * HTTP/1.1\r\nHost: a.example:81\r\n\r\n");
    head.query = "?a";
    EXPECT_EQ(encoded(head), "");
}

TEST(EncodeRequest, WritesTheFraming) {
    request_encoding how;
    how.body = length_of(0);
    EXPECT_EQ(encoded(request(), how), request_start + "Content-Length: 0\r\n\r\n");
    how.body = length_of(std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(encoded(request(), how),
              request_start + "Content-Length: 18446744073709551615\r\n\r\n");
    how.body = chunked;
    EXPECT_EQ(encoded(request(), how), request_start + "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(EncodeRequest, WritesWhatTheConnectionNeeds) {
    request_encoding how;
    how.keep_alive = false;
    EXPECT_EQ(encoded(request(), how), request_start + "Connection: close\r\n\r\n");
    how.trailers = true;
    EXPECT_EQ(encoded(request(), how),
              request_start + "Connection: close, TE\r\nTE: trailers\r\n\r\n");
    how.keep_alive = true;
    EXPECT_EQ(encoded(request(), how), request_start + "Connection: TE\r\nTE: trailers\r\n\r\n");
    how.upgrade = "websocket";
    EXPECT_EQ(encoded(request(), how),
              request_start + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(EncodeRequest, WritesTheProtocolThatIsAskedFor) {
    for (const std::string good : {"tcp", "spdy/3.1", "tailscale-control-protocol"}) {
        request_encoding how;
        how.upgrade = good;
        EXPECT_EQ(encoded(request(), how),
                  request_start + "Connection: Upgrade\r\nUpgrade: " + good + "\r\n\r\n");
    }
    for (const std::string bad : {"a, b", "a/", "/b", "a/b/c", "a\r\nb: c", "a b", " "}) {
        request_encoding how;
        how.upgrade = bad;
        EXPECT_EQ(encoded(request(), how), "") << bad;
    }
}

TEST(EncodeRequest, RefusesABadMethod) {
    request_head head = request();
    for (const char* const text : {"", "G T", "GET\r\n", "GET:", "G\tT", "\xc3"}) {
        head.method_text = text;
        EXPECT_EQ(encoded(head), "") << text;
    }
}

TEST(EncodeRequest, RefusesABadPath) {
    request_head head = request();
    for (const char* const text : {"", "a", "*", "http://a/", "/a b", "/a\r\nB: c", "/\t", "/\x7f",
                                   "/\xc3", "/a?b", "/a#b", "//a b"}) {
        head.path = text;
        EXPECT_EQ(encoded(head), "") << text;
    }
    head.path = std::string("/\0", 2);
    EXPECT_EQ(encoded(head), "");
}

TEST(EncodeRequest, RefusesABadQuery) {
    request_head head = request();
    for (const char* const text : {"a", "#", "?a#b", "?a b", "?\r\n", "?\x7f", "?\xc3", "/?"}) {
        head.query = text;
        EXPECT_EQ(encoded(head), "") << text;
    }
}

TEST(EncodeRequest, RefusesABadAuthority) {
    request_head head = request();
    for (const char* const text : {"", "a b", "a\r\nB: c", "a,b", "u@a", "a/b", "a?b", "a#b",
                                   "a\\b", "\"a\"", "a\t", "\xc3", "a;b", "\x7f"}) {
        head.authority = text;
        EXPECT_EQ(encoded(head), "") << text;
    }
}

// ---- Responses

TEST(EncodeResponse, WritesThePhraseThatCameOrTheStandardOne) {
    response_head head = response();
    EXPECT_EQ(encoded(head), ok_start + "\r\n");
    head.reason_phrase = "All is w\xc3\xa4ll";
    EXPECT_EQ(encoded(head), "HTTP/1.1 200 All is w\xc3\xa4ll\r\n\r\n");
    EXPECT_EQ(encoded(response(599)), "HTTP/1.1 599 \r\n\r\n");
}

TEST(EncodeResponse, WritesTheFieldsInOrder) {
    response_head head = response(404);
    head.version = version::http_1_0;
    head.fields.add("Set-Cookie", "a");
    head.fields.add("Host", "means nothing in a response");
    head.fields.add("set-cookie", "b");
    EXPECT_EQ(encoded(head),
              "HTTP/1.1 404 Not Found\r\nSet-Cookie: a\r\nHost: means nothing in a response\r\n"
              "set-cookie: b\r\n\r\n");
}

TEST(EncodeResponse, WritesTheFraming) {
    response_encoding how;
    how.body = length_of(12);
    EXPECT_EQ(encoded(response(), how), ok_start + "Content-Length: 12\r\n\r\n");
    how.body = chunked;
    EXPECT_EQ(encoded(response(), how), ok_start + "Transfer-Encoding: chunked\r\n\r\n");
    how.body = until_close;
    EXPECT_EQ(encoded(response(), how), ok_start + "\r\n");
    how.body = {framing_kind::none, 12};
    EXPECT_EQ(encoded(response(), how), ok_start + "\r\n");
    how.length_known = true;
    EXPECT_EQ(encoded(response(), how), ok_start + "Content-Length: 12\r\n\r\n");
}

TEST(EncodeResponse, SaysWhetherTheConnectionIsKept) {
    response_encoding how;
    EXPECT_EQ(encoded(response(), how), ok_start + "\r\n");
    how.to = version::http_1_0;
    EXPECT_EQ(encoded(response(), how), ok_start + "Connection: keep-alive\r\n\r\n");
    how.keep_alive = false;
    EXPECT_EQ(encoded(response(), how), ok_start + "Connection: close\r\n\r\n");
    how.to = version::http_1_1;
    EXPECT_EQ(encoded(response(), how), ok_start + "Connection: close\r\n\r\n");
}

TEST(EncodeResponse, SwitchesToWebsocket) {
    response_encoding how;
    how.upgrade = "websocket";
    response_head head = response(101);
    head.fields.add("Sec-WebSocket-Accept", "x");
    EXPECT_EQ(encoded(head, how),
              "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n"
              "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(EncodeResponse, NeverWritesChunksForHttp10) {
    response_encoding how;
    how.body = chunked;
    how.to = version::http_1_0;
    EXPECT_EQ(encoded(response(), how), "");
}

TEST(EncodeResponse, RefusesAStatusThatIsNotOfThreeDigits) {
    for (const int status : {-200, -1, 0, 1, 99, 1000, 20000})
        EXPECT_EQ(encoded(response(status)), "") << status;
    EXPECT_NE(encoded(response(100)), "");
    EXPECT_NE(encoded(response(999)), "");
}

TEST(EncodeResponse, RefusesABadPhrase) {
    response_head head = response();
    for (const char* const text : {"O\rK", "OK\r\nA: b", "O\nK", "\x1b[2J", "\x7f"}) {
        head.reason_phrase = text;
        EXPECT_EQ(encoded(head), "") << text;
    }
}

TEST(EncodeInterim, WritesStatusLineAndFields) {
    response_head head = response(103);
    head.fields.add("Link", "</a>");
    EXPECT_EQ(interim(head), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    EXPECT_EQ(interim(response(100)), "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(interim(response(199)), "HTTP/1.1 199 \r\n\r\n");
}

TEST(EncodeInterim, RefusesWhatIsNotOne) {
    for (const int status : {0, 99, 101, 200, 304, 1000})
        EXPECT_EQ(interim(response(status)), "") << status;
    response_head head = response(103);
    head.fields.add("Content-Length", "0");
    EXPECT_EQ(interim(head), "");
}

// ---- Fields of both

bool is_tchar(unsigned char c) {
    return std::isalnum(c) != 0 ||
           (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                          std::string_view::npos);
}

// True if the field is written, and as it is; nothing is otherwise. All encoders have to agree.
bool is_written(std::string_view name, std::string_view value) {
    request_head asked = request();
    response_head answered = response();
    response_head hinted = response(103);
    for (fields* const each : {&asked.fields, &answered.fields, &hinted.fields}) {
        each->add("First", "1");
        each->add(name, value);
        each->add("Last", "2");
    }
    const std::string lines =
        "First: 1\r\n" + std::string(name) + ": " + std::string(value) + "\r\nLast: 2\r\n\r\n";
    const bool written = encoded(asked) == request_start + lines;
    EXPECT_EQ(encoded(answered), written ? ok_start + lines : "");
    EXPECT_EQ(interim(hinted), written ? "HTTP/1.1 103 Early Hints\r\n" + lines : "");
    EXPECT_TRUE(written || encoded(asked).empty());
    return written;
}

TEST(EncodeFields, NamesAreTokens) {
    for (int value = 0; value < 256; ++value) {
        const std::string name = std::string("A") + static_cast<char>(value) + "B";
        EXPECT_EQ(is_written(name, "c"), is_tchar(static_cast<unsigned char>(value))) << value;
    }
    EXPECT_FALSE(is_written("", "c"));
    EXPECT_FALSE(is_written(" A", "c"));
    EXPECT_FALSE(is_written("A ", "c"));
}

TEST(EncodeFields, ValuesAreVisibleOrSpaceWithin) {
    for (int value = 0; value < 256; ++value) {
        const std::string byte(1, static_cast<char>(value));
        const bool space = value == ' ' || value == '\t';
        const bool visible = (value > 0x20 && value < 0x7f) || value >= 0x80;
        EXPECT_EQ(is_written("A", "b" + byte + "c"), space || visible) << value;
        EXPECT_EQ(is_written("A", byte), visible) << value;
        EXPECT_EQ(is_written("A", "b" + byte), visible) << value;
        EXPECT_EQ(is_written("A", byte + "c"), visible) << value;
    }
    EXPECT_TRUE(is_written("A", ""));
}

TEST(EncodeFields, ThatTheEncoderWritesAreRefused) {
    for (const char* const name :
         {"Connection", "content-length", "TRANSFER-ENCODING", "Upgrade", "Te"})
        EXPECT_FALSE(is_written(name, "x")) << name;
    request_head head = request();
    head.fields.add("host", "b.example");
    EXPECT_EQ(encoded(head), "");
}

// ---- What was written reads the same

TEST(EncodeRequest, ReadsBackAsItWas) {
    request_head head = request();
    head.method_text = "PATCH";
    head.query = "?a=b";
    head.fields.add("X-A", "1, 2");
    head.fields.add("x_b", "\xc3\xa4");
    request_encoding how;
    how.body = chunked;
    const std::string text = encoded(head, how);
    h1_request_parser parser{head_limits()};
    request_head again;
    const auto fed = parser.feed(text, again);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, text.size());
    EXPECT_EQ(again.verb, method::patch);
    EXPECT_EQ(again.authority, head.authority);
    EXPECT_EQ(again.path + again.query, "/p?a=b");
    EXPECT_EQ(again.fields.find("x-a"), "1, 2");
    EXPECT_EQ(again.fields.find("x_b"), "\xc3\xa4");
    const result<framing> framed = request_framing(again);
    ASSERT_TRUE(framed);
    EXPECT_EQ(framed->kind, framing_kind::chunked);
}

TEST(EncodeResponse, ReadsBackAsItWas) {
    response_head head = response(418);
    head.reason_phrase = "I'm a teapot";
    head.fields.add("A", "1");
    response_encoding how;
    how.body = length_of(7);
    how.keep_alive = false;
    const std::string text = encoded(head, how);
    h1_response_parser parser{head_limits()};
    response_head again;
    const auto fed = parser.feed(text, again);
    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, text.size());
    EXPECT_EQ(again.status, 418);
    EXPECT_EQ(again.reason_phrase, "I'm a teapot");
    EXPECT_EQ(again.fields.find("a"), "1");
    EXPECT_EQ(announced_length(again), 7U);
    EXPECT_FALSE(keeps_alive(again.version, again.fields));
}

}  // namespace
}  // namespace penstock::http
