// Small things about threads: names for people who look at them in top or a debugger.
#pragma once

#include <string>

namespace penstock::app {

// At most 15 bytes are kept.
void name_this_thread(const std::string& name) noexcept;

}  // namespace penstock::app
