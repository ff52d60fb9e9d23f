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
        std::unique_ptr<exchange::body_source> inner = std::move(made);
        return read_ahead::make(inner, home, account, ledger);
    }
};

net::task<> take_whole(site& in, std::string& into) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    fed->trailer_fields.add("x-end", "1");
    fed->give("one ");
    fed->give("two");
    const auto waits = [&] { return fed->waited_for(); };
    EXPECT_TRUE(co_await eventually(in.home, waits));
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

// Others hold all the room: a body of which nothing is held still moves, a block at a time.
net::task<> crawl(site& in, std::size_t& got) {
    scripted_body* fed = nullptr;
    const std::unique_ptr<read_ahead> tested = in.around(fed);
    in.all = in.limits.total;
    for (int i = 0; i < 8; ++i)
        fed->give(std::string(block, 'x'));
    fed->end();
    while (!tested->finished()) {
        const result<std::string_view> data = tested->take(block);
        EXPECT_TRUE(data.has_value());
        got += data->size();
        if (data->empty())
            (void)co_await tested->wait();
    }
    in.all = block;
    co_await tested->close();
}

TEST(ReadAheadBody, MovesWhileOthersHoldAllTheRoom) {
    site in;
    std::size_t got = 0;
    run(in.home, crawl(in, got));
    EXPECT_EQ(got, 8 * block);
    EXPECT_EQ(in.all.load(), 0U);
}

TEST(ReadAheadBody, IsNoneWithoutRoomForABlock) {
    struct {
        const char* name;
        config::buffer_limits limits;
        std::uint64_t beside;
        bool made;
    } const cases[] = {
        {"a block", {block, block, block}, 0, true},
        {"less of an exchange", {block - 1, block, block}, 0, false},
        {"less of a connection", {block, block - 1, block}, 0, false},
        {"less of a listener", {block, block, block - 1}, 0, false},
        {"as much beside as there is", {block, block + 7, block + 7}, 7, true},
        {"more beside", {block, block + 7, block + 7}, 8, false},
        {"no total", {block, block, 0}, 0, false},
    };
    for (const auto& each : cases) {
        site in;
        in.account = std::make_shared<ahead_account>(each.limits, in.all);
        std::unique_ptr<exchange::body_source> inner = std::make_unique<scripted_body>(in.home);
        bool made = false;
        const auto make_one = [](site& on, std::unique_ptr<exchange::body_source>& of,
                                 std::uint64_t beside, bool& done) -> net::task<> {
            const std::unique_ptr<read_ahead> tested =
                read_ahead::make(of, on.home, on.account, on.ledger, beside);
            done = tested != nullptr;
            if (tested)
                co_await tested->close();
        };
        run(in.home, make_one(in, inner, each.beside, made));
        EXPECT_EQ(made, each.made) << each.name;
        EXPECT_EQ(inner == nullptr, each.made) << each.name;
        EXPECT_EQ(in.all.load(), 0U) << each.name;
    }
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
