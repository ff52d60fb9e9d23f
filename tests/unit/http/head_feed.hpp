// Reads heads for the tests of both parsers: in one piece, byte by byte and cut once at every byte,
// which has to come to the same. The parsers see copies of just what was received, so that the
// address sanitizer notices a look beyond.
#pragma once

#include "penstock/http/h1_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http::test {

// What a parser said, and what it had understood by then.
struct outcome {
    std::optional<std::size_t> length;
    error failed;
    std::string understood;
    bool operator==(const outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const outcome& of) {
    if (of.length) {
        out << *of.length << " bytes";
    } else {
        out << (of.failed ? of.failed.message() : "more");
    }
    return out << " [" << of.understood << "]";
}

inline std::string fields_text(const fields& of) {
    std::string text;
    for (const fields::field each : of)
        text.append("|").append(each.name).append("=").append(each.value);
    return text;
}

inline const char* version_text(version of) {
    return of == version::http_1_1 ? "1.1" : of == version::http_1_0 ? "1.0" : "2";
}

// method version scheme authority path query|name=value…, with '-' for what is empty.
inline std::string text_of(const request_head& head) {
    std::string text = head.method_text;
    for (const std::string_view part :
         {std::string_view(version_text(head.version)), std::string_view(head.scheme),
          std::string_view(head.authority), std::string_view(head.path),
          std::string_view(head.query)})
        text.append(" ").append(part.empty() ? "-" : part);
    return text + fields_text(head.fields);
}

// status version phrase|name=value…
inline std::string text_of(const response_head& head) {
    return std::to_string(head.status) + " " + version_text(head.version) + " " +
           head.reason_phrase + fields_text(head.fields);
}

inline constexpr std::size_t copied_max = 4096;

template <class Parser, class Head>
outcome feed_up_to(const std::vector<std::size_t>& sizes, std::string_view bytes, Parser& parser,
                   Head& into) {
    for (const std::size_t size : sizes) {
        std::vector<char> copy;
        std::string_view received = bytes.substr(0, size);
        if (size <= copied_max) {
            copy.assign(received.begin(), received.end());
            received = {copy.data(), copy.size()};
        }
        const auto fed = parser.feed(received, into);
        if (!fed)
            return {std::nullopt, fed.error(), text_of(into)};
        if (*fed)
            return {**fed, {}, text_of(into)};
    }
    return {std::nullopt, {}, text_of(into)};
}

template <class Parser, class Head>
outcome read_cut(const std::vector<std::size_t>& sizes, std::string_view bytes,
                 const head_limits& limits) {
    Parser parser(limits);
    Head into;
    return feed_up_to(sizes, bytes, parser, into);
}

template <class Parser, class Head>
outcome read_every_way(std::string_view bytes, const head_limits& limits) {
    const outcome whole = read_cut<Parser, Head>({bytes.size()}, bytes, limits);
    std::vector<std::size_t> each(bytes.size());
    for (std::size_t i = 0; i < each.size(); ++i)
        each[i] = i + 1;
    EXPECT_EQ((read_cut<Parser, Head>(each, bytes, limits)), whole) << "byte by byte";
    if (bytes.size() > copied_max)
        return whole;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        EXPECT_EQ((read_cut<Parser, Head>({cut, bytes.size()}, bytes, limits)), whole)
            << "cut at " << cut;
    return whole;
}

inline outcome read_request(std::string_view bytes, const head_limits& limits = {}) {
    return read_every_way<h1_request_parser, request_head>(bytes, limits);
}
inline outcome read_response(std::string_view bytes, const head_limits& limits = {}) {
    return read_every_way<h1_response_parser, response_head>(bytes, limits);
}

// A whole head that is `bytes` and nothing else.
inline void expect_whole(const outcome& got, std::string_view bytes, std::string_view understood) {
    EXPECT_EQ(got, (outcome{bytes.size(), {}, std::string(understood)}));
}
inline void expect_fault(const outcome& got, errc why) {
    EXPECT_EQ(got.failed, why) << got;
    EXPECT_FALSE(got.length);
}

}  // namespace penstock::http::test
