#include "penstock/http/refused_head.hpp"
#include "penstock/http/h1_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace penstock::http {
namespace {

using namespace std::string_literals;

struct refused_case {
    const char* name;
    std::string head;
    std::string expected;
};

// As a listener would find out: the parser refuses it, and it is explained afterwards.
std::string explained(const std::string& head) {
    h1_request_parser parser{head_limits()};
    request_head into;
    const auto fed = parser.feed(head, into);
    if (fed)
        return "not refused";
    return explain(fed.error(), {head, glance_at(head).target});
}

const std::string host = "Host: a.test\r\n";

std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\n" + host + "\r\n";
}
std::string with(const std::string& lines) { return "GET / HTTP/1.1\r\n" + host + lines + "\r\n"; }

TEST(RefusedHead, NamesTheRuleAndThePlace) {
    const refused_case cases[] = {
        {"nul", get("/a%00b?c"), "encoded NUL in path"},
        {"escape", get("/a%zz"), "malformed escape in path"},
        {"short escape", get("/a%4"), "malformed escape in path"},
        {"backslash", get("/a\\b"), "backslash in path"},
        {"fragment", get("/a#b"), "fragment in target"},
        {"above the root", get("/a/../../b"), "path above its root"},
        {"above the root, encoded", get("/%2e%2E/b"), "path above its root"},
        {"byte", get("/\xc3\xa4"), "byte in target that no URI has"},
        {"scheme", get("ftp://a/"), "scheme other than http and https"},
        {"host in target", get("http://u@a/"), "malformed host in target"},
        {"form", get("a.test"), "target of no known form"},
        {"no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", "no Host"},
        {"two hosts", with(host), "more than one Host"},
        {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "empty Host"},
        {"list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "list in Host"},
        {"user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "user in Host"},
        {"host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "malformed name in Host"},
        {"bare lf", "GET / HTTP/1.1\n" + host, "bare LF behind the request line"},
        {"bare lf in a field", "GET / HTTP/1.1\r\nA: b\n" + host, "bare LF at the end (field 1)"},
        {"cr", with("A: b\rc\r\n"), "bare CR (field 2)"},
        {"nul in a field", with("A: \0\r\n"s), "NUL (field 2)"},
        {"folded", with("A: b\r\n c\r\n"), "folded line (field 3)"},
        {"colon", with("A\r\n"), "no colon (field 2)"},
        {"blank", with("A : b\r\n"), "blank before the colon (field 2)"},
        {"name", with("A b: c\r\n"), "name that is no token (field 2)"},
        {"no name", with(": c\r\n"), "no name (field 2)"},
        {"control", with("A: b\r\nB: \x01\r\n"), "control byte in the value (field 3)"},
        {"field", with("A: b\r\nB: " + std::string(17000, 'c') + "\r\n"),
         "header field too large (field 3)"},
        {"line", get("/" + std::string(9000, 'a')), "request line too long"},
        {"version", "GET / HTTP/2.0\r\n" + host + "\r\n", "HTTP version not supported"},
        {"method", "G{T / HTTP/1.1\r\n" + host + "\r\n",
         "the method is not a token of at most 32 bytes"},
    };
    for (const refused_case& item : cases)
        EXPECT_EQ(explained(item.head), item.expected) << item.name;
}

TEST(RefusedHead, SaysNothingOfOtherErrors) {
    EXPECT_EQ(explain(make_error_code(boost::system::errc::timed_out), {}), "");
}

TEST(RefusedHead, ShowsWhatWasSent) {
    const head_glance seen = glance_at(
        "GET /a b%00?c HTTP/1.1\r\n"
        "user-AGENT: old/1 \r\nHost: A\r\nX: y");
    EXPECT_EQ(seen.method, "GET");
    EXPECT_EQ(seen.target, "/a b%00?c");
    EXPECT_EQ(seen.host, "A");
    EXPECT_EQ(seen.user_agent, "old/1");
}

TEST(RefusedHead, ShowsAsMuchAsHasCome) {
    const std::string head =
        "\r\nGET /a HTTP/1.1\r\n"
        "User-Agent: old\r\nHost: a.test\r\n\r\nbody";
    for (std::size_t size = 0; size <= head.size(); ++size) {
        // As much of `value`, which stands behind `front`, as has come.
        const auto come = [&](std::string_view front, std::string_view value) {
            const std::size_t at = head.find(front) + front.size();
            return std::string(value.substr(0, size > at ? size - at : 0));
        };
        const head_glance seen = glance_at(std::string_view(head).substr(0, size));
        EXPECT_EQ(seen.method, come("\r\n", "GET")) << size;
        // Until the version has begun nothing says where the target ends.
        const std::string target = come("GET ", "/a HTTP/");
        EXPECT_EQ(seen.target, target.ends_with(" HTTP/") ? "/a" : target) << size;
        EXPECT_EQ(seen.user_agent, come("User-Agent: ", "old")) << size;
        EXPECT_EQ(seen.host, come("Host: ", "a.test")) << size;
    }
}

// Behind the head stands the body, which is nobody's user agent.
TEST(RefusedHead, LooksNoFurtherThanTheHead) {
    const head_glance seen = glance_at(
        "GET / HTTP/1.1\r\nA: b\r\n\r\n"
        "User-Agent: x\r\n");
    EXPECT_EQ(seen.user_agent, "");
}

}  // namespace
}  // namespace penstock::http
