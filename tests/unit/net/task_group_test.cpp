#include "penstock/net/task_group.hpp"

#include "unit/net/loop.hpp"

#include <stdexcept>

namespace penstock::net {
namespace {

using namespace test;

task<> count_after(event& until, int& count) {
    co_await until;
    ++count;
}

task<> fail_after(event& until) {
    co_await until;
    throw std::runtime_error("no");
}

TEST(TaskGroup, JoinsEveryChild) {
    struct flow {
        static task<> go(worker& home, int& count) {
            event first(home);
            event second(home);
            task_group group(home);
            group.start(count_after(first, count));
            group.start(count_after(second, count));
            EXPECT_EQ(group.running(), 2U);
            second.set();
            first.set();
            co_await group.join();
            EXPECT_EQ(group.running(), 0U);
            EXPECT_EQ(count, 2);
        }
    };
    worker home(0);
    int count = 0;
    run(home, flow::go(home, count));
    EXPECT_EQ(count, 2);
}

TEST(TaskGroup, JoinsAtOnceWhenNothingRuns) {
    struct flow {
        static task<> go(worker& home) {
            task_group group(home);
            co_await group.join();
            event done(home);
            done.set();
            int count = 0;
            group.start(count_after(done, count));
            EXPECT_EQ(count, 1);
            EXPECT_EQ(group.running(), 0U);
            co_await group.join();
        }
    };
    worker home(0);
    run(home, flow::go(home));
}

TEST(TaskGroup, CanBeUsedAgainAfterAJoin) {
    struct flow {
        static task<> go(worker& home, int& count) {
            task_group group(home);
            for (int i = 0; i < 3; ++i) {
                event until(home);
                group.start(count_after(until, count));
                until.set();
                co_await group.join();
                EXPECT_EQ(count, i + 1);
            }
        }
    };
    worker home(0);
    int count = 0;
    run(home, flow::go(home, count));
}

TEST(TaskGroup, CountsAnExceptionAsAnEnd) {
    struct flow {
        static task<> go(worker& home, int& count) {
            event first(home);
            event second(home);
            task_group group(home);
            group.start(fail_after(first));
            group.start(count_after(second, count));
            first.set();
            second.set();
            co_await group.join();
        }
    };
    worker home(0);
    int count = 0;
    run(home, flow::go(home, count));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(home.exceptions(), 1U);
}

TEST(TaskGroupDeathTest, IsCheckedWhenAChildStillRuns) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    worker home(0);
    event until(home);
    int count = 0;
    EXPECT_DEATH(
        {
            task_group group(home);
            group.start(count_after(until, count));
        },
        "running_ == 0");
}

}  // namespace
}  // namespace penstock::net
