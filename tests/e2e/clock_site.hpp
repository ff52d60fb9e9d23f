// A daemon whose clocks are not everybody else's: its calendar differs from the start on, or time
// passes for it when a test says so. By a library that is loaded in front of the C library's.
#pragma once

#include "support/daemon.hpp"
#include "support/descriptor.hpp"
#include "support/temp_dir.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

namespace penstock::test {

// A variable of whatever is started while it lives.
class variable {
 public:
    variable(const char* name, const std::string& value) : name_(name) {
        const char* const was = std::getenv(name);
        if (was != nullptr)
            before_ = was;
        ::setenv(name, value.c_str(), 1);
    }
    ~variable() {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    variable(const variable&) = delete;
    variable& operator=(const variable&) = delete;

 private:
    const char* name_;
    std::optional<std::string> before_;
};

// What is started while it lives has the library, with a variable for it.
class other_clock {
 public:
    other_clock(const char* name, const std::string& value)
        : order_("ASAN_OPTIONS", options() + ":verify_asan_link_order=0"),
          by_(name, value),
          library_("LD_PRELOAD", PENSTOCK_CLOCK_LIBRARY) {}

 private:
    // The sanitizer's own library does not come first then, and does not have to.
    static std::string options() {
        const char* const present = std::getenv("ASAN_OPTIONS");
        return present != nullptr ? present : "";
    }
    variable order_;
    variable by_;
    variable library_;
};

// A calendar that differs by so many seconds.
struct calendar : other_clock {
    explicit calendar(long skew) : other_clock("PENSTOCK_CLOCK_SKEW", std::to_string(skew)) {}
};

inline std::unique_ptr<daemon> start_at(long skew, const std::string& yaml) {
    const calendar elsewhere(skew);
    return std::make_unique<daemon>(yaml);
}

// Time that passes at once, for the daemon alone: what it waits for is overdue when it looks next.
// A thread that sleeps until a time, as the access log's does, sleeps for longer: such a test asks
// the metrics.
class moved_clock {
 public:
    explicit moved_clock(const std::string& yaml) {
        write();
        const other_clock moved("PENSTOCK_CLOCK_AHEAD", dir_.path("ahead"));
        daemon_ = std::make_unique<daemon>(yaml);
    }
    void advance(std::chrono::seconds by) {
        ahead_ += by.count();
        write();
    }
    [[nodiscard]] daemon& proxy() const noexcept { return *daemon_; }

 private:
    void write() const {
        const descriptor file(
            ::open(dir_.path("ahead").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        if (::pwrite(file.get(), &ahead_, sizeof ahead_, 0) != sizeof ahead_)
            throw_errno("the file of the clock");
    }

    temp_dir dir_;
    std::int64_t ahead_ = 0;
    std::unique_ptr<daemon> daemon_;
};

}  // namespace penstock::test
