#include "penstock/net/worker.hpp"
#include "penstock/base/recycled.hpp"

#ifdef PENSTOCK_NESTED_LOOP
#include "net/nested_wait.hpp"
#endif
#include "penstock/base/check.hpp"
#include "penstock/base/log.hpp"

#include <malloc.h>

#include <boost/asio/executor_work_guard.hpp>

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>

namespace penstock::net {
namespace {

constinit thread_local worker* current_worker = nullptr;

// splice has no MSG_NOSIGNAL; a peer that went is an error like any other.
void block_sigpipe() noexcept {
    sigset_t pipe_only;
    ::sigemptyset(&pipe_only);
    ::sigaddset(&pipe_only, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
}

// The C library sets its heap up in the first call that reaches it, and two threads must not be in
// that one at once. Where another allocator stands in front of it (LD_PRELOAD, AddressSanitizer)
// the first call is this one.
void trim_heap() {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    ::malloc_trim(0);
}

}  // namespace

// The descriptor through which other threads end a wait. Its value is never read: every write is an
// edge of its own.
class worker::wakeup final : public socket_watcher {
 public:
    explicit wakeup(worker& home)
        : guard_(boost::asio::make_work_guard(home.context_)),
          fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          socket_(home, unique_fd(fd_)) {
        PENSTOCK_CHECK(fd_ >= 0);
        socket_.watch(this);
    }
    void notify() const noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
    }
    [[nodiscard]] bool take_pending() noexcept { return std::exchange(pending_, false); }

 private:
    void on_readable() noexcept override { pending_ = true; }

    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    int fd_;
    socket socket_;
    bool pending_ = false;
};

void detail::detached_ended(worker& home, std::exception_ptr failure) noexcept {
    --home.spawned_;
    if (!failure)
        return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
        home.note_exception(thrown.what());
    }
}

worker::worker(int index)
    : index_(index),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      now_(clock()),
      deadlines_(now_),
      wakeup_(std::make_unique<wakeup>(*this)),
      last_number_(static_cast<std::uint64_t>(index) << 48U) {}

worker::~worker() = default;

worker* worker::current() noexcept { return current_worker; }

void worker::spawn(task<> work) {
    ++spawned_;
    std::move(work).detach(*this);
}

void worker::note_exception(const char* where) noexcept {
    exceptions_.store(exceptions() + 1, std::memory_order_relaxed);
    log_error("worker {}: a task ended with an exception: {}", index_, where);
}

void worker::shrink() noexcept {
    buffers_.clear();
    pipes_.clear();
    release_recycled_lists();
    trim_heap();
}

void worker::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    wake();
}

void worker::wake() noexcept { wakeup_->notify(); }

void worker::run() {
    current_worker = this;
    block_sigpipe();
    now_ = clock();
    waits_from_ = now_;
    for (;;) {
        // What was posted before `stop` still runs, and may spawn.
        if (stopping_.load(std::memory_order_acquire) && spawned_ == 0) {
            run_posted();
            if (spawned_ == 0)
                break;
        }
        turn();
    }
    current_worker = nullptr;
}

int worker::wait_ms() const noexcept {
    if (!ready_.empty() || !heavy_.empty())
        return 0;
    const time_point next = deadlines_.next_visit();
    if (next == never)
        return -1;
    if (next <= waits_from_)
        return 0;
    const auto wait = std::chrono::ceil<milliseconds>(next - waits_from_).count();
    return static_cast<int>(std::min<std::int64_t>(wait, std::numeric_limits<int>::max()));
}

void worker::turn() {
#ifdef PENSTOCK_NESTED_LOOP
    static thread_local nested_wait nested(context_, poller_.fd());
    nested.wait(wait_ms());
    const std::size_t events = poller_.poll(0, [this] { now_ = clock(); });
#else
    const std::size_t events = poller_.poll(wait_ms(), [this] { now_ = clock(); });
#endif
    if (wakeup_->take_pending())
        run_posted();
    ready_.run();
    // Whoever did nothing heavy gives its turn back.
    heavy_left_ = heavy_most_;
    for (std::size_t tries = 0; tries < heavy_turn::most_at_once; ++tries) {
        if (heavy_left_ == 0 || heavy_.empty())
            break;
        --heavy_left_;
        heavy_.run_one();
    }
    waits_from_ = clock();
    const nanoseconds busy = waits_from_ - now_;
    const bool settled = events < poller::batch_max && ready_.empty() && heavy_.empty();
    if (judged_.ends(settled, busy))
        deadlines_.advance(now_);
    heavy_most_ = heavy_turn::most_after(busy);
    loop_delay_.store(static_cast<std::uint64_t>(busy.count()), std::memory_order_relaxed);
}

void worker::run_posted() {
    for (;;) {
        try {
            context_.poll();
            return;
        } catch (const std::exception& failure) {
            // The rest of what was posted is still there.
            note_exception(failure.what());
        }
    }
}

}  // namespace penstock::net
