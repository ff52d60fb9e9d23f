#include "penstock/net/worker.hpp"

#include "unit/net/loop.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace penstock::net {
namespace {

using namespace test;

task<> throw_after_turn(worker& home) {
    co_await next_turn(home);
    throw std::runtime_error("no");
}

task<> wait_for(event& until) { co_await until; }

TEST(Worker, EndsOnceItIsStopped) {
    worker home(3);
    EXPECT_EQ(home.index(), 3);
    std::thread stopper([&home] { home.stop(); });
    home.run();
    stopper.join();
}

TEST(Worker, RunsWorkPostedBeforeItRuns) {
    worker home(0);
    bool ran = false;
    home.post([&] {
        ran = true;
        EXPECT_TRUE(home.here());
        EXPECT_EQ(worker::current(), &home);
        home.stop();
    });
    EXPECT_FALSE(home.here());
    home.run();
    EXPECT_TRUE(ran);
    EXPECT_EQ(worker::current(), nullptr);
}

TEST(Worker, RunsWorkPostedBeforeItIsStopped) {
    worker home(0);
    int ran = 0;
    home.post([&] { ++ran; });
    home.stop();
    home.post([&] { ++ran; });
    home.run();
    EXPECT_EQ(ran, 2);
}

TEST(Worker, WaitsForWhatPostedWorkSpawns) {
    worker home(0);
    event until(home);
    bool done = false;
    struct flow {
        static task<> go(worker& on, event& first, bool& into) {
            co_await first;
            co_await next_turn(on);
            into = true;
        }
    };
    home.stop();
    home.post([&] { home.spawn(flow::go(home, until, done)); });
    std::thread setter([&] { home.post([&] { until.set(); }); });
    home.run();
    setter.join();
    EXPECT_TRUE(done);
    EXPECT_EQ(home.spawned(), 0U);
}

// Every post must arrive, also the one that races with the worker going to sleep.
TEST(Worker, LosesNoPostOfOtherThreads) {
    constexpr int threads = 4;
    constexpr int posts = 5000;
    worker home(0);
    int ran = 0;
    std::vector<std::thread> posters;
    for (int i = 0; i < threads; ++i) {
        posters.emplace_back([&] {
            for (int n = 0; n < posts; ++n) {
                home.post([&] {
                    if (++ran == threads * posts)
                        home.stop();
                });
            }
        });
    }
    home.run();
    for (std::thread& poster : posters)
        poster.join();
    EXPECT_EQ(ran, threads * posts);
}

// As above, but each post is made only once the worker has nothing else to do.
TEST(Worker, WakesForOnePostAfterTheOther) {
    worker home(0);
    std::atomic<int> ran{0};
    std::thread loop([&] { home.run(); });
    for (int n = 1; n <= 2000; ++n) {
        home.post([&] {
            ran.store(ran.load() + 1);
            ran.notify_one();
        });
        for (int seen = ran.load(); seen != n; seen = ran.load())
            ran.wait(seen);
    }
    home.stop();
    loop.join();
    EXPECT_EQ(ran.load(), 2000);
}

TEST(Worker, RunsWorkThatItPostsItself) {
    worker home(0);
    int left = 100;
    std::function<void()> again = [&] {
        if (--left == 0)
            home.stop();
        else
            home.post(again);
    };
    home.post(again);
    home.run();
    EXPECT_EQ(left, 0);
}

TEST(Worker, SurvivesWhatTasksAndPostedWorkThrow) {
    worker home(0);
    bool ran = false;
    home.spawn(throw_after_turn(home));
    home.post([] { throw std::runtime_error("posted"); });
    home.post([&] { ran = true; });
    home.stop();
    home.run();
    EXPECT_TRUE(ran);
    EXPECT_EQ(home.exceptions(), 2U);
    EXPECT_EQ(home.spawned(), 0U);
}

TEST(Worker, RunsUntilNoSpawnedTaskIsLeft) {
    worker home(0);
    event until(home);
    home.spawn(wait_for(until));
    EXPECT_EQ(home.spawned(), 1U);
    home.stop();
    std::thread setter([&] { home.post([&] { until.set(); }); });
    home.run();
    setter.join();
    EXPECT_EQ(home.spawned(), 0U);
}

TEST(Worker, WaitsForDeadlinesByItself) {
    struct flow {
        static task<> go(worker& home, time_point& woken) {
            pause first(home, 30ms);
            co_await first.passed;
            woken = worker::clock();
        }
    };
    worker home(0);
    time_point woken{};
    const time_point before = worker::clock();
    run(home, flow::go(home, woken));
    EXPECT_GE(woken, before + 30ms);
}

TEST(Worker, SaysWhenItsTurnBegan) {
    struct flow {
        static task<> go(worker& home) {
            const time_point turn = home.now();
            const time_point clock = worker::clock();
            EXPECT_LE(turn, clock);
            EXPECT_EQ(home.now(), turn);
            co_await next_turn(home);
            EXPECT_GE(home.now(), clock);
        }
    };
    worker home(0);
    run(home, flow::go(home));
}

}  // namespace
}  // namespace penstock::net
