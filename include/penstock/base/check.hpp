// Checks that stay on in release builds. They guard our own invariants only: whatever a peer or an
// operator can cause is an error value, never a failed check.
#pragma once

namespace penstock {

// Writes the condition and its place to standard error and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace penstock

#define PENSTOCK_CHECK(condition)                        \
    (static_cast<bool>(condition) ? static_cast<void>(0) \
                                  : ::penstock::check_failed(#condition, __FILE__, __LINE__))
