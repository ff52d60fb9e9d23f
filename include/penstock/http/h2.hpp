// HTTP/2's own terms (RFC 9113): the codes that end streams and connections, and what a connection
// may ask of us.
#pragma once

#include "penstock/base/clock.hpp"
#include "penstock/http/h1_head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::http {

using h2_stream_id = std::uint32_t;
inline constexpr h2_stream_id h2_stream_id_max = 0x7fffffff;

// What a decoded field counts beside its bytes (RFC 9113 §6.5.2).
inline constexpr std::size_t h2_field_overhead = 32;

// RFC 9113 §7.
enum class h2_code : std::uint32_t {
    no_error,
    protocol_error,
    internal_error,
    flow_control_error,
    settings_timeout,
    stream_closed,
    frame_size_error,
    refused_stream,
    cancel,
    compression_error,
    connect_error,
    enhance_your_calm,
    inadequate_security,
    http_1_1_required,
};

// "PROTOCOL_ERROR" and so on; "" for a code that RFC 9113 does not name.
[[nodiscard]] std::string_view name(h2_code code) noexcept;

// Why we end a connection. Each is an attack, or a peer that does not know the rules.
enum class h2_breach : std::uint8_t {
    none,
    rules,                // of RFC 9113 or RFC 7541, found by the library
    frame_size,           // a frame of more than 16 384 bytes
    closed_stream,        // more on a stream that its sender had ended
    idle_stream,          // a frame on a stream that was never opened
    control_flood,        // SETTINGS, PING, empty DATA and the like
    continuation_flood,   // one header block in too many frames, or too large
    window_update_flood,  // more credit than data
    priority_flood,
    reset_flood,      // streams that ended early, whoever ended them
    faulty_heads,     // requests that could not be taken, again and again
    refused_streams,  // above the limit, again and again
    header_bomb,      // fields that grow as they are decoded
    unread_replies,   // asks for answers that it does not read
    settings_timeout,
    head_timeout,
    window_overflow,      // of a stream, by SETTINGS
    stalled,              // takes nothing of any response
    inadequate_security,  // TLS 1.2 with a cipher that is not for HTTP/2 (RFC 9113 §9.2.2)
};
inline constexpr std::size_t h2_breach_count =
    static_cast<std::size_t>(h2_breach::inadequate_security) + 1;

// "reset_flood" and so on; the label value.
[[nodiscard]] std::string_view name(h2_breach breach) noexcept;
// What the peer is told.
[[nodiscard]] h2_code code_of(h2_breach breach) noexcept;

// What a client sends first (RFC 9113 §3.4).
inline constexpr std::string_view h2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// How often a peer may make us work without a request. Rates are per `window`.
struct h2_flood_limits {
    nanoseconds window = 10s;
    std::uint32_t control = 1000;  // SETTINGS, PING, PRIORITY, unknown, empty DATA …
    // Streams that ended early, whoever ended them, and heads that were refused: one account.
    std::uint32_t glitches = 200;
    std::uint32_t refusals = 100;     // streams above the limit, over the connection's life
    std::uint32_t continuations = 8;  // of one header block
    std::size_t block = 64 * 1024;    // encoded bytes of one header block
    // Encoded bytes of header blocks that nobody waits for: behind our reset or our last GOAWAY.
    // What was under way is no fault, but the library decodes it.
    std::uint32_t ignored = 256 * 1024;
    std::uint32_t window_updates = 1000;         // over the connection's life, and …
    std::uint32_t window_updates_per_data = 10;  // … for each DATA frame that we sent
    std::uint32_t priorities_per_stream = 100;
    // Of at least so many streams, no more than half may be reset within a second (RFC 9113 §10.5).
    std::uint32_t judged_streams = 500;
};

struct h2_limits {
    std::uint32_t streams = 100;                // at the same time
    std::uint32_t stream_window = 1024 * 1024;  // at first, like the connection's
    std::uint32_t connection_window = 1024 * 1024;
    head_limits head;  // decoded, with h2_field_overhead for each field
    // A server offers extended CONNECT (RFC 8441) for websockets.
    bool extended_connect = true;
    h2_flood_limits floods;
};

// Of nghttp2, as it is loaded: "1.52.0".
[[nodiscard]] std::string_view h2_library_version() noexcept;

}  // namespace penstock::http
