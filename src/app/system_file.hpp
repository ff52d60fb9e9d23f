// What the kernel says in its files under /proc and /sys.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace penstock::app {

// The whole file; empty if there is none.
[[nodiscard]] inline std::string read_system_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace penstock::app
