// The two streams of the command line: what was asked for on standard output, what went wrong as
// one line on standard error. The daemon's log is base/log.
#pragma once

#include "penstock/config/load.hpp"

#include <string_view>

namespace penstock::app {

// Colour, if descriptor `fd` (1 or 2) is a terminal that has it and NO_COLOR does not refuse it.
[[nodiscard]] config::rendering rendering_for(int fd) noexcept;

// False if it could not be written whole.
[[nodiscard]] bool print(std::string_view text) noexcept;
// "penstock: " and the line.
void complain(std::string_view line) noexcept;
// As it is.
void print_error(std::string_view text) noexcept;

}  // namespace penstock::app
