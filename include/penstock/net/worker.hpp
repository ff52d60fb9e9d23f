// One worker: one thread, one io_context, one poller, and the pools that belong to them. A
// connection is born, served and destroyed on one worker; nothing here is locked but `post`.
//
// The poller drives the loop; the io_context carries the work posted from other threads and is run
// once `post` woke the poller. So work enters it through `post` alone.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/net/buffer_pool.hpp"
#include "penstock/net/deadline.hpp"
#include "penstock/net/deadline_turn.hpp"
#include "penstock/net/event.hpp"
#include "penstock/net/pipe.hpp"
#include "penstock/net/poller.hpp"
#include "penstock/net/task.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace penstock::net {

// How much of the memory that the process may have is in use.
enum class memory_level : std::uint8_t {
    normal,
    high,      // connections end with their response, caches are given up
    critical,  // requests are refused
};

class worker {
 public:
    explicit worker(int index);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker();

    // The loop. Returns once `stop` was called and no spawned task is left.
    void run();
    // From any thread. The owner has made sure that every spawned task comes to its end.
    void stop() noexcept;
    // From any thread: runs `work` on this worker.
    template <class Work>
    void post(Work work) {
        boost::asio::post(context_, std::move(work));
        wake();
    }
    // The one place that detaches: the task lives until it ends. What it throws is logged, counted.
    void spawn(task<> work);
    [[nodiscard]] std::size_t spawned() const noexcept { return spawned_; }

    // The time at which this turn of the loop began. One clock read a turn.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    // The clock itself, for the end of a phase; tens of nanoseconds.
    [[nodiscard]] static time_point clock() noexcept { return steady_clock::now(); }

    [[nodiscard]] int index() const noexcept { return index_; }
    // Another one at each call, and of no other worker: what a later object is not to inherit from
    // one at the same address.
    [[nodiscard]] std::uint64_t next_number() noexcept { return ++last_number_; }
    [[nodiscard]] net::poller& poller() noexcept { return poller_; }
    [[nodiscard]] buffer_pool& buffers() noexcept { return buffers_; }
    [[nodiscard]] pipe_pool& pipes() noexcept { return pipes_; }
    [[nodiscard]] deadline_wheel& deadlines() noexcept { return deadlines_; }
    [[nodiscard]] ready_queue& ready() noexcept { return ready_; }
    // For heavy_turn: those that wait.
    [[nodiscard]] ready_queue& heavy() noexcept { return heavy_; }
    void give_back_heavy_turn() noexcept { heavy_left_ = std::min(heavy_left_ + 1, heavy_most_); }
    [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
    // True on the thread that runs this worker.
    [[nodiscard]] bool here() const noexcept { return current() == this; }
    [[nodiscard]] static worker* current() noexcept;

    // Readable from any thread, written by this worker only.
    [[nodiscard]] std::uint64_t exceptions() const noexcept {
        return exceptions_.load(std::memory_order_relaxed);
    }
    // Nanoseconds that the latest turn of the loop took between two waits.
    [[nodiscard]] std::uint64_t loop_delay() const noexcept {
        return loop_delay_.load(std::memory_order_relaxed);
    }

    // From any thread; said by whoever watches the memory.
    void set_memory_level(memory_level to) noexcept {
        memory_level_.store(to, std::memory_order_relaxed);
    }
    [[nodiscard]] memory_level memory() const noexcept {
        return memory_level_.load(std::memory_order_relaxed);
    }
    // On this worker: gives what is only kept for reuse back to the system.
    void shrink() noexcept;

    // Called by the runner of a detached or grouped task.
    void note_exception(const char* where) noexcept;

 private:
    friend void detail::detached_ended(worker& home, std::exception_ptr failure) noexcept;
    class wakeup;
    void wake() noexcept;
    void turn();
    void run_posted();
    [[nodiscard]] int wait_ms() const noexcept;

    int index_;
    boost::asio::io_context context_;
    net::poller poller_;
    buffer_pool buffers_;
    pipe_pool pipes_;
    time_point now_;
    time_point waits_from_;  // when this turn's work was done
    deadline_wheel deadlines_;
    ready_queue ready_;
    ready_queue heavy_;
    std::size_t heavy_most_ = 1;  // in this turn
    std::size_t heavy_left_ = 1;
    deadline_turn judged_;
    std::unique_ptr<wakeup> wakeup_;
    std::size_t spawned_ = 0;
    std::uint64_t last_number_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> exceptions_{0};
    std::atomic<std::uint64_t> loop_delay_{0};
    std::atomic<memory_level> memory_level_{memory_level::normal};
};

}  // namespace penstock::net
