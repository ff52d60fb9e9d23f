// Heads are parsed and written without an allocation once the objects that hold them have grown:
// every request takes this path. Counts what this program asks the heap for.
#include "penstock/http/h1_head.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

namespace {

std::size_t allocations = 0;

}  // namespace

// Not inlined: GCC takes a free() of what `new` gave for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    void* const made = std::malloc(size == 0 ? 1 : size);
    if (made == nullptr)
        throw std::bad_alloc();
    return made;
}
// As std::stable_sort takes its buffer, to give it back by the ones below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace penstock::http {
namespace {

constexpr std::string_view request_text =
    "GET /a/path/that/does/not/fit/into/a/short/string?and=a&query=too HTTP/1.1\r\n"
    "Host: a.host.that.does.not.fit.into.a.short.string.example:8443\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Cookie: a=0123456789abcdef0123456789abcdef; b=0123456789abcdef0123456789abcdef\r\n"
    "X-Forwarded-For: 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4\r\n\r\n";

constexpr std::string_view response_text =
    "HTTP/1.1 404 A phrase that does not fit into a short string\r\n"
    "Content-Type: application/octet-stream\r\nContent-Length: 12\r\n"
    "Set-Cookie: a=0123456789abcdef0123456789abcdef; Path=/; HttpOnly\r\n"
    "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n\r\n";

// What one more round costs, after two to grow.
template <class Round>
std::size_t cost_of(Round round) {
    EXPECT_TRUE(round());
    EXPECT_TRUE(round());
    const std::size_t before = allocations;
    const bool done = round();
    const std::size_t after = allocations;
    EXPECT_TRUE(done);
    return after - before;
}

TEST(Allocations, AreCounted) {
    std::string longer = "not known to the compiler";
    EXPECT_GE(cost_of([&] { return std::string(longer.append("x")).size() == longer.size(); }), 1U);
}

TEST(Allocations, NeedNoneToParseARequest) {
    h1_request_parser parser{head_limits()};
    request_head head;
    EXPECT_EQ(cost_of([&] {
                  head.clear();
                  parser.reset();
                  const auto fed = parser.feed(request_text, head);
                  return fed && *fed == request_text.size();
              }),
              0U);
}

TEST(Allocations, NeedNoneForBytesThatTrickleIn) {
    h1_request_parser parser{head_limits()};
    request_head head;
    EXPECT_EQ(cost_of([&] {
                  head.clear();
                  parser.reset();
                  for (std::size_t size = 1; size < request_text.size(); ++size) {
                      const auto fed = parser.feed(request_text.substr(0, size), head);
                      if (!fed || *fed)
                          return false;
                  }
                  return parser.feed(request_text, head).has_value();
              }),
              0U);
}

TEST(Allocations, NeedNoneToRefuseARequest) {
    h1_request_parser parser{head_limits()};
    request_head head;
    EXPECT_EQ(cost_of([&] {
                  head.clear();
                  parser.reset();
                  return parser.feed("GET / HTTP/1.1\r\nHost : a\r\n\r\n", head).has_error();
              }),
              0U);
}

TEST(Allocations, NeedNoneToEditAndWriteARequest) {
    h1_request_parser parser{head_limits()};
    request_head head;
    std::string out;
    EXPECT_EQ(cost_of([&] {
                  head.clear();
                  parser.reset();
                  out.clear();
                  if (!parser.feed(request_text, head))
                      return false;
                  head.fields.set("X-Forwarded-For", "192.0.2.9");
                  head.fields.remove(field_id::cookie);
                  head.fields.add("X-Request-Id", "0123456789abcdef");
                  return encode_request(head, {}, out).has_value();
              }),
              0U);
}

TEST(Allocations, NeedNoneToParseAndWriteAResponse) {
    h1_response_parser parser{head_limits()};
    response_head head;
    std::string out;
    EXPECT_EQ(cost_of([&] {
                  head.clear();
                  parser.reset();
                  out.clear();
                  const auto fed = parser.feed(response_text, head);
                  head.fields.remove(field_id::content_length);
                  return fed && *fed && encode_response(head, {}, out).has_value();
              }),
              0U);
}

}  // namespace
}  // namespace penstock::http
