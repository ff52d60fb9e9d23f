#include "app/access_writer.hpp"

#include "app/threads.hpp"
#include "penstock/base/clock.hpp"
#include "penstock/base/log.hpp"
#include "penstock/proxy/access_log.hpp"

namespace penstock::app {
namespace {

constexpr std::size_t batch_bytes = std::size_t{64} << 10;
constexpr int entries_in_turn_max = 4096;
// A ring holds some thousand entries: while traffic flows it is looked at more often.
constexpr milliseconds pause_idle = 50ms;
constexpr milliseconds pause_busy = 5ms;

}  // namespace

access_writer::access_writer() : thread_([this] { run(); }) {}

access_writer::~access_writer() { stop(); }

void access_writer::use(std::optional<access_file> file, std::vector<byte_ring*> rings) {
    {
        const std::lock_guard lock(mutex_);
        change_ = order{std::move(file), std::move(rings)};
    }
    wake_.notify_one();
}

void access_writer::reopen() {
    {
        const std::lock_guard lock(mutex_);
        reopening_ = true;
    }
    wake_.notify_one();
}

void access_writer::stop() {
    if (!thread_.joinable())
        return;
    ending_.store(true, std::memory_order_relaxed);
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void access_writer::run() {
    name_this_thread("access-log");
    bool busy = false;
    for (;;) {
        std::unique_lock lock(mutex_);
        const auto called = [this] { return stopping_ || reopening_ || change_.has_value(); };
        if (present_.rings.empty()) {
            wake_.wait(lock, called);
        } else {
            wake_.wait_for(lock, busy ? pause_busy : pause_idle, called);
        }
        const bool last = stopping_;
        const bool reopening = std::exchange(reopening_, false);
        std::optional<order> change = std::exchange(change_, std::nullopt);
        lock.unlock();
        busy = drain();
        obey(std::move(change), reopening);
        if (!last)
            continue;
        while (drain())
            continue;
        return;
    }
}

void access_writer::obey(std::optional<order> change, bool reopening) {
    if (reopening && present_.file) {
        if (const error failed = present_.file->reopen()) {
            log_error("access log {}: cannot be opened again: {}", present_.file->path(), failed);
        } else {
            log_info("access log {}: opened again", present_.file->path());
        }
    }
    if (change)
        present_ = std::move(*change);
}

bool access_writer::drain() {
    bool found = false;
    for (byte_ring* const ring : present_.rings)
        found = drain_ring(*ring) || found;
    flush();
    return found;
}

bool access_writer::drain_ring(byte_ring& from) {
    int taken = 0;
    for (; taken < entries_in_turn_max && from.pop(entry_); ++taken) {
        if (!present_.file)
            continue;
        if (proxy::format_access_entry(entry_, lines_))
            ++line_count_;
        if (lines_.size() >= batch_bytes)
            flush();
    }
    return taken > 0;
}

void access_writer::flush() {
    if (lines_.empty())
        return;
    const error failed = present_.file->write(lines_, ending_);
    if (failed) {
        lost_.fetch_add(line_count_, std::memory_order_relaxed);
        // Once for each time that it begins to fail.
        if (!failing_)
            log_error("access log {}: {}; lines are lost", present_.file->path(), failed);
    } else {
        if (failing_)
            log_warn("access log {}: works again, {} lines were lost", present_.file->path(),
                     lost() - lost_before_);
        lost_before_ = lost();
    }
    failing_ = static_cast<bool>(failed);
    lines_.clear();
    line_count_ = 0;
}

}  // namespace penstock::app
