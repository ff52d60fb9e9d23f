#include "penstock/net/task.hpp"

#include "unit/net/loop.hpp"

#include <memory>
#include <stdexcept>

namespace penstock::net {
namespace {

using namespace test;

task<int> give(int value) { co_return value; }

task<std::unique_ptr<int>> give_owned(int value) { co_return std::make_unique<int>(value); }

task<int> fail(const char* text) {
    throw std::runtime_error(text);
    co_return 0;
}

task<int> wait_and_give(event& until, int value) {
    co_await until;
    co_return value;
}

TEST(Task, StartsWhenItIsAwaited) {
    worker home(0);
    struct flow {
        static task<> note(bool& started) {
            started = true;
            co_return;
        }
        static task<> go() {
            bool started = false;
            task<> work = note(started);
            EXPECT_FALSE(started);
            co_await work;
            EXPECT_TRUE(started);
        }
    };
    run(home, flow::go());
}

TEST(Task, GivesItsValue) {
    worker home(0);
    struct flow {
        static task<> go() {
            EXPECT_EQ(co_await give(7), 7);
            const std::unique_ptr<int> owned = co_await give_owned(8);
            EXPECT_EQ(*owned, 8);
        }
    };
    run(home, flow::go());
}

TEST(Task, PassesAnExceptionToItsAwaiter) {
    worker home(0);
    struct flow {
        static task<> go(std::string& caught) {
            try {
                co_await fail("no");
            } catch (const std::runtime_error& failure) {
                caught = failure.what();
            }
        }
    };
    std::string caught;
    run(home, flow::go(caught));
    EXPECT_EQ(caught, "no");
    EXPECT_EQ(home.exceptions(), 0U);
}

// Deep recursion here would end the process.
TEST(Task, ThatEndsAtOnceCostsNoStack) {
    worker home(0);
    struct flow {
        static task<> go(std::int64_t& sum) {
            for (int i = 0; i < 300000; ++i)
                sum += co_await give(1);
        }
    };
    std::int64_t sum = 0;
    run(home, flow::go(sum));
    EXPECT_EQ(sum, 300000);
}

TEST(Task, ThatWaitsCostsNoStackEither) {
    worker home(0);
    struct flow {
        static task<> sleep(worker& on) { co_await next_turn(on); }
        static task<> go(worker& on, int& count) {
            for (; count < 20000; ++count)
                co_await sleep(on);
        }
    };
    int count = 0;
    run(home, flow::go(home, count));
    EXPECT_EQ(count, 20000);
}

TEST(Task, ResumesItsAwaiterThroughAChain) {
    worker home(0);
    struct flow {
        static task<int> outer(event& until, int depth) {
            if (depth == 0)
                co_return co_await wait_and_give(until, 5);
            co_return 1 + co_await outer(until, depth - 1);
        }
        static task<> setter(event& until) {
            until.set();
            co_return;
        }
        static task<> go(event& until, int& got) { got = co_await outer(until, 100); }
    };
    event until(home);
    int got = 0;
    home.spawn(flow::go(until, got));
    EXPECT_EQ(got, 0);
    run(home, flow::setter(until));
    EXPECT_EQ(got, 105);
}

TEST(Task, DestroysWhatItAwaitsWhenItIsDropped) {
    struct flow {
        static task<> hold(std::shared_ptr<int> held, event& until) {
            co_await until;
            static_cast<void>(held);
        }
        static task<> outer(std::shared_ptr<int> held, event& until) {
            co_await hold(std::move(held), until);
        }
    };
    worker home(0);
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = held;
    event until(home);
    {
        // Awaited by hand, so that the test keeps the task.
        task<> work = flow::outer(std::move(held), until);
        EXPECT_TRUE(work.await_suspend(std::noop_coroutine()));
        EXPECT_FALSE(watched.expired());
    }
    EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace penstock::net
