#include "penstock/net/task_group.hpp"

#include "net/runner.hpp"
#include "penstock/base/check.hpp"
#include "penstock/net/worker.hpp"

#include <exception>
#include <utility>

namespace penstock::net {

struct group_runner {
    static runner run(task_group& group, task<> child) {
        try {
            co_await child;
        } catch (const std::exception& failure) {
            group.home_.note_exception(failure.what());
        }
        group.child_done();
    }
};

task_group::~task_group() { PENSTOCK_CHECK(running_ == 0); }

void task_group::start(task<> child) {
    ++running_;
    all_done_.reset();
    group_runner::run(*this, std::move(child));
}

void task_group::child_done() noexcept {
    if (--running_ == 0)
        all_done_.set();
}

task<> task_group::join() {
    while (running_ > 0)
        co_await all_done_;
}

}  // namespace penstock::net
