#include "penstock/net/worker.hpp"

#include "penstock/net/alarm.hpp"
#include "unit/net/loop.hpp"

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
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

// More connections than events in a turn, each with a byte to come and an alarm.
class crowd {
 public:
    explicit crowd(worker& home) {
        for (std::size_t i = 0; i < size; ++i) {
            peers.push_back(std::make_unique<peer>(door.port()));
            streams.push_back(std::make_unique<stream>(home, door.accept()));
            alarms.push_back(std::make_unique<alarm>(*streams.back()));
        }
    }
    static constexpr std::size_t size = poller::batch_max + 64;

    doorway door;
    std::vector<std::unique_ptr<peer>> peers;
    std::vector<std::unique_ptr<stream>> streams;
    std::vector<std::unique_ptr<alarm>> alarms;
    std::size_t waiting = 0;
    std::size_t heard = 0;
    std::size_t rung = 0;
};

// A process that is stopped, or a machine that is paused, finds all that came meanwhile and every
// deadline passed.
TEST(Worker, HearsWhatHasComeBeforeItJudgesDeadlines) {
    struct flow {
        static task<> wait(worker& home, crowd& all, std::size_t which) {
            stream& from = *all.streams[which];
            all.alarms[which]->set(home.now() + 1ms, errc::head_timeout);
            char byte[1];
            // Known to the poller, and known to be empty, before the pause.
            EXPECT_EQ(from.read({byte, 1}).error(), errc::would_block);
            if (++all.waiting == crowd::size)
                home.post([&all] { pass(all); });
            EXPECT_FALSE(co_await from.readable());
            all.heard += from.read({byte, 1}).has_value() ? 1U : 0U;
            all.rung += all.alarms[which]->rung() ? 1U : 0U;
            all.alarms[which]->off();
        }
        // The loop stands still until all has come and every deadline is long over.
        static void pass(crowd& all) {
            for (const auto& each : all.peers)
                each->send("x");
            const time_point until = worker::clock() + 3 * deadline_wheel::tick;
            while (worker::clock() < until)
                continue;
        }
    };
    worker home(0);
    crowd all(home);
    for (std::size_t i = 0; i < crowd::size; ++i)
        home.spawn(after_turn(home, flow::wait(home, all, i)));
    home.stop();
    home.run();
    EXPECT_EQ(all.heard, crowd::size);
    EXPECT_EQ(all.rung, 0U);
}

// Sockets that have something in every turn do not keep deadlines from passing.
TEST(Worker, JudgesDeadlinesWhileEveryTurnIsFull) {
    struct flow {
        static task<> answer(crowd& all, std::size_t which, const bool& over) {
            stream& from = *all.streams[which];
            while (!over) {
                all.peers[which]->send("x");
                EXPECT_FALSE(co_await from.readable());
                char bytes[16];
                EXPECT_TRUE(from.read(bytes).has_value());
            }
        }
        static task<> end(worker& home, bool& over) {
            pause time(home, 1ms);
            co_await time.passed;
            over = true;
        }
    };
    worker home(0);
    crowd all(home);
    bool over = false;
    for (std::size_t i = 0; i < crowd::size; ++i)
        home.spawn(after_turn(home, flow::answer(all, i, over)));
    run(home, flow::end(home, over));
    EXPECT_TRUE(over);
}

// In a process of their own, as the first calls alone can go wrong.
[[noreturn]] void shrink_two_at_once() {
    worker first(0);
    worker second(1);
    std::atomic<int> ready = 0;
    const auto shrink = [&ready](worker& one) {
        for (++ready; ready < 2;) {
        }
        one.shrink();
    };
    std::thread beside(shrink, std::ref(second));
    shrink(first);
    beside.join();
    std::_Exit(0);
}

TEST(Worker, GivesMemoryBackAlongsideAnother) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    for (int i = 0; i < 30; ++i)
        EXPECT_EXIT(shrink_two_at_once(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace penstock::net
