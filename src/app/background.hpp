// Work on a thread of its own, at the side of the control thread: what may take its time, or never
// end, as names that no server resolves. The control thread joins it, and may limit how long that
// takes.
#pragma once

#include "app/threads.hpp"
#include "penstock/base/clock.hpp"

#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>

namespace penstock::app {

// Flow: `start`, and `join` before the next `start` and before the end. Used on one thread.
class background {
 public:
    void start(std::string name, std::function<void()> work) {
        std::promise<void> ended;
        ended_ = ended.get_future();
        thread_ = std::thread(
            [name = std::move(name), work = std::move(work), ended = std::move(ended)]() mutable {
                name_this_thread(name);
                work();
                work = nullptr;
                ended.set_value();
            });
    }

    // Between `start` and `join`.
    [[nodiscard]] bool running() const noexcept { return thread_.joinable(); }
    void join() { thread_.join(); }
    // False if the work does not end within this time: the thread is then as before.
    [[nodiscard]] bool join_within(milliseconds limit) {
        if (!running())
            return true;
        if (ended_.wait_for(limit) != std::future_status::ready)
            return false;
        join();
        return true;
    }

 private:
    std::thread thread_;
    std::future<void> ended_;
};

}  // namespace penstock::app
