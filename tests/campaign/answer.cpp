#include "campaign/answer.hpp"

#include "campaign/mutate.hpp"
#include "campaign/rng.hpp"

#include <algorithm>
#include <array>

namespace penstock::campaign {
namespace {

constexpr auto statuses = std::to_array<std::string_view>(
    {"200 OK", "200 OK", "200 OK", "201 Created", "204 No Content", "206 Partial Content",
     "304 Not Modified", "301 Moved Permanently", "404 Not Found", "500 Internal Server Error",
     "299 ", "599 Odd"});

bool is_bodyless(std::string_view status) noexcept {
    return status.starts_with("204") || status.starts_with("304");
}

std::string make_head(std::string_view status, const std::string& mark) {
    return "HTTP/1.1 " + std::string(status) + "\r\nX-Mark: " + mark + "\r\n";
}

std::string chunks_of(const std::string& content) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string made;
    for (std::size_t at = 0; at < content.size(); at += 15) {
        const std::string piece = content.substr(at, 15);
        made += std::string(1, hex[piece.size()]) + "\r\n" + piece + "\r\n";
    }
    return made + "0\r\n";
}

std::string make_response(identity to, bool& closes, rng& choices) {
    const std::string mark = mark_of(to);
    const std::string_view status = choices.pick(statuses);
    std::string made;
    if (choices.chance(5))
        made = choices.chance(50) ? "HTTP/1.1 100 Continue\r\n\r\n"
                                  : "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    made += make_head(status, mark);
    if (choices.chance(10)) {
        made += "Connection: close\r\n";
        closes = true;
    }
    if (is_bodyless(status))
        return made + "\r\n";
    const std::size_t size = choices.chance(97) ? choices.below(80) : choices.below(40'000);
    const std::string content = mark + std::string(size, '.');
    const std::size_t framing = choices.below(10);
    if (framing < 5)
        return made + "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
    if (framing < 9) {
        made += "Transfer-Encoding: chunked\r\n\r\n" + chunks_of(content);
        return made + (choices.chance(20) ? "X-End: " + mark + "\r\n\r\n" : "\r\n");
    }
    closes = true;
    return made + "\r\n" + content;
}

// As old servers write it: all that has one reading all the same.
void make_old(std::string& response, rng& choices) {
    if (choices.chance(30)) {
        response.replace(response.find("HTTP/1.1"), 8,
                         choices.chance(50) ? "HTTP/1.2" : "HTTP/1.9");
    }
    const std::size_t end = response.find("\r\n\r\n") + 4;
    std::string head = response.substr(0, end);
    if (choices.chance(30))
        head.insert(0, "\r\n");
    if (choices.chance(60)) {
        for (std::size_t at = head.find('\r'); at != std::string::npos; at = head.find('\r', at))
            head.erase(at, 1);
    }
    response.replace(0, end, head);
}

// Fills in what the strict reader makes of the bytes; the end of the final response.
std::size_t read_answer(answer& into, std::string_view method) {
    strict_reader reader(role::response, dialect::rfc);
    reader.feed(into.bytes);
    for (;;) {
        const event got = reader.next();
        if (got == event::head) {
            const int status = reader.now().status();
            if (status < 200 || status == 204 || status == 304 || method == "HEAD")
                reader.no_body();
            continue;
        }
        if (got == event::message && reader.now().status() == 101) {
            into.fault = "an upgrade that nobody asked for";
            return 0;
        }
        if (got == event::message && reader.now().status() < 200)
            continue;
        if (got == event::more && into.closes && reader.finish() == event::message) {
            into.whole = true;
            into.response = reader.now();
            return into.bytes.size();
        }
        into.whole = got == event::message;
        into.response = reader.now();
        if (!into.whole)
            into.fault = reader.fault().empty() ? "it ends early" : reader.fault();
        into.surplus = into.whole && !reader.unread().empty();
        return into.whole ? into.bytes.size() - reader.unread().size() : 0;
    }
}

}  // namespace

answer make_answer(std::uint64_t seed, identity to, std::string_view method) {
    rng choices(seed, to.index, draw::answer, to.part);
    answer made;
    if (choices.chance(1)) {
        made.closes = true;
        made.fault = "silence";
        return made;
    }
    made.bytes = make_response(to, made.closes, choices);
    if (method == "HEAD")
        made.bytes.resize(made.bytes.find("\r\n\r\n", made.bytes.find("X-Mark")) + 4);
    rng age(seed, to.index, draw::age, to.part);
    if (age.chance(8))
        make_old(made.bytes, age);
    if (choices.chance(30)) {
        for (std::size_t times = 1 + choices.below(2); times > 0; --times)
            damage(made.bytes, side::answer, choices);
    }
    if (choices.chance(4)) {
        made.bytes.resize(choices.below(made.bytes.size() + 1));
        made.closes = made.closes || choices.chance(90);
    } else if (choices.chance(6)) {
        made.bytes += make_head("200 OK", mark_of({to.index, poison_part})) + "\r\n";
    }
    const std::size_t end = read_answer(made, method);
    // What stands behind the final response goes with its last bytes. Came it later, the next
    // request could be on its way already, and HTTP/1.1 could not tell what it answers.
    rng pace(seed, to.index, draw::pace, to.part + 1);
    for (std::size_t count = pace.chance(70) || end == 0 ? 0 : 1 + pace.below(3); count > 0;
         --count)
        made.cuts.push_back(pace.below(end));
    std::sort(made.cuts.begin(), made.cuts.end());
    return made;
}

answer plain_answer() {
    answer made;
    made.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone";
    (void)read_answer(made, "GET");
    return made;
}

}  // namespace penstock::campaign
