// The libraries under `net`, with the versions that are loaded at run time: a bug report begins
// with them, and a distribution may have replaced the ones of the build.
#pragma once

#include <string>
#include <vector>

namespace penstock::net {

struct library {
    std::string name;     // "OpenSSL"
    std::string version;  // "3.0.17"
};

[[nodiscard]] std::vector<library> libraries();

}  // namespace penstock::net
