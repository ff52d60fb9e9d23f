#include "penstock/net/pipe.hpp"

#include "penstock/net/error.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

namespace penstock::net {
namespace {

struct pair {
    pair() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
            penstock::test::throw_errno("socketpair");
        near = unique_fd(ends[0]);
        far = unique_fd(ends[1]);
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::write(far.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string received() const {
        std::array<char, 256> bytes{};
        const ssize_t got = ::read(far.get(), bytes.data(), bytes.size());
        return {bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    unique_fd near;
    unique_fd far;
};

TEST(Pipe, MovesBytesFromSocketToSocket) {
    pipe_pool pool;
    const pair from;
    const pair to;
    from.send("abcdef");
    pipe through = pool.take();
    ASSERT_TRUE(through);
    EXPECT_EQ(through.fill(from.near.get(), 4), 4U);
    EXPECT_EQ(through.held(), 4U);
    EXPECT_EQ(through.drain(to.near.get()), 4U);
    EXPECT_EQ(through.held(), 0U);
    EXPECT_EQ(to.received(), "abcd");
    EXPECT_EQ(through.fill(from.near.get(), 100), 2U);
    EXPECT_EQ(through.drain(to.near.get()), 2U);
    EXPECT_EQ(to.received(), "ef");
}

TEST(Pipe, TellsAnEmptySocketFromTheEndOfOne) {
    pipe_pool pool;
    pair from;
    pipe through = pool.take();
    EXPECT_EQ(through.fill(from.near.get(), 100).error(), errc::would_block);
    from.far.reset();
    EXPECT_EQ(through.fill(from.near.get(), 100), 0U);
}

TEST(Pipe, SaysWhenASocketTakesNoMore) {
    pipe_pool pool;
    const pair from;
    const pair to;
    const std::string block(4096, 'x');
    while (::write(to.near.get(), block.data(), block.size()) > 0) {
    }
    from.send("abc");
    pipe through = pool.take();
    EXPECT_EQ(through.fill(from.near.get(), 100), 3U);
    EXPECT_EQ(through.drain(to.near.get()).error(), errc::would_block);
    EXPECT_EQ(through.held(), 3U);
}

TEST(Pipe, ReportsAPeerThatWent) {
    std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
    pipe_pool pool;
    const pair from;
    pair to;
    from.send("abc");
    to.far.reset();
    pipe through = pool.take();
    EXPECT_EQ(through.fill(from.near.get(), 100), 3U);
    const result<std::size_t> moved = through.drain(to.near.get());
    ASSERT_FALSE(moved);
    EXPECT_NE(moved.error(), errc::would_block);
}

TEST(PipePool, NeverHandsOutBytesOfAnEarlierUse) {
    pipe_pool pool;
    const pair from;
    from.send("secret");
    {
        pipe through = pool.take();
        EXPECT_EQ(through.fill(from.near.get(), 100), 6U);
    }
    const pair to;
    from.send("x");
    pipe again = pool.take();
    EXPECT_EQ(again.held(), 0U);
    EXPECT_EQ(again.fill(from.near.get(), 100), 1U);
    EXPECT_EQ(again.drain(to.near.get()), 1U);
    EXPECT_EQ(to.received(), "x");
}

TEST(PipePool, HandsOutAtMostItsCap) {
    pipe_pool pool;
    std::vector<pipe> all;
    for (std::size_t i = 0; i < pipe_pool::open_max; ++i) {
        all.push_back(pool.take());
        ASSERT_TRUE(all.back());
    }
    EXPECT_EQ(pool.in_use(), pipe_pool::open_max);
    EXPECT_FALSE(pool.take());
    all.pop_back();
    EXPECT_TRUE(pool.take());
    all.clear();
    EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace penstock::net
