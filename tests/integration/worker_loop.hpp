// Runs coroutines of one worker in the thread of a test, and lets them wait for what has no event.
#pragma once

#include "penstock/net/deadline.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/task.hpp"
#include "penstock/net/worker.hpp"

#include <functional>
#include <utility>

namespace penstock::upstream::test {

// Wakes one coroutine after a while.
class pause final : public net::deadline {
 public:
    explicit pause(net::worker& home) : passed(home) {
        arm(home.deadlines(), home.now() + 5ms, {});
    }
    net::event passed;

 private:
    void on_expire(error) noexcept override { passed.set(); }
};

// Goes on once `done()` holds, looking every tick; false after ten seconds. Name the function
// first: GCC 12 destroys a temporary of a co_await expression twice.
inline net::task<bool> eventually(net::worker& home, const std::function<bool()>& done) {
    const time_point until = net::worker::clock() + 10s;
    while (!done()) {
        if (net::worker::clock() > until)
            co_return false;
        pause tick(home);
        co_await tick.passed;
    }
    co_return true;
}

// Begins within the loop, so that the worker's clock is right.
inline net::task<> within_loop(net::worker& home, net::task<> work) {
    pause tick(home);
    co_await tick.passed;
    co_await work;
}

// Runs coroutines of one worker in the calling thread, to their end.
inline void run(net::worker& home, net::task<> work) {
    home.spawn(within_loop(home, std::move(work)));
    home.stop();
    home.run();
}

}  // namespace penstock::upstream::test
