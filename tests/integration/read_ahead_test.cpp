// A body that is read ahead of its consumer: what it takes, what it holds, and how it ends.
#include "downstream/read_ahead.hpp"
#include "integration/upstream_client.hpp"
#include "integration/worker_loop.hpp"
#include "penstock/http/error.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

namespace penstock::downstream {
namespace {

using upstream::test::eventually;
using upstream::test::run;
using upstream::test::scripted_body;

constexpr std::uint64_t block = http::h2_data_queue::block_size;

struct site {
    net::worker home{0};
    std::atomic<std::uint64_t> all{0};
    exchange::ledger ledger;
    config::buffer_limits limits{4 * block, 8 * block, 16 * block};
    std::shared_ptr<ahead_account> account = std::make_shared<ahead_account>(limits, all);

    // The body behind it is the caller's to feed; it lives as long as the read_ahead.
    std::unique_ptr<read_ahead> around(scripted_body*& fed) {
        auto made = std::make_unique<scripted_body>(home);
        fed = made.get();
        return std::make_unique<read_ahead>(std::move(made), home, account, ledger);
    }
};

net::task<> take_whole(site& in, std::string& into) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    fed->trailer_fields.add("x-end", "1");
    fed->give("one ");
    fed->give("two");
    const auto has_all = [&] { return in.all.load() == block; };
    EXPECT_TRUE(co_await eventually(in.home, has_all));
    fed->end();
    while (!tested->finished()) {
        const result<std::string_view> data = tested->take(3);
        EXPECT_TRUE(data.has_value());
        into.append(*data);
        if (data->empty())
            (void)co_await tested->wait();
    }
    EXPECT_EQ(tested->trailers().find("x-end"), "1");
    co_await tested->close();
}

TEST(ReadAheadBody, TakesBeforeItIsAsked) {
    site in;
    std::string got;
    run(in.home, take_whole(in, got));
    EXPECT_EQ(got, "one two");
    EXPECT_EQ(in.all.load(), 0U);
}

net::task<> fill(site& in, std::uint64_t expected) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    for (int i = 0; i < 40; ++i)
        fed->give(std::string(block, 'x'));
    const auto is_full = [&] { return in.all.load() == expected; };
    EXPECT_TRUE(co_await eventually(in.home, is_full));
    // One block is taken away, and one more fits.
    (void)tested->take(block);
    (void)tested->take(block);
    EXPECT_TRUE(co_await eventually(in.home, is_full));
    co_await tested->close();
}

TEST(ReadAheadBody, HoldsAsMuchAsAnExchangeMay) {
    site in;
    run(in.home, fill(in, in.limits.exchange));
    EXPECT_EQ(in.all.load(), 0U);
}

TEST(ReadAheadBody, HoldsAsMuchAsAConnectionMay) {
    site in;
    in.limits.connection = 2 * block + block - 1;
    in.account = std::make_shared<ahead_account>(in.limits, in.all);
    run(in.home, fill(in, 2 * block));
    EXPECT_EQ(in.all.load(), 0U);
}

TEST(ReadAheadBody, HoldsAsMuchAsAListenerMay) {
    site in;
    in.limits.total = 3 * block;
    in.account = std::make_shared<ahead_account>(in.limits, in.all);
    run(in.home, fill(in, 3 * block));
    EXPECT_EQ(in.all.load(), 0U);
}

net::task<> fail_behind(site& in) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    fed->give("good");
    EXPECT_TRUE((co_await tested->wait()).has_value());
    fed->fail(http::errc::truncated);
    EXPECT_EQ(*tested->take(100), "good");
    const result<void> waited = co_await tested->wait();
    EXPECT_FALSE(waited.has_value());
    EXPECT_EQ(tested->take(100).error(), http::errc::truncated);
    EXPECT_FALSE(tested->finished());
    co_await tested->close();
}

TEST(ReadAheadBody, FailsBehindWhatCameBefore) {
    site in;
    run(in.home, fail_behind(in));
}

net::task<> close_early(site& in, bool& stopped) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    fed->give("never read");
    const auto waits = [&] { return fed->waited_for(); };
    EXPECT_TRUE(co_await eventually(in.home, waits));
    tested->stop();
    co_await tested->close();
    stopped = fed->stopped();
}

TEST(ReadAheadBody, ClosesWhileItWaits) {
    site in;
    bool stopped = false;
    run(in.home, close_early(in, stopped));
    EXPECT_TRUE(stopped);
    EXPECT_EQ(in.all.load(), 0U);
}

}  // namespace
}  // namespace penstock::downstream
