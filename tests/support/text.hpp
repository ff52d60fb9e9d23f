// Text for tests to send.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::test {

inline std::string repeat(std::string_view what, std::size_t times) {
    std::string out;
    out.reserve(what.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        out += what;
    return out;
}

}  // namespace penstock::test
