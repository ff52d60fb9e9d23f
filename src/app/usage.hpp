// What `penstock help` prints.
#pragma once

#include "app/command_line.hpp"

#include <string>

namespace penstock::app {

// About one command; about all of them for verb::help.
[[nodiscard]] std::string usage_of(verb about);

}  // namespace penstock::app
