// The same bytes of an origin, whole and cut at every byte: what the client sees must not depend on
// how they came. No case says what is right, so that none can be wrong; only differences count.
#include "e2e/attack_site.hpp"
#include "support/wait.hpp"

#include <string>
#include <vector>

namespace penstock::test {
namespace {

class AttackCuts : public attack_suite<attack_site> {};

const std::string ok = "HTTP/1.1 200 OK\r\n";

std::vector<std::string> framings() {
    const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    return {
        ok + "Content-Length: 2\r\n\r\nhi",
        ok + "Content-Length: 3\r\n\r\nhi",
        ok + "Content-Length: 0\r\n\r\n",
        ok + "content-length:2\r\n\r\nhi",
        ok + "Content-Length: \t2 \t\r\n\r\nhi",
        ok + "Content-Length: 02\r\n\r\nhi",
        ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        ok + "Content-Length: 2, 2\r\n\r\nhi",
        ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ok + "Content-Length : 2\r\n\r\nhi",
        ok + "Content-Length: 2\n\r\nhi",
        ok + "\r\nhi",
        ok + "\r\n",
        chunked + "2\r\nhi\r\n0\r\n\r\n",
        chunked + "2;a\r\nhi\r\n0\r\n\r\n",
        chunked + "2;a=b;c=\"d\\\"e\"\r\nhi\r\n0\r\n\r\n",
        chunked + "2 \r\nhi\r\n0\r\n\r\n",
        chunked + "2;\r\nhi\r\n0\r\n\r\n",
        chunked + "02\r\nhi\r\n00\r\n\r\n",
        chunked + "A\r\n0123456789\r\n0\r\n\r\n",
        chunked + "2\r\nhi\r\n0\r\nX-A: b\r\n\r\n",
        chunked + "2\r\nhi\r\n0\r\nContent-Length: 5\r\n\r\n",
        chunked + "2\r\nhi\r\n0\r\nX-A : b\r\n\r\n",
        chunked + "2\r\nhi\r\n0\r\n X-A: b\r\n\r\n",
        chunked + "2\r\nhi!\r\n0\r\n\r\n",
        chunked + "2\r\nh\r\n0\r\n\r\n",
        chunked + "2\nhi\r\n0\r\n\r\n",
        chunked + "2\r\nhi\n0\r\n\r\n",
        chunked + "2\r\nhi\r\n\r\n",
        chunked + "2\r\nhi\r\n0\r\n",
        chunked + "-2\r\nhi\r\n0\r\n\r\n",
        chunked + "0x2\r\nhi\r\n0\r\n\r\n",
        chunked + "fffffffffffffffff\r\nhi",
        chunked + "\r\n2\r\nhi\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2  \r\nhi\r\n0 \t\r\n\r\n",
        ok + "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    };
}

std::vector<std::string> heads() {
    const std::string end = "Content-Length: 2\r\n\r\nhi";
    return {
        "HTTP/1.0 200 OK\r\n" + end,
        "HTTP/1.0 200 OK\r\n\r\nhi",
        "HTTP/1.1 200\r\n" + end,
        "HTTP/1.1 200 \r\n" + end,
        "HTTP/1.1 200 OK OK\r\n" + end,
        "HTTP/1.1 200  OK\r\n" + end,
        "HTTP/1.1\t200 OK\r\n" + end,
        "HTTP/1.2 200 OK\r\n" + end,
        "HTTP/2 200\r\n" + end,
        "HTTP/1.1 199 Odd\r\n\r\n" + ok + end,
        "HTTP/1.1 100 Continue\r\n\r\n" + ok + end,
        "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + ok + end,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n" + end,
        "HTTP/1.1 304 Not Modified\r\n" + end,
        "HTTP/1.1 600 Odd\r\n" + end,
        "HTTP/1.1 999 Odd\r\n" + end,
        "HTTP/1.x 200 OK\r\n" + end,
        "\r\n" + ok + end,
        "\r\n\r\n" + ok + end,
        "\n" + ok + end,
        "\r" + ok + end,
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        "\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\n\nhi",
        ok + "X-A: b\r\n c\r\n" + end,
        ok + "X-A:\r\n" + end,
        ok + "X A: b\r\n" + end,
        ok + "X-A: b\rc\r\n" + end,
        ok + "X-A: \x80\xff\r\n" + end,
        ok + "Connection: close\r\n" + end,
        ok + "Connection: X-A, Content-Length\r\nX-A: b\r\n" + end,
        "<html>",
        "HTTP/1.1 200 OK",
        "",
    };
}

// Everything a client can tell about an answer, the time of day aside.
std::string visible(const seen_response& of) {
    std::string text = std::to_string(of.head.status) + (of.whole ? " whole" : " cut") +
                       (of.closes ? " closes\n" : " stays\n");
    for (const int status : of.head.interim)
        text += std::to_string(status) + " ";
    for (const auto& [name, value] : of.head.fields) {
        const bool differs = name == "Date" || name == "X-Request-Id";
        // The page of an error names its request.
        const bool of_page = of.head.status == 502 && name == "Content-Length";
        text += differs || of_page ? name + "\n" : name + ": " + value + "\n";
    }
    for (const auto& [name, value] : of.head.trailers)
        text += name + ": " + value + "\n";
    return of.head.status == 502 ? text : text + of.head.body + of.left_over;
}

// No connection waits in the pool, so that nothing of one case can answer the next: bytes that an
// origin sends behind its answer may arrive when the next request is on its way (RFC 9112, 6.3).
void wait_for_empty_pool(const attack_site& site) {
    const time_limit limit(patience);
    while (sum(scrape(site.proxy), "penstock_upstream_connections", {"state=\"idle\""}) > 0) {
        if (limit.passed())
            throw test_error("a connection stays in the pool though its origin has closed it");
    }
}

std::string outcome_of(attack_site& site, std::string_view bytes, std::size_t cut) {
    site.origin.on("cut", [bytes = std::string(bytes), cut](peer& client, http_request&) {
        say(client, bytes.substr(0, cut), writing::whole);
        // The proxy may have read the first part by now, or not.
        if (cut > 0 && cut < bytes.size())
            (void)client.stays_quiet(milliseconds(cut % 2));
        say(client, bytes.substr(cut), writing::whole);
        return false;
    });
    peer client = site.client();
    client.send(get("/cut"));
    const seen_response seen = see_response(client);
    wait_for_empty_pool(site);
    // What broke before a byte had gone to the client is an error like any other.
    const bool early = seen.head.status == 502;
    return early || !seen.whole ? "broken" : visible(seen);
}

void compare(attack_site& site, const std::vector<std::string>& all) {
    for (const std::string& bytes : all) {
        const std::string whole = outcome_of(site, bytes, bytes.size());
        // A sanitizer's build takes every third place, so that it takes no longer.
        const std::size_t step = sanitized() ? 3 : 1;
        for (std::size_t cut = 1; cut < bytes.size(); cut += step) {
            ASSERT_EQ(outcome_of(site, bytes, cut), whole) << bytes << "\ncut at " << cut;
        }
    }
    site.expect_clean(nullptr, "cuts");
}

TEST_F(AttackCuts, B7_Framings_read_the_same_wherever_they_are_cut) { compare(site(), framings()); }

TEST_F(AttackCuts, B7_Heads_read_the_same_wherever_they_are_cut) { compare(site(), heads()); }

}  // namespace
}  // namespace penstock::test
