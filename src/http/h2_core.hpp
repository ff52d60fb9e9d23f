// h2_core: what the sessions of both roles hold, and their dealings with nghttp2. Nothing else
// includes the library.
#pragma once

#include "http/h2_frame_tracker.hpp"
#include "http/h2_narrow_period.hpp"
#include "penstock/base/recycled.hpp"
#include "penstock/http/h2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

inline constexpr std::size_t frame_header_size = 9;  // RFC 9113 §4.1

[[nodiscard]] inline std::string_view view(const std::uint8_t* data, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(data), size};
}

[[nodiscard]] inline std::uint8_t* bytes(std::string_view text) noexcept {
    // The library reads these bytes only; its type just does not say so.
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

[[nodiscard]] inline nghttp2_nv pair_of(std::string_view name, std::string_view value) noexcept {
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

[[nodiscard]] inline nghttp2_nv pair_of(const fields::field& one) noexcept {
    nghttp2_nv pair = pair_of(one.name, one.value);
    pair.flags = one.never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    return pair;
}

using name_value_list = std::vector<nghttp2_nv, recycling_allocator<nghttp2_nv>>;
// Appends the fields of a head. The second, independent check of the grammar: false if a reader
// could take something of them for another message.
[[nodiscard]] bool list_fields(const fields& from, name_value_list& to);

struct library_options {
    library_options(const h2_limits& limits, bool of_server);
    ~library_options();
    library_options(const library_options&) = delete;
    library_options& operator=(const library_options&) = delete;

    nghttp2_option* raw = nullptr;
};

// Of a negative return value of the library.
[[nodiscard]] h2_code code_of_library(int library_error) noexcept;
[[nodiscard]] h2_breach breach_of_library(int library_error) noexcept;

struct h2_session::implementation {
    implementation(h2_session& of, role as, const h2_limits& by);
    ~implementation();
    implementation(const implementation&) = delete;
    implementation& operator=(const implementation&) = delete;

    void break_off(h2_breach why) noexcept {
        if (fault == h2_breach::none)
            fault = why;
    }
    // Gives `body` to the library as the source of a stream's DATA.
    [[nodiscard]] static nghttp2_data_provider source_of(h2_stream& of) noexcept;

    h2_limits limits;
    role as;
    h2_frame_tracker tracker;
    nghttp2_session* library = nullptr;
    std::string first;  // what `send` gives before anything else: SETTINGS, a GOAWAY
    std::string* out = nullptr;
    std::size_t out_max = 0;
    time_point now{};
    h2_breach fault = h2_breach::none;     // of our own finding
    h2_breach breach = h2_breach::none;    // that ended it
    h2_code ended_by = h2_code::no_error;  // in the GOAWAY that was sent
    bool ended = false;
    bool settings_came = false;
    std::uint64_t progress = 0;
    std::size_t waiting = 0;  // DATA in all streams that nobody has read
    std::size_t ahead = 0;    // of it, what the connection's window has been given back for
    std::size_t held = 0;     // of it, what is charged to the account
    bool crowded = false;     // streams have the least window because of that
    std::size_t credit = 0;   // of the connection's, not said yet
    std::uint32_t connection_window;
    std::uint32_t stream_window;  // of every stream, as was said last
    h2_narrow_period narrow;
    h2_window_sample sample;
    h2_window_account* account = nullptr;
    // Frames that the library had to send as SETTINGS came: what it has to say behind them, but for
    // their acknowledgement, they are to blame for.
    std::size_t queued = 0;
    std::size_t passed_over = 0;  // decoded of the block that comes in and that nobody reads
    bool going_away = false;      // the peer has sent a GOAWAY
    h2_code goaway_code = h2_code::no_error;  // of its latest one
    // The highest stream of the peer's that the owner has been given while it was open: it may be
    // acted upon. No GOAWAY of ours names a lower one.
    h2_stream_id taken_up = 0;
    bool refuses_new = false;  // a GOAWAY that names the last stream was given to `send`'s caller
    std::vector<std::unique_ptr<h2_stream>> erased;  // the library may still be looking at them
};

}  // namespace penstock::http
