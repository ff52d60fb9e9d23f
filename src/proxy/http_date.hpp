// The Date field (RFC 9110 §5.6.7), made anew once a second.
#pragma once

#include "penstock/base/clock.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::proxy {

class http_date {
 public:
    // "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call.
    [[nodiscard]] std::string_view at(wall_clock::time_point now) noexcept;

 private:
    std::int64_t second_ = -1;
    std::array<char, 32> text_{};
    std::size_t size_ = 0;
};

}  // namespace penstock::proxy
