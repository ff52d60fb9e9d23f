// task_group: children that run beside their parent and are joined before it returns.
//
// Flow: `group.start(child())` runs the child up to its first wait; `co_await group.join()` waits
// until every child has ended. To end them early, make their waits fail (abort the stream, set the
// event) and join. Destroying a group with a running child is a defect and checked.
#pragma once

#include "penstock/net/event.hpp"
#include "penstock/net/task.hpp"

#include <cstddef>

namespace penstock::net {

class task_group {
 public:
    explicit task_group(worker& home) noexcept : home_(home), all_done_(home) {}
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // An exception that leaves the child is logged and counted, then counts as its end.
    void start(task<> child);
    [[nodiscard]] std::size_t running() const noexcept { return running_; }
    task<> join();

 private:
    friend struct group_runner;
    void child_done() noexcept;

    worker& home_;
    event all_done_;
    std::size_t running_ = 0;
};

}  // namespace penstock::net
