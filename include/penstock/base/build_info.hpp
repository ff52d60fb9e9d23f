// Which Penstock this is: what `penstock version`, the start-up line and the build_info metric say.
// Defined by a file that the build makes.
#pragma once

#include <string_view>

namespace penstock {

struct build_info {
    std::string_view version;     // "0.1.0"
    std::string_view revision;    // short git revision of a release build, or "unknown"
    std::string_view build_type;  // "Release", "Debug (address,undefined)"
    std::string_view compiler;    // "GNU 12.2.0"
    std::string_view libraries;  // "fmt 9.1.0, …": those that do not tell their version at run time
};

[[nodiscard]] const build_info& this_build() noexcept;

}  // namespace penstock
