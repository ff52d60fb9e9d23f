// The configuration of HTTP/2 as plain structs: what model.hpp is for the rest. Sizes are in bytes.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;

// HTTP/2 towards clients.
struct listener_http2 {
    std::uint32_t streams = 100;        // at the same time, of one connection
    std::uint64_t stream_window = mib;  // bytes of a request's body that may wait here, at first
    std::uint64_t connection_window = mib;  // the same for all requests of one connection
};

// HTTP/2 towards origins.
struct upstream_http2 {
    std::uint32_t streams = 100;        // at the same time, of one connection
    std::uint64_t stream_window = mib;  // bytes of a response's body that may wait here, at first
    milliseconds ping_interval = 5min;  // silence of a busy connection before it is asked
    milliseconds ping_timeout = 20s;    // for the answer
};

// Of HTTP/2 responses that wait here for their clients, and of windows that have grown.
struct upstream_buffer {
    std::uint64_t total = 64 * mib;  // of the whole upstream
};

}  // namespace penstock::config
