// Problems of a configuration as the log and the command line show them.
#pragma once

#include "penstock/config/load.hpp"

#include <string>
#include <vector>

namespace penstock::app {

// "FILE:LINE:COLUMN: error: message (hint)", for a log; without the part that is not known. Of a
// warning "FILE:LINE:COLUMN: message (hint)".
[[nodiscard]] std::string one_line(const config::diagnostic& of);
[[nodiscard]] std::string one_line(const config::location& where, const std::string& message);

// "2 errors, 1 warning"; "no problems" for none.
[[nodiscard]] std::string summary_of(const std::vector<config::diagnostic>& problems);

}  // namespace penstock::app
