// What has to hold between a client and an origin whichever version of HTTP each of them speaks.
#include "e2e/pair_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

using testing::ElementsAre;

class Pair : public testing::TestWithParam<version_pair> {
 protected:
    // An origin that does this on each of its connections.
    void start(std::function<void(pair_origin& origin)> script) {
        origin_.emplace([script = std::move(script)](peer& wire, int) {
            pair_origin origin(wire, GetParam());
            script(origin);
        });
        proxy_.emplace(pair_configuration(GetParam(), origin_->address()));
        client_.emplace(GetParam(), proxy_->port("web"));
    }
    daemon& proxy() { return *proxy_; }
    pair_client& client() { return *client_; }
    void expect_clean() const { EXPECT_THAT(origin_->failures(), ElementsAre()); }

 private:
    std::optional<scripted_origin> origin_;
    std::optional<daemon> proxy_;
    std::optional<pair_client> client_;
};

INSTANTIATE_TEST_SUITE_P(Versions, Pair, testing::ValuesIn(all_pairs()),
                         [](const auto& of) { return of.param.name(); });

// RFC 9110 §8.6: the length is that of the body which a GET, or a 200, would have had.
TEST_P(Pair, LengthOfABodyThatIsNotThereIsPassed) {
    start([](pair_origin& origin) {
        while (origin.request()) {
            origin.bare(200, {{"content-length", "1234"}});
            if (!origin.request())
                return;
            origin.bare(304, {{"content-length", "4321"}, {"etag", "\"a\""}});
            if (!origin.request())
                return;
            origin.answer(200, "body");
        }
    });
    client().ask("HEAD");
    const http_response head = client().response();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("content-length"), "1234");
    EXPECT_EQ(head.body, "");
    client().ask("GET", {{"if-none-match", "\"a\""}});
    const http_response unchanged = client().response();
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_EQ(unchanged.field("content-length"), "4321");
    EXPECT_EQ(unchanged.field("etag"), "\"a\"");
    EXPECT_EQ(unchanged.body, "");
    // Nobody has waited for the bytes, nor takes others for them.
    client().ask("GET");
    EXPECT_EQ(client().response().body, "body");
    expect_clean();
}

// Also those that mean something of our own in the log.
TEST_P(Pair, EveryStatusIsPassed) {
    std::vector<int> statuses;
    for (int status = 200; status < 600; ++status) {
        if (status != 204 && status != 205 && status != 304)
            statuses.push_back(status);
    }
    start([&](pair_origin& origin) {
        for (const int status : statuses) {
            if (!origin.request())
                return;
            origin.answer(status, std::to_string(status));
        }
    });
    for (const int status : statuses) {
        client().ask("GET");
        const http_response seen = client().response();
        EXPECT_EQ(seen.status, status);
        EXPECT_EQ(seen.body, std::to_string(status));
    }
    expect_clean();
}

// The client sends its body once it has the origin's consent, and not before.
TEST_P(Pair, BodyFollows100) {
    start([](pair_origin& origin) {
        while (origin.request()) {
            origin.interim(100);
            if (origin.hears("hello"))
                origin.answer(200, "thanks");
        }
    });
    for (int i = 0; i < 2; ++i) {
        client().ask("POST", {{"content-length", "5"}, {"expect", "100-continue"}}, false);
        client().await_interim(100);
        client().body("hello", true);
        const http_response got = client().response();
        EXPECT_THAT(got.interim, ElementsAre(100));
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "thanks");
    }
    expect_clean();
}

// RFC 8297.
TEST_P(Pair, EarlyHintsArriveBeforeTheResponse) {
    gate seen;
    start([&seen](pair_origin& origin) {
        if (!origin.request())
            return;
        origin.interim(103, {{"link", "</style.css>"}});
        // With the response still to come, so the hints cannot have waited for it.
        origin.wait_for(seen);
        origin.answer(200, "late");
        (void)origin.request();
    });
    client().ask("GET");
    client().await_interim(103);
    EXPECT_EQ(client().interim_field("link"), "</style.css>");
    seen.open();
    const http_response got = client().response();
    EXPECT_THAT(got.interim, ElementsAre(103));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "late");
    expect_clean();
}

// The response begins, and goes on, while the request is not over: question by question.
TEST_P(Pair, BothDirectionsRunAtOnce) {
    start([](pair_origin& origin) {
        if (!origin.request() || !origin.hears("one"))
            return;
        origin.head(200, {{"content-length", "9"}});
        origin.body("ONE", false);
        if (!origin.hears("two"))
            return;
        origin.body("TWO", false);
        if (!origin.hears("end") || !origin.hears_end())
            return;
        origin.body("END", true);
        (void)origin.request();
    });
    field_list fields;
    if (!client().is_h2())
        fields.emplace_back("transfer-encoding", "chunked");
    client().ask("POST", fields, false);
    client().piece("one");
    client().hears("ONE");
    client().piece("two");
    client().hears("TWO");
    client().piece("end");
    client().last_piece();
    EXPECT_EQ(client().response().body, "ONETWOEND");
    expect_clean();
}

// An answer that does not wait for the rest of its request is whole at the client; the rest is not
// wanted any more, which is nobody's fault. Who comes next is served.
TEST_P(Pair, AnswerDuringTheUploadEndsIt) {
    std::atomic<int> requests{0};
    std::optional<std::uint32_t> ended_with;
    gate cut;
    start([&](pair_origin& origin) {
        while (origin.request()) {
            if (requests++ > 0) {
                origin.answer(200, "next");
                continue;
            }
            if (!origin.hears("part"))
                return;
            origin.answer(403, "no");
            ended_with = origin.cut();
            cut.open();
        }
    });
    client().ask("POST", {{"content-length", "1000000"}}, false);
    client().body("part", false);
    const http_response got = client().response();
    EXPECT_EQ(got.status, 403);
    EXPECT_EQ(got.body, "no");
    client().wire().wait_for(cut);
    EXPECT_EQ(ended_with, GetParam().h2_origin ? std::optional<std::uint32_t>(8) : std::nullopt);
    const std::string line = proxy().running().wait_for("\"http.response.status_code\":403");
    EXPECT_EQ(text_in(line, "penstock.reason"), "none") << line;
    if (client().is_h2()) {
        EXPECT_EQ(client().reset(), 0U);
        // What was on its way is passed over, and the connection goes on.
        client().body("more", false);
        client().ask("GET");
        EXPECT_EQ(client().response().body, "next");
    } else {
        EXPECT_EQ(got.field("connection"), "close");
        client().body("more", false);
        EXPECT_EQ(client().wire().wait_closed(), closing::eof);
        pair_client another(GetParam(), proxy().port("web"));
        another.ask("GET");
        EXPECT_EQ(another.response().body, "next");
    }
    expect_clean();
}

}  // namespace
}  // namespace penstock::test
