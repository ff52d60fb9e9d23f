#include "penstock/net/event.hpp"

#include "unit/net/loop.hpp"

#include <algorithm>
#include <vector>

namespace penstock::net {
namespace {

using namespace test;

task<> wait_for(event& until, int id, std::vector<int>& order) {
    co_await until;
    order.push_back(id);
}

TEST(Event, DoesNotWaitOnceItIsSet) {
    worker home(0);
    event one(home);
    std::vector<int> order;
    one.set();
    EXPECT_TRUE(one.is_set());
    home.spawn(wait_for(one, 1, order));
    EXPECT_EQ(order.size(), 1U);
    one.reset();
    EXPECT_FALSE(one.is_set());
}

TEST(Event, ResumesFromTheLoopAndInOrder) {
    worker home(0);
    event one(home);
    event two(home);
    std::vector<int> order;
    home.spawn(wait_for(one, 1, order));
    home.spawn(wait_for(two, 2, order));
    two.set();
    one.set();
    one.set();
    EXPECT_TRUE(order.empty()) << "a setter must not be re-entered";
    home.stop();
    home.run();
    EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(Event, CanBeWaitedForAgain) {
    worker home(0);
    struct flow {
        static task<> waiter(event& ping, event& pong, int& count) {
            for (; count < 5; ++count) {
                co_await ping;
                ping.reset();
                pong.set();
            }
        }
        static task<> setter(event& ping, event& pong) {
            for (int i = 0; i < 5; ++i) {
                ping.set();
                co_await pong;
                pong.reset();
            }
        }
    };
    event ping(home);
    event pong(home);
    int count = 0;
    home.spawn(flow::waiter(ping, pong, count));
    run(home, flow::setter(ping, pong));
    EXPECT_EQ(count, 5);
}

TEST(Event, LeavesTheQueueWhenItIsDestroyed) {
    worker home(0);
    std::vector<int> order;
    {
        event one(home);
        task<> waiter = wait_for(one, 1, order);
        EXPECT_TRUE(waiter.await_suspend(std::noop_coroutine()));
        one.set();
        EXPECT_FALSE(home.ready().empty());
    }
    EXPECT_TRUE(home.ready().empty());
    home.stop();
    home.run();
    EXPECT_TRUE(order.empty());
}

TEST(ReadyQueue, RunsWhatIsAddedMeanwhileInTheNextTurn) {
    worker home(0);
    struct flow {
        static task<> turns(worker& on, int id, std::vector<int>& order) {
            for (int i = 0; i < 3; ++i) {
                co_await next_turn(on);
                order.push_back(id);
            }
        }
    };
    std::vector<int> order;
    home.spawn(flow::turns(home, 1, order));
    home.spawn(flow::turns(home, 2, order));
    EXPECT_TRUE(home.ready().run());
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
    home.stop();
    home.run();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
}

struct heavy_work {
    static task<> one(worker& home, int id, heavy_work& in) {
        heavy_turn mine(home);
        co_await mine;
        in.order.push_back(id);
        ++in.in_turn;
        in.most = std::max(in.most, in.in_turn);
    }
    static task<> watch(worker& home, heavy_work& in) {
        while (in.order.size() < 7) {
            in.in_turn = 0;
            ++in.turns;
            next_turn others(home);
            co_await others;
        }
    }
    std::vector<int> order;
    std::size_t in_turn = 0;
    std::size_t most = 0;
    int turns = 0;
};

TEST(HeavyTurn, F8_LetsOneGoOnInEachTurn) {
    heavy_work work;
    // A turn that the machine made long allows more in the next.
    for (int round = 0; round < 5 && work.most != 1; ++round) {
        worker home{0};
        work = heavy_work();
        home.post([&] {
            home.spawn(heavy_work::watch(home, work));
            for (int i = 0; i < 7; ++i)
                home.spawn(heavy_work::one(home, i, work));
            home.stop();
        });
        home.run();
        EXPECT_EQ(work.order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
    }
    EXPECT_EQ(work.most, 1U);
    EXPECT_GE(work.turns, 7);
}

TEST(HeavyTurn, F8_GetsAShareOfLongTurns) {
    EXPECT_EQ(heavy_turn::most_after(0ns), 1U);
    EXPECT_EQ(heavy_turn::most_after(-1ns), 1U);
    EXPECT_EQ(heavy_turn::most_after(1999us), 1U);
    EXPECT_EQ(heavy_turn::most_after(2ms), 2U);
    EXPECT_EQ(heavy_turn::most_after(30ms), 16U);
    EXPECT_EQ(heavy_turn::most_after(1h), heavy_turn::most_at_once);
}

}  // namespace
}  // namespace penstock::net
