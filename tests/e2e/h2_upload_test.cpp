// ATTACKS F-2 over HTTP/2: clients that are silent within a body, or send it byte by byte, towards
// origins of both versions.
#include "e2e/clock_site.hpp"
#include "e2e/pair_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace penstock::test {
namespace {

constexpr std::uint32_t no_error = 0;
constexpr std::uint32_t cancel = 8;

// More keys of the listener, each with a comma in front.
std::string site(const version_pair& of, const std::string& origin, const std::string& timeouts,
                 const std::string& listener = "") {
    return "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
           "listeners: {web: {bind: \"127.0.0.1:0\", timeouts: {" +
           timeouts + "}" + listener +
           "}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" + origin +
           "\"], timeouts: {first_byte: 24h, idle: 24h}" +
           (of.h2_origin ? ", protocol: h2, http2: {ping_interval: 24h}" : "") + "}}\n";
}

class H2Upload : public testing::TestWithParam<bool> {
 protected:
    [[nodiscard]] static version_pair versions() { return {true, GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Origins, H2Upload, testing::Bool(),
                         [](const auto& of) { return of.param ? "H2" : "H1"; });

// The client's time is over before the origin has answered: that is an answer of our own.
TEST_P(H2Upload, SilenceWithinTheBodyIs408) {
    std::atomic<int> requests{0};
    std::optional<std::uint32_t> ended_with;
    gate cut;
    scripted_origin origin([&](peer& wire, int) {
        pair_origin each(wire, versions());
        while (each.request()) {
            if (requests++ > 0) {
                each.answer(200, "next");
                continue;
            }
            if (!each.hears("part"))
                return;
            ended_with = each.cut();
            cut.open();
            if (!GetParam())
                return;
        }
    });
    daemon proxy(site(versions(), origin.address(), "body_idle: 300ms"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::post("/up"), false) + h2::body(1, "part", false));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 408);
    EXPECT_EQ(seen.field("proxy-status"), "penstock; error=body_timeout");
    while (!seen.reset)
        ASSERT_TRUE(client.read());
    EXPECT_EQ(seen.reset, no_error);
    // The origin does not take the part for the whole.
    client.wire.wait_for(cut);
    EXPECT_EQ(ended_with, GetParam() ? std::optional<std::uint32_t>(cancel) : std::nullopt);
    const std::string line = proxy.running().wait_for("\"http.response.status_code\":408");
    EXPECT_EQ(text_in(line, "penstock.reason"), "body_timeout");
    // The client's other streams have nothing to do with it.
    client.send(h2::head(3, h2::get("/next")));
    EXPECT_EQ(client.response(3).body, "next");
    EXPECT_THAT(origin.failures(), testing::ElementsAre());
}

// Behind the head of a response there is no status left to give.
TEST_P(H2Upload, SilenceBehindTheHeadEndsTheStream) {
    std::optional<std::uint32_t> ended_with;
    gate cut;
    scripted_origin origin([&](peer& wire, int) {
        pair_origin each(wire, versions());
        if (!each.request() || !each.hears("part"))
            return;
        each.head(200, {{"content-length", "9"}});
        each.body("some", false);
        ended_with = each.cut();
        cut.open();
    });
    daemon proxy(site(versions(), origin.address(), "body_idle: 300ms"));
    h2_client client(proxy.port("web"));
    client.send(h2::head(1, h2::post("/up"), false) + h2::body(1, "part", false));
    const h2_response& seen = client.response(1);
    EXPECT_EQ(seen.status(), 200);
    EXPECT_EQ(seen.body, "some");
    EXPECT_FALSE(seen.ended);
    EXPECT_EQ(seen.reset, cancel);
    client.wire.wait_for(cut);
    EXPECT_EQ(ended_with, GetParam() ? std::optional<std::uint32_t>(cancel) : std::nullopt);
    const std::string line = proxy.running().wait_for("\"url.path\":\"/up\"");
    EXPECT_EQ(text_in(line, "penstock.reason"), "body_timeout");
    EXPECT_THAT(origin.failures(), testing::ElementsAre());
}

// An upload in pieces, of which the test knows when the origin has them. Time passes for the proxy
// alone.
class slow_upload {
 public:
    slow_upload(const version_pair& of, bool answers, const std::string& timeouts = "",
                const std::string& listener = "")
        : versions_(of), answers_(answers), time_(site(of, origin_.address(), timeouts, listener)) {
        client_.emplace(proxy().port("web"));
        // Acknowledged, or their time would be over as well.
        while (client_->settings.empty() && client_->read()) {
        }
        client_->send(h2::head(1, h2::post("/up"), false));
    }
    // Sends a piece of so many bytes and waits until the origin has it.
    void piece(std::size_t bytes) {
        send(bytes);
        client_->wire.wait_for(heard_.at(next_ - 1));
    }
    // No more than a frame may have.
    void send(std::size_t bytes) {
        client_->send(h2::body(1, std::string(bytes - 1, 'x') + mark(next_++), false));
    }
    // Sends a byte every 25 s until the response is over, or nothing comes of that. Several, since
    // it is not said which of them comes while it is waited for.
    const h2_response& trickle() {
        const h2_response& seen = client_->responses[1];
        for (int i = 0; i < 40 && !seen.over(); ++i) {
            pass(25s);
            client_->send(h2::body(1, "x", false));
            settle();
        }
        return client_->response(1);
    }
    void expect_too_slow() const {
        wait_for_sum(proxy(), "penstock_requests_total", {"reason=\"body_timeout\""}, 1);
    }
    void end() { client_->send(h2::body(1, "")); }
    void pass(std::chrono::seconds time) { time_.advance(time); }

