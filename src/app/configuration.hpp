// A configuration as the command line names it: a file, or `-` for standard input. It keeps what it
// takes to show a problem with its source line.
#pragma once

#include "penstock/config/load.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::app {

struct configuration {
    std::string name;   // as messages show it: the path, or "<stdin>"
    std::string text;   // of standard input, which cannot be read a second time; else empty
    bool again = true;  // whether it can be loaded again
    config::loaded read;
};

[[nodiscard]] configuration load_configuration(const std::string& path);

// Problems that were found after loading get their source lines. `text` as in configuration.
void locate(std::vector<config::diagnostic>& problems, std::string_view text);

// Says on standard error why it cannot be used, and returns the exit code.
[[nodiscard]] int refuse(const configuration& of);

}  // namespace penstock::app
