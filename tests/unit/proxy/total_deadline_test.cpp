#include "proxy/total_deadline.hpp"

#include "integration/worker_loop.hpp"
#include "penstock/net/error.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace penstock::proxy {
namespace {

constexpr milliseconds total = 100ms;

struct body_log {
    bool stopped = false;
    bool closed = false;
    bool destroyed = false;
};

// Tells what is done to it, and answers with what nobody else would.
class told_body final : public exchange::body_source {
 public:
    explicit told_body(body_log& log) : log_(log) { trailers_.add("X-Trailer", "1"); }
    ~told_body() override { log_.destroyed = true; }

    result<std::string_view> take(std::size_t max) override {
        return std::string_view("abc").substr(0, max);
    }
    net::task<result<void>> wait() override { co_return net::errc::too_large; }
    bool finished() const noexcept override { return log_.stopped; }
    std::optional<std::uint64_t> length() const noexcept override { return 42; }
    const http::fields& trailers() const noexcept override { return trailers_; }
    void stop() noexcept override { log_.stopped = true; }
    net::task<> close() override {
        log_.closed = true;
        co_return;
    }

 private:
    body_log& log_;
    http::fields trailers_;
};

struct fixture {
    std::unique_ptr<total_deadline> deadline() {
        return std::make_unique<total_deadline>(home, aborted, home.now() + total);
    }
    std::unique_ptr<exchange::body_source> timed_body() {
        return make_timed_body(std::make_unique<told_body>(log), deadline());
    }
    std::size_t pass(nanoseconds time) { return home.deadlines().advance(home.now() + time); }

    net::worker home{0};
    exchange::abort_signal aborted;
    body_log log;
};

TEST(TotalDeadline, FiresTheAbortSignalOnceItHasPassed) {
    fixture here;
    const auto until = here.deadline();
    here.pass(total);
    EXPECT_FALSE(here.aborted.fired());
    here.pass(total + 2 * net::deadline_wheel::tick);
    EXPECT_EQ(here.aborted.fired(), net::errc::deadline_exceeded);
}

TEST(TotalDeadline, GoesWithItsOwner) {
    fixture here;
    here.deadline().reset();
    EXPECT_EQ(here.pass(1h), 0U);
    EXPECT_FALSE(here.aborted.fired());
}

TEST(TimedBody, IsTheBodyItHolds) {
    fixture here;
    const auto body = here.timed_body();
    EXPECT_EQ(*body->take(2), "ab");
    EXPECT_EQ(body->length(), 42U);
    EXPECT_EQ(body->trailers().find("x-trailer"), "1");
    EXPECT_FALSE(body->finished());
    body->stop();
    EXPECT_TRUE(here.log.stopped);
    EXPECT_TRUE(body->finished());
}

TEST(TimedBody, FiresWhileTheBodyIsPulled) {
    fixture here;
    const auto body = here.timed_body();
    here.pass(total + 2 * net::deadline_wheel::tick);
    EXPECT_EQ(here.aborted.fired(), net::errc::deadline_exceeded);
}

TEST(TimedBody, TakesTheDeadlineAlong) {
    fixture here;
    here.timed_body().reset();
    EXPECT_TRUE(here.log.destroyed);
    EXPECT_EQ(here.pass(1h), 0U);
    EXPECT_FALSE(here.aborted.fired());
}

net::task<> wait_and_close(exchange::body_source& body, error& waited) {
    const result<void> got = co_await body.wait();
    waited = got ? error() : got.error();
    co_await body.close();
}

TEST(TimedBody, IsNotTimedOnceItIsClosed) {
    fixture here;
    const auto body = here.timed_body();
    error waited;
    upstream::test::run(here.home, wait_and_close(*body, waited));
    EXPECT_EQ(waited, net::errc::too_large);
    EXPECT_TRUE(here.log.closed);
    here.pass(1h);
    EXPECT_FALSE(here.aborted.fired());
}

}  // namespace
}  // namespace penstock::proxy
