#include "campaign/mutate.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock::campaign {
namespace {

using namespace std::string_view_literals;

// Lines that ask for a second reading of where a message ends, or of which message it is.
constexpr auto framing_lines = std::to_array<std::string_view>({
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 40\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 05\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 5, 6\r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Content-Length : 5\r\n",
    "Content-Length:\r\n",
    "Content-Length: 5\n",
    " Content-Length: 5\r\n",
    "content-length: 5\r\n",
    "Content_Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: Chunked\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: \x0b"
    "chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "Transfer-Encoding\r\n",
    "Transfer_Encoding: chunked\r\n",
    "transfer-encoding:chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: Content-Length\r\n",
    "Connection: Transfer-Encoding, close\r\n",
    "Keep-Alive: timeout=5\r\n",
    "X-A: b\r\n folded\r\n",
    "X-A: b\rX-B: c\r\n",
    "X-A: b\nX-B: c\r\n",
    "X-A: \0b\r\n"sv,
    "X-A: \x7f\r\n",
    "X-A: \xc3\xa4\r\n",
    ": nameless\r\n",
    "no colon\r\n",
    "X A: b\r\n",
    "X-A\t: b\r\n",
    "\r\n",
    "\n",
    "\r",
});

constexpr auto request_lines = std::to_array<std::string_view>({
    "Host: a.test\r\n",
    "Host: b.test\r\n",
    "Host: a.test, b.test\r\n",
    "Host: a.test:80@b.test\r\n",
    "Host : a.test\r\n",
    "Host:\r\n",
    "Expect: 100-continue\r\n",
    "Expect: 200-maybe\r\n",
    "Upgrade: h2c\r\nConnection: Upgrade\r\n",
    "Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n",
    "Upgrade: websocket\r\n",
    "Upgrade: websocket\r\nConnection: upgrade\r\n",
    "TE: trailers\r\n",
    "Max-Forwards: 3\r\n",
    "Range: bytes=0-\r\n",
    "X-Forwarded-For: 192.0.2.1\r\n",
    "Forwarded: for=192.0.2.1\r\n",
    "Trailer: X-End\r\n",
});

// Bytes and sequences that readers disagree about.
constexpr auto noise = std::to_array<std::string_view>({
    "\r\n"sv,
    "\n"sv,
    "\r"sv,
    "\0"sv,
    " "sv,
    "\t"sv,
    ":"sv,
    ";"sv,
    ","sv,
    "\x0b"sv,
    "\x0c"sv,
    "\x80"sv,
    "\xff"sv,
    "0"sv,
    "%00"sv,
    "%0d%0a"sv,
    "#"sv,
    "\\"sv,
    "\""
    ""sv,
    "\r\n "sv,
    "\r\n\r\n"sv,
    "0\r\n\r\n"sv,
    "5\r\nhello\r\n"sv,
    "ffffffffffffffff\r\n"sv,
    ";a=\"b\""sv,
    "HTTP/1.1"sv,
    "HTTP/1.0"sv,
    "HTTP/0.9"sv,
    "HTTP/2.0"sv,
    "//"sv,
    "/../"sv,
    "http://b.test"sv,
});

std::size_t head_end(const std::string& message) {
    const std::size_t end = message.find("\r\n\r\n");
    return end == std::string::npos ? message.size() : end + 2;
}

// The place behind one of the head's lines.
std::size_t line_start(const std::string& message, rng& choices) {
    const std::size_t end = head_end(message);
    std::size_t at = 0;
    const std::size_t skip = 1 + choices.below(4);
    for (std::size_t i = 0; i < skip; ++i) {
        const std::size_t next = message.find("\r\n", at);
        if (next == std::string::npos || next + 2 > end)
            break;
        at = next + 2;
    }
    return at == 0 ? end : at;
}

// Mostly within the head and the first bytes of the body, where decisions are made.
std::size_t anywhere(const std::string& message, rng& choices) {
    const std::size_t near = std::min(message.size(), head_end(message) + 24);
    return choices.chance(80) ? choices.below(near + 1) : choices.below(message.size() + 1);
}

void insert_line(std::string& message, side of, rng& choices) {
    const bool own = of == side::request && choices.chance(25);
    const std::string_view line = own ? choices.pick(request_lines) : choices.pick(framing_lines);
    message.insert(line_start(message, choices), line);
}

void drop_line(std::string& message, rng& choices) {
    const std::size_t begin = line_start(message, choices);
    const std::size_t end = message.find('\n', begin);
    if (end != std::string::npos)
        message.erase(begin, end + 1 - begin);
}

void double_line(std::string& message, rng& choices) {
    const std::size_t begin = line_start(message, choices);
    const std::size_t end = message.find('\n', begin);
    if (end != std::string::npos)
        message.insert(begin, message.substr(begin, end + 1 - begin));
}

void swap_line_end(std::string& message, rng& choices) {
    constexpr auto others = std::to_array<std::string_view>(
        {"\n", "\r", "\r\r\n", " \r\n", "\t\r\n", "\n\r\n", "\r\n ", ""});
    std::size_t at = message.find("\r\n");
    for (std::size_t skip = choices.below(8); skip > 0 && at != std::string::npos; --skip) {
        const std::size_t next = message.find("\r\n", at + 2);
        if (next == std::string::npos)
            break;
        at = next;
    }
    if (at != std::string::npos)
        message.replace(at, 2, choices.pick(others));
}

void change_digit(std::string& message, rng& choices) {
    const std::size_t from = anywhere(message, choices);
    const std::size_t at = message.find_first_of("0123456789", from);
    if (at == std::string::npos)
        return;
    const std::string_view put = choices.pick(std::to_array<std::string_view>(
        {"0", "1", "9", "a", "F", "00", "-1", "+1", " 1", "1 ", "0x1", "1_0", ""}));
    message.replace(at, 1, put);
}

void erase_some(std::string& message, rng& choices) {
    const std::size_t at = anywhere(message, choices);
    message.erase(at, 1 + choices.below(choices.chance(70) ? 2 : 40));
}

void repeat_some(std::string& message, rng& choices) {
    const std::size_t at = anywhere(message, choices);
    message.insert(at, message.substr(at, 1 + choices.below(32)));
}

}  // namespace

void damage(std::string& message, side of, rng& choices) {
    switch (choices.below(10)) {
        case 0:
        case 1:
        case 2:
            return insert_line(message, of, choices);
        case 3:
            return drop_line(message, choices);
        case 4:
            return double_line(message, choices);
        case 5:
            return swap_line_end(message, choices);
        case 6:
            return change_digit(message, choices);
        case 7:
            message.insert(anywhere(message, choices), choices.pick(noise));
            return;
        case 8:
            return choices.chance(60) ? erase_some(message, choices)
                                      : repeat_some(message, choices);
        default:
            if (!message.empty())
                message[choices.below(message.size())] = choices.byte();
    }
}

}  // namespace penstock::campaign
