// What becomes of a request whose answer begins before it is complete.
#include "integration/upstream_client.hpp"
#include "integration/upstream_origin.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

namespace penstock::upstream::test {
namespace {

// The origin has begun to answer and is silent until the upload is over, as it may be.
TEST(UpstreamEarly, SlowBodyDoesNotUseUpTheIdleTime) {
    origin peer([&](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        with.read_until("0\r\n\r\n");
        with.write("ok");
    });
    site here(peer.port());
    here.shared->settings.timeouts.idle = 150ms;
    client by(here.home, http::method::post, "POST");
    here.over();
    here.home.spawn(give_slowly(here.home, by, 5, 80ms));
    const outcome got = here.fetch_once(by);
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body_error, error());
    EXPECT_EQ(got.body, "ok");
    here.over().retire();
}

TEST(UpstreamEarly, IdleTimeBeginsWithTheEndOfTheUpload) {
    gate over;
    origin peer([&](conversation& with) {
        with.read_head();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        with.read_until("0\r\n\r\n");
        with.wait_for(over);
    });
    site here(peer.port());
    here.shared->settings.timeouts.idle = 60ms;
    client by(here.home, http::method::post, "POST");
    here.over();
    here.home.spawn(give_slowly(here.home, by, 1, 100ms));
    const outcome got = here.fetch_once(by);
    ASSERT_TRUE(got.answered);
    EXPECT_EQ(got.body_error, net::errc::upstream_idle_timeout);
    over.open();
}

TEST(UpstreamEarly, ResponseEndsTheRequestAndTheConnection) {
    struct {
        const char* name;
        std::string_view reply;
        std::string_view body;
    } const cases[] = {
        {"with a body", "HTTP/1.1 413 No\r\nContent-Length: 4\r\n\r\nmuch", "much"},
        {"without one", "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", ""},
    };
    for (const auto& item : cases) {
        SCOPED_TRACE(item.name);
        origin peer([&](conversation& with) {
            with.read_head();
            with.write(item.reply);
            with.read_exactly(3);
            EXPECT_TRUE(with.peer_closes());
        });
        site here(peer.port());
        client by(here.home, http::method::post, "POST");
        by.body.announced = 100;
        by.body.give("abc");
        const outcome got = here.fetch_once(by);
        ASSERT_TRUE(got.answered);
        EXPECT_EQ(got.head.status, 413);
        EXPECT_EQ(got.body, item.body);
        EXPECT_EQ(got.body_error, error());
        EXPECT_TRUE(by.body.stopped());
        EXPECT_EQ(here.over().counters().idle.load(), 0U);
    }
}

}  // namespace
}  // namespace penstock::upstream::test
