// What each command of the command line does. Each returns the exit code.
#pragma once

#include "app/command_line.hpp"

namespace penstock::app {

[[nodiscard]] int run_proxy(const command& from);
[[nodiscard]] int run_demo(const command& from);
[[nodiscard]] int check(const command& from);
[[nodiscard]] int dump(const command& from);
[[nodiscard]] int print_schema();
[[nodiscard]] int print_version(const command& from);
[[nodiscard]] int examine(const command& from);  // doctor

}  // namespace penstock::app
