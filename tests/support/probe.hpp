// What the end-to-end tests ask of a running daemon: its metrics, its access log, its memory.
#pragma once

#include "support/daemon.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

// All samples of /metrics: `name{labels}` as printed → value.
using samples = std::map<std::string, double>;
[[nodiscard]] samples scrape(const daemon& of);
// Σ of every sample of a family whose labels contain all of `labels` (each `key="value"`).
[[nodiscard]] double sum(const samples& in, std::string_view family,
                         const std::vector<std::string>& labels = {});
// Scrapes until `sum` has reached `least`; throws at the limit. Counters move when an exchange
// ends, which may be a moment after the client has its answer.
samples wait_for_sum(const daemon& of, std::string_view family,
                     const std::vector<std::string>& labels, double least);

// Resident bytes of a process, now and at their highest.
struct memory {
    std::uint64_t resident = 0;
    std::uint64_t highest = 0;
};
[[nodiscard]] memory memory_of(pid_t process);

// Open descriptors of a process.
[[nodiscard]] std::size_t descriptors_of(pid_t process);
// Waits until a process uses no CPU: at most one hundredth of a second in a third of one. False if
// it is still busy after 30 s.
[[nodiscard]] bool grows_quiet(pid_t process);

// A number behind `"key":` in a JSON line; -1 if the key is not there.
[[nodiscard]] double number_in(std::string_view json, std::string_view key);
// A string behind `"key":"` in a JSON line; empty if the key is not there.
[[nodiscard]] std::string text_in(std::string_view json, std::string_view key);

// A configuration with one listener `web`, one upstream `app` at `origin`, admin, and the access
// log on standard output. `more` is added at the end, `upstream` within the upstream's map.
[[nodiscard]] std::string proxy_to(const std::string& origin, const std::string& upstream = "",
                                   const std::string& more = "");

// Which build of penstock is tested: one with a sanitizer gets smaller loads. A question to the
// binary and not to the compiler, since the test program may be of another build.
[[nodiscard]] bool sanitized();
[[nodiscard]] bool thread_sanitized();

}  // namespace penstock::test
