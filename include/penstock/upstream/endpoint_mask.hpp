// endpoint_mask: a set of endpoints of one upstream in 64 bits. Endpoints from 63 on share the last
// bit, so a mask may name too many of them and never too few.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace penstock::upstream {

using endpoint_mask = std::uint64_t;
inline constexpr endpoint_mask every_endpoint = ~endpoint_mask{0};

[[nodiscard]] constexpr endpoint_mask mask_of(std::size_t endpoint) noexcept {
    return endpoint_mask{1} << std::min<std::size_t>(endpoint, 63);
}

}  // namespace penstock::upstream
