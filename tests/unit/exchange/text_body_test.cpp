#include "penstock/exchange/text_body.hpp"

#include "unit/net/loop.hpp"

namespace penstock::exchange {
namespace {

std::string take(body_source& from, std::size_t max) {
    const result<std::string_view> got = from.take(max);
    return got ? std::string(*got) : "error: " + got.error().message();
}

TEST(TextBody, IsNoneForAnEmptyText) { EXPECT_EQ(make_text_body(""), nullptr); }

TEST(TextBody, HasTrailersAlsoBehindAnEmptyText) {
    for (const std::string text : {"", "hello"}) {
        http::fields trailers;
        trailers.add("X-Sum", "5");
        const auto body = make_text_body(text, std::move(trailers));
        ASSERT_NE(body, nullptr);
        EXPECT_EQ(body->finished(), text.empty());
        EXPECT_FALSE(body->absent());
        EXPECT_EQ(take(*body, 10), text);
        EXPECT_EQ(body->trailers().find("X-Sum"), "5");
    }
}

TEST(TextBody, AnnouncesItsLength) {
    const auto body = make_text_body("hello");
    EXPECT_EQ(body->length(), std::uint64_t{5});
    EXPECT_EQ(take(*body, 2), "he");
    EXPECT_EQ(body->length(), std::uint64_t{5});
    EXPECT_TRUE(body->trailers().empty());
}

TEST(TextBody, GivesAtMostWhatIsAskedFor) {
    const std::string text = "hello";
    for (std::size_t max = 1; max <= text.size() + 1; ++max) {
        const auto body = make_text_body(text);
        std::string got;
        while (!body->finished()) {
            const std::string part = take(*body, max);
            ASSERT_FALSE(part.empty());
            EXPECT_LE(part.size(), max);
            got += part;
        }
        EXPECT_EQ(got, text) << max;
        EXPECT_EQ(take(*body, max), "");
    }
}

TEST(TextBody, IsNotFinishedByTakingNothing) {
    const auto body = make_text_body("x");
    EXPECT_EQ(take(*body, 0), "");
    EXPECT_FALSE(body->finished());
}

TEST(TextBody, EndsWhenItIsStopped) {
    const auto body = make_text_body("hello");
    EXPECT_EQ(take(*body, 2), "he");
    body->stop();
    EXPECT_TRUE(body->finished());
    EXPECT_EQ(take(*body, 10), "");
}

net::task<> wait_and_close(body_source& body, bool& waited) {
    const result<void> got = co_await body.wait();
    waited = !got.has_error();
    co_await body.close();
}

TEST(TextBody, IsAlwaysReady) {
    const auto body = make_text_body("hello");
    net::worker home(0);
    bool waited = false;
    net::test::run(home, wait_and_close(*body, waited));
    EXPECT_TRUE(waited);
    EXPECT_FALSE(body->finished());
}

}  // namespace
}  // namespace penstock::exchange
