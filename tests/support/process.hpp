// Runs a command as a child of the test: a process group of its own, its output collected by a
// thread, killed with the object or with the test itself, so that nothing outlives a test run.
//
// Flow: construct (starts it) → wait_for a line → signal → wait for its end.
// Start it from a thread that lives as long as the child: the kernel's parent-death signal counts
// threads, not processes.
#pragma once

#include "support/descriptor.hpp"
#include "support/wait.hpp"

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::test {

// How a process ended.
struct exit_status {
    int code = -1;   // exit code, or -1 when a signal ended it
    int signal = 0;  // the signal, or 0
    bool operator==(const exit_status&) const = default;
};

struct process_options {
    std::vector<std::string> environment;  // "NAME=value", added to the test's own
    std::string directory;                 // empty = the test's own
};

class process {
 public:
    // argv[0] is looked up in PATH. Throws when it cannot be started.
    explicit process(const std::vector<std::string>& argv, const process_options& options = {});
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // The first whole line, of either stream, that contains `text`, from `skip` such lines on.
    // Throws with all output when the process ended or the limit passed before there was one.
    std::string wait_for(std::string_view text, milliseconds limit = patience, int skip = 0);
    void signal(int number) const;
    // Waits for its end; throws at the limit. May be called again.
    exit_status wait(milliseconds limit = patience);
    [[nodiscard]] bool running() const;

    // Everything written so far.
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;

 private:
    struct stream {
        descriptor fd;
        std::string text;
    };
    void collect();
    bool take(stream& from);
    void reap();
    [[nodiscard]] std::string find_line(std::string_view text, int skip) const;
    [[nodiscard]] std::string describe() const;

    std::string name_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    exit_status status_;
    descriptor pidfd_;
    descriptor stop_;  // an eventfd that ends the collector
    stream out_;
    stream err_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;  // both streams are at their end
    std::thread collector_;
};

// A finished command.
struct command_result {
    exit_status status;
    std::string out;
    std::string err;
};

// Runs a command to its end.
command_result run(const std::vector<std::string>& argv, milliseconds limit = patience);

// curl without progress, configuration file or proxy, and with a limit of its own.
command_result curl(std::vector<std::string> arguments, milliseconds limit = patience);

}  // namespace penstock::test
