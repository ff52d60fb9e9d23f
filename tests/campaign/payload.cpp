#include "campaign/payload.hpp"

#include "campaign/mutate.hpp"
#include "campaign/path_reading.hpp"
#include "campaign/rng.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace penstock::campaign {
namespace {

constexpr auto bodyless_methods = std::to_array<std::string_view>(
    {"GET", "GET", "GET", "HEAD", "DELETE", "OPTIONS", "M-SEARCH", "get"});
constexpr auto body_methods = std::to_array<std::string_view>({"POST", "PUT", "PATCH", "QUERY"});

std::string hidden_request(std::uint32_t index) {
    return "GET /m/" + mark_of({index, hidden_part}) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

std::string make_target(const std::string& mark, rng& choices) {
    switch (choices.below(14)) {
        case 0:
            return "/m/" + mark + "?q=%20a&b=" + std::to_string(choices.below(100));
        case 1:
            return "http://a.test/m/" + mark;
        case 2:
            return "/m/./" + mark + "/%41";
        case 3:
        case 4:
        case 5:
        case 6:
            return odd_path([&](std::size_t bound) { return choices.below(bound); }) + "?" + mark;
        default:
            return "/m/" + mark;
    }
}

std::string make_content(std::uint32_t index, rng& choices) {
    if (choices.chance(30))
        return hidden_request(index);
    const std::size_t size = choices.chance(95) ? choices.below(64) : choices.below(24'000);
    return std::string(size, static_cast<char>('a' + choices.below(26)));
}

std::string chunked(const std::string& content, rng& choices) {
    std::string made;
    for (std::size_t at = 0; at < content.size();) {
        const std::size_t size = std::min(content.size() - at, 1 + choices.below(content.size()));
        char digits[20];
        std::snprintf(digits, sizeof digits, choices.chance(20) ? "%03zX" : "%zx", size);
        made += digits;
        if (choices.chance(10))
            made += choices.chance(50) ? ";a=b" : " ; a=\"b\\\"c\"";
        made += "\r\n" + content.substr(at, size) + "\r\n";
        at += size;
    }
    made += "0\r\n";
    if (choices.chance(10))
        made += "X-End: yes\r\n";
    return made + "\r\n";
}

std::string make_request(identity of, rng& choices) {
    const std::string mark = mark_of(of);
    const bool has_body = choices.chance(45);
    const std::string_view method =
        has_body ? choices.pick(body_methods) : choices.pick(bodyless_methods);
    std::string made = std::string(method) + " " + make_target(mark, choices) + " HTTP/1.1\r\n";
    made += "Host: a.test\r\n";
    if (choices.chance(50))
        made += "X-Mark: " + mark + "\r\n";
    if (choices.chance(20))
        made += "Accept:  */*  \r\nx-empty:\r\nAccept-Language: de\r\n";
    if (choices.chance(5))
        made += "X-Note: " + mark_of({of.index, hidden_part}) + "\r\n";
    if (!has_body)
        return made + (choices.chance(10) ? "Content-Length: 0\r\n\r\n" : "\r\n");
    const std::string content = make_content(of.index, choices);
    if (choices.chance(50))
        return made + "Transfer-Encoding: chunked\r\n\r\n" + chunked(content, choices);
    return made + "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

std::vector<std::size_t> make_cuts(std::size_t size, rng& choices) {
    std::vector<std::size_t> cuts;
    if (choices.chance(70) || size == 0)
        return cuts;
    if (size < 200 && choices.chance(20)) {
        for (std::size_t at = 1; at < size; ++at)
            cuts.push_back(at);
        return cuts;
    }
    for (std::size_t count = 1 + choices.below(4); count > 0; --count)
        cuts.push_back(choices.below(size));
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    return cuts;
}

}  // namespace

payload make_payload(std::uint64_t seed, std::uint32_t index) {
    rng choices(seed, index, draw::request);
    payload made;
    made.index = index;
    const std::size_t count = 1 + choices.below(choices.chance(60) ? 2 : 4);
    const bool hostile = choices.chance(60);
    for (std::uint32_t part = 0; part < count; ++part) {
        std::string request = make_request({index, part}, choices);
        if (hostile && choices.chance(70)) {
            made.damaged = true;
            for (std::size_t times = 1 + choices.below(2); times > 0; --times)
                damage(request, side::request, choices);
        }
        if (hostile && choices.chance(4))
            request.resize(choices.below(request.size() + 1));
        made.bytes += request;
    }
    made.bytes += "GET /m/" + mark_of({index, last_part}) +
                  " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    rng pace(seed, index, draw::pace);
    made.cuts = make_cuts(made.bytes.size(), pace);
    return made;
}

std::optional<identity> mark_in(const message& of) {
    if (const auto found = find_mark(of.start_line))
        return found;
    for (const auto& [name, value] : of.fields) {
        if (name != "x-mark")
            continue;
        if (const auto found = find_mark(value))
            return found;
    }
    return std::nullopt;
}

reading read_payload(std::string_view bytes) {
    reading made;
    strict_reader reader(role::request, dialect::rfc);
    // A line end before a request is nothing (RFC 9112 §2.2).
    reader.tolerate_empty_line();
    reader.feed(bytes);
    bool begun = false;
    for (;;) {
        const event got = reader.next();
        if (got == event::head) {
            begun = true;
            continue;
        }
        if (got == event::message) {
            begun = false;
            const bool last = reader.now().closes();
            made.requests.push_back({reader.now(), mark_in(reader.now())});
            made.surplus = last && !reader.unread().empty();
            if (last)
                return made;
            continue;
        }
        if (got == event::broken)
            made.fault = reader.fault();
        else
            made.partial = !reader.idle();
        if (begun)
            made.unfinished = {reader.now(), mark_in(reader.now())};
        return made;
    }
}

}  // namespace penstock::campaign
