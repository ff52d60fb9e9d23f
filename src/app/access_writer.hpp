// The thread behind the access log: takes entries out of the workers' rings, makes lines of them
// and writes these in batches. It is the only reader of the rings and the only writer of the file,
// and no thread ever waits for it.
//
// Lifetime: the rings outlive it. `stop` (or the destructor) writes what is left and joins.
#pragma once

#include "app/access_file.hpp"
#include "penstock/base/byte_ring.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace penstock::app {

class access_writer {
 public:
    access_writer();
    access_writer(const access_writer&) = delete;
    access_writer& operator=(const access_writer&) = delete;
    ~access_writer();

    // From now on these rings go to this file. What the rings hold at this time goes to the file
    // before. No file = entries that still come are dropped: they belong to a log that is off.
    void use(std::optional<access_file> file, std::vector<byte_ring*> rings);
    // Opens the file's path again.
    void reopen();
    void stop();
    // Lines that could not be written.
    [[nodiscard]] std::uint64_t lost() const noexcept {
        return lost_.load(std::memory_order_relaxed);
    }

 private:
    struct order {
        std::optional<access_file> file;
        std::vector<byte_ring*> rings;
    };
    void run();
    void obey(std::optional<order> change, bool reopening);
    [[nodiscard]] bool drain();
    [[nodiscard]] bool drain_ring(byte_ring& from);
    void flush();

    // Of the thread alone.
    order present_;
    std::string entry_;
    std::string lines_;
    std::uint64_t line_count_ = 0;
    std::uint64_t lost_before_ = 0;  // when writing last worked
    bool failing_ = false;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<order> change_;
    bool reopening_ = false;
    bool stopping_ = false;

    std::atomic<bool> ending_{false};
    std::atomic<std::uint64_t> lost_{0};
    std::thread thread_;  // last, so that it finds all of the above
};

}  // namespace penstock::app
