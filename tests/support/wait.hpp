// What every waiting function of the tests takes: a limit after which it throws. Nothing here
// sleeps; waits end by an event or by their limit.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace penstock::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Long enough for a busy machine under a sanitizer; reached only by a test that fails.
inline constexpr milliseconds patience = 20s;

// Something of a test's surroundings went wrong; the text says what was expected.
class test_error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

class time_limit {
 public:
    using clock = std::chrono::steady_clock;

    explicit time_limit(milliseconds from_now) : at_(clock::now() + from_now) {}
    [[nodiscard]] clock::time_point at() const noexcept { return at_; }
    [[nodiscard]] bool passed() const noexcept { return clock::now() >= at_; }
    // For poll(2): rounded up, never negative.
    [[nodiscard]] int poll_ms() const noexcept;

 private:
    clock::time_point at_;
};

// Waits for poll events on `fd`. False when the limit has passed.
[[nodiscard]] bool wait_fd(int fd, short events, const time_limit& limit);

// Lets `length` pass: a delay that a test puts into a script, never a wait for somebody else.
void hold_for(milliseconds length);

// The calling thread's errno as a test_error that begins with `what`.
[[noreturn]] void throw_errno(const std::string& what);

}  // namespace penstock::test
