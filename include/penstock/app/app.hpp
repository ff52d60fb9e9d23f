// The program: what `main` calls with the command line.
#pragma once

#include <string>
#include <vector>

namespace penstock::app {

// Exit codes: 0 ok, 1 runtime, 2 usage, 78 invalid configuration, 71 operating system.
inline constexpr int exit_ok = 0;
inline constexpr int exit_runtime = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_os = 71;
inline constexpr int exit_config = 78;

// `arguments` are those after the program's name. Returns the exit code.
[[nodiscard]] int run(const std::vector<std::string>& arguments);

}  // namespace penstock::app
