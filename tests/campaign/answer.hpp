// What the origin answers one request with. It follows from the seed and the request's mark alone.
#pragma once

#include "campaign/identity.hpp"
#include "campaign/strict_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::campaign {

struct answer {
    std::string bytes;
    std::vector<std::size_t> cuts;  // ascending, before the end of the message
    bool closes = false;            // the connection ends behind it
    // How the strict reader understands it: the final response, or why there is none.
    message response;
    bool whole = false;
    std::string fault;     // not whole: what is wrong with the bytes, or that they end early
    bool surplus = false;  // bytes stand behind the final response
    [[nodiscard]] bool silent() const noexcept { return bytes.empty(); }
};
[[nodiscard]] answer make_answer(std::uint64_t seed, identity to, std::string_view method);
// To a request whose mark was destroyed.
[[nodiscard]] answer plain_answer();

// Marks an answer hides behind its end, with the request's index: no client may see one.
inline constexpr std::uint32_t poison_part = 13;

}  // namespace penstock::campaign
