// Trailers of requests: they reach the origin whenever the hop can carry them.
#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace penstock::upstream::test {
namespace {

constexpr std::string_view small_reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// RFC 9110 §10.1.4: TE is about the response's trailers.
TEST(UpstreamRequest, PassesTrailersWhateverTheClientAccepts) {
    for (const bool accepted : {true, false}) {
        std::string head;
        std::string tail;
        origin peer([&](conversation& with) {
            head = with.read_head();
            with.read_exactly(std::string_view("2\r\nab\r\n0\r\n").size());
            tail = with.read_until("\r\n\r\n");
            with.write(small_reply);
        });
        {
            site here(peer.port());
            client by(here.home, http::method::post, "POST");
            by.request.accepts_trailers = accepted;
            by.body.trailer_fields.add("X-Sum", "7");
            by.body.give("ab");
            by.body.end();
            EXPECT_TRUE(here.fetch_once(by).answered);
            here.over().retire();
        }
        EXPECT_EQ(tail, "X-Sum: 7\r\n\r\n");
        EXPECT_EQ(head.find("TE: trailers") != std::string::npos, accepted);
    }
}

// A client of HTTP/2 may announce a length of 0 and end its message with trailers, later.
TEST(UpstreamRequest, HasChunksForTrailersThatComeLater) {
    std::string head;
    std::string rest;
    origin peer([&](conversation& with) {
        head = with.read_head();
        with.write("HTTP/1.1 102 Processing\r\n\r\n");
        rest = with.read_head();
        with.write(small_reply);
    });
    {
        site here(peer.port());
        client by(here.home, http::method::post, "POST");
        by.body.announced = 0;
        by.on_interim = [&](int) {
            by.body.trailer_fields.add("X-Sum", "0");
            by.body.end();
        };
        EXPECT_TRUE(here.fetch_once(by).answered);
        here.over().retire();
    }
    EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(head.find("Content-Length"), std::string::npos);
    EXPECT_EQ(rest, "0\r\nX-Sum: 0\r\n\r\n");
}

// Behind a length they would have no place.
TEST(UpstreamRequest, HasChunksForTrailersBehindAnEmptyBody) {
    for (const auto announced : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(0)}) {
        std::string head;
        std::string rest;
        origin peer([&](conversation& with) {
            head = with.read_head();
            rest = with.read_head();
            with.write(small_reply);
        });
        {
            site here(peer.port());
            client by(here.home, http::method::post, "POST");
            by.request.accepts_trailers = true;
            by.body.announced = announced;
            by.body.trailer_fields.add("X-Sum", "0");
            by.body.end();
            EXPECT_TRUE(here.fetch_once(by).answered);
            here.over().retire();
        }
        EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
        EXPECT_EQ(head.find("Content-Length"), std::string::npos);
        EXPECT_EQ(rest, "0\r\nX-Sum: 0\r\n\r\n");
    }
}

}  // namespace
}  // namespace penstock::upstream::test
