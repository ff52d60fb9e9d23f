// What the fuzz targets of both roles play with: frames out of a fuzzer's bytes, and a body to
// send.
#pragma once

#include "penstock/base/check.hpp"
#include "penstock/http/h2_session.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::fuzz {

inline std::string number(std::size_t value, unsigned bytes) {
    std::string out;
    for (unsigned left = bytes; left > 0; --left)
        out += static_cast<char>(value >> (8 * (left - 1)) & 0xffU);
    return out;
}

// Empty SETTINGS, then records: type, flags, stream, length of the payload, payload; a type with
// its high bit set stands for raw bytes.
inline std::string frames_of(std::string_view records) {
    std::string out = number(0, 3) + number(4, 1) + number(0, 5);  // empty SETTINGS
    while (records.size() >= 4) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(records[i]); };
        const std::size_t length = std::min<std::size_t>(byte(3), records.size() - 4);
        const std::string_view payload = records.substr(4, length);
        if (byte(0) < 0x80)
            out += number(length, 3) + number(byte(0) % 12, 1) + number(byte(1), 1) +
                   number(byte(2), 4);
        out += payload;
        records.remove_prefix(4 + length);
    }
    return out;
}

class short_body final : public http::h2_outgoing {
 public:
    piece take(std::size_t max) override {
        PENSTOCK_CHECK(max > 0);
        return {std::string_view("hello").substr(0, max), true, max < 5};
    }
    const http::fields* trailers() const noexcept override { return nullptr; }
};

}  // namespace penstock::fuzz
