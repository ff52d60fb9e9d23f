#include "downstream/response_plan.hpp"

#include "penstock/exchange/text_body.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace penstock::downstream {
namespace {

using http::framing_kind;

// A body that does not know its length.
class endless_body final : public exchange::body_source {
 public:
    result<std::string_view> take(std::size_t) override { return std::string_view(); }
    net::task<result<void>> wait() override { co_return result<void>(); }
    bool finished() const noexcept override { return false; }
    std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override {}
    net::task<> close() override { co_return; }

 private:
    http::fields trailers_;
};

enum class body { none, text, endless, trailers };

exchange::response response_of(int status, body with) {
    exchange::response made;
    made.head.status = status;
    if (with == body::text)
        made.body = exchange::make_text_body("hello");
    if (with == body::endless)
        made.body = std::make_unique<endless_body>();
    if (with == body::trailers) {
        http::fields trailers;
        trailers.add("X-Sum", "0");
        made.body = exchange::make_text_body("", std::move(trailers));
    }
    return made;
}

struct plan_case {
    const char* name;
    http::method verb;
    http::version version;
    int status;
    body with;
    framing_kind kind;
    std::uint64_t length;
    bool length_known;
    bool sends_body;
    bool keeps;
};

TEST(ResponsePlan, FollowsRequestStatusAndBody) {
    using http::method;
    using http::version;
    const plan_case cases[] = {
        {"text", method::get, version::http_1_1, 200, body::text, framing_kind::length, 5, false,
         true, true},
        {"none", method::get, version::http_1_1, 200, body::none, framing_kind::length, 0, false,
         false, true},
        {"endless", method::get, version::http_1_1, 200, body::endless, framing_kind::chunked, 0,
         false, true, true},
        {"endless 1.0", method::get, version::http_1_0, 200, body::endless,
         framing_kind::until_close, 0, false, true, false},
        {"text 1.0", method::get, version::http_1_0, 200, body::text, framing_kind::length, 5,
         false, true, true},
        {"trailers alone", method::get, version::http_1_1, 200, body::trailers,
         framing_kind::chunked, 0, false, true, true},
        {"trailers alone 1.0", method::get, version::http_1_0, 200, body::trailers,
         framing_kind::length, 0, false, true, true},
        {"head trailers", method::head, version::http_1_1, 200, body::trailers, framing_kind::none,
         0, true, false, true},
        {"head text", method::head, version::http_1_1, 200, body::text, framing_kind::none, 5, true,
         false, true},
        {"head none", method::head, version::http_1_1, 200, body::none, framing_kind::none, 0,
         false, false, true},
        {"head endless 1.0", method::head, version::http_1_0, 200, body::endless,
         framing_kind::none, 0, false, false, true},
        {"204", method::get, version::http_1_1, 204, body::text, framing_kind::none, 0, false,
         false, true},
        {"304", method::get, version::http_1_1, 304, body::text, framing_kind::none, 5, true, false,
         true},
    };
    for (const plan_case& item : cases) {
        SCOPED_TRACE(item.name);
        const exchange::response with = response_of(item.status, item.with);
        const response_plan plan = plan_response({item.verb, item.version}, with, true);
        EXPECT_EQ(plan.encoding.body.kind, item.kind);
        EXPECT_EQ(plan.encoding.body.length, item.length);
        EXPECT_EQ(plan.encoding.length_known, item.length_known);
        EXPECT_EQ(plan.encoding.keep_alive, item.keeps);
        EXPECT_EQ(plan.encoding.to, item.version);
        EXPECT_EQ(plan.sends_body, item.sends_body);
    }
}

// It may have been HEAD, whose client would take a body for the next response.
TEST(ResponsePlan, SendsNoBodyWhereTheMethodIsNotKnown) {
    for (const body with : {body::none, body::text, body::endless}) {
        const response_plan plan = plan_response({}, response_of(503, with), false);
        EXPECT_EQ(plan.encoding.body.kind, framing_kind::length);
        EXPECT_EQ(plan.encoding.body.length, 0U);
        EXPECT_FALSE(plan.sends_body);
    }
}

TEST(ResponsePlan, AnnouncesTheOriginsLengthToHead) {
    exchange::response with = response_of(200, body::none);
    with.announced_length = 7;
    const response_plan plan =
        plan_response({http::method::head, http::version::http_1_1}, with, true);
    EXPECT_TRUE(plan.encoding.length_known);
    EXPECT_EQ(plan.encoding.body.length, 7U);
}

TEST(ResponsePlan, ClosesWhenToldTo) {
    const exchange::response with = response_of(200, body::text);
    EXPECT_FALSE(plan_response({}, with, false).encoding.keep_alive);
}

TEST(ResponsePlan, SwitchesToABareTunnel) {
    exchange::response with = response_of(101, body::endless);
    with.upgraded = true;
    asked by;
    by.upgrade = "spdy/3.1";
    const response_plan plan = plan_response(by, with, false);
    EXPECT_EQ(plan.encoding.upgrade, "spdy/3.1");
    EXPECT_EQ(plan.encoding.body.kind, framing_kind::none);
    EXPECT_TRUE(plan.sends_body);
}

}  // namespace
}  // namespace penstock::downstream