    // Gives the proxy a few turns of its loop.
    void settle() {
        for (int i = 0; i < 4; ++i) {
            client_->send(h2::frame(h2::ping, 0, 0, "12345678"));
            while (client_->read() && client_->last.type != h2::ping) {
            }
        }
    }

    [[nodiscard]] daemon& proxy() const noexcept { return time_.proxy(); }
    [[nodiscard]] h2_client& client() noexcept { return *client_; }

 private:
    static std::string mark(std::size_t piece) { return {static_cast<char>('0' + piece)}; }
    void serve(peer& wire) {
        pair_origin each(wire, versions_);
        if (!each.request())
            return;
        for (std::size_t i = 0; i < heard_.size() && each.hears(mark(i)); ++i) {
            heard_.at(i).open();
            if (i == 0 && answers_) {
                each.head(200, {{"content-length", "4"}});
                each.body("so", false);
            }
        }
        if (!each.hears_end())
            return;
        if (answers_)
            each.body("me", true);
        else
            each.answer(200, "some");
    }

    version_pair versions_;
    bool answers_;
    std::array<gate, 4> heard_;
    std::size_t next_ = 0;
    scripted_origin origin_{[this](peer& wire, int) { serve(wire); }};
    moved_clock time_;
    std::optional<h2_client> client_;
};

// More connections than three quarters of one.
const std::string pressed = ", limits: {connections: 1}";
const std::string patient = "body_idle: 24h, write_idle: 24h";

// Never silent for long, and still less than 500 bytes a second over 20 seconds in which we waited,
// while connections are short.
TEST_P(H2Upload, TrickleUnderPressureIs408) {
    slow_upload upload(versions(), false, patient, pressed);
    upload.piece(1);
    EXPECT_EQ(upload.trickle().status(), 408);
    upload.expect_too_slow();
}

// Neither does an answer give more time, but to a call of gRPC (Grpc.AnsweredCallMayComeAtAnyPace).
TEST_P(H2Upload, TrickleBehindTheHeadUnderPressureEndsTheStream) {
    slow_upload upload(versions(), true, patient, pressed);
    upload.piece(1);
    EXPECT_EQ(upload.client().body(1, 2).body, "so");
    const h2_response& seen = upload.trickle();
    EXPECT_EQ(seen.reset, cancel);
    EXPECT_FALSE(seen.ended);
    upload.expect_too_slow();
}

// Where nothing is short every pace will do.
TEST_P(H2Upload, TrickleWithoutPressureIsServed) {
    for (const std::string listener :
         {", limits: {connections: 2}", ", limits: {connections: 1, body_rate: 0}"}) {
        slow_upload upload(versions(), false, patient, listener);
        for (int i = 0; i < 4; ++i) {
            upload.piece(1);
            upload.pass(25s);
            upload.settle();
        }
        upload.end();
        EXPECT_EQ(upload.client().response(1).body, "some") << listener;
    }
}

// One that pauses and has sent enough for all of the time is none of these.
TEST_P(H2Upload, PauseOfAFastOneIsNone) {
    slow_upload upload(versions(), false);
    upload.piece(1);
    upload.pass(25s);
    upload.piece(15'000);
    upload.piece(1);
    upload.piece(1);
    upload.end();
    EXPECT_EQ(upload.client().response(1).body, "some");
}

// What counts is how long a client is silent now, and not how long it was before it spoke.
TEST_P(H2Upload, PausesDoNotAddUp) {
    slow_upload upload(versions(), false, "body_idle: 30s");
    upload.piece(15'000);
    upload.pass(19s);
    upload.piece(15'000);
    upload.pass(19s);
    // Time to find that it is too late, if it were.
    hold_for(300ms);
    upload.send(15'000);
    upload.send(1);
    upload.end();
    EXPECT_EQ(upload.client().response(1).status(), 200);
    EXPECT_EQ(upload.client().response(1).body, "some");
}

}  // namespace
}  // namespace penstock::test
