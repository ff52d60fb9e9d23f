// What the library is told before it begins, and what its errors mean in our terms.
#include "http/h2_core.hpp"

#include <algorithm>
#include <new>

namespace penstock::http {
namespace {

// A response's head may be larger than the requests that its listener allows.
constexpr std::size_t sent_head_min = std::size_t{128} * 1024;

}  // namespace

library_options::library_options(const h2_limits& limits, bool of_server) {
    if (nghttp2_option_new(&raw) != 0)
        throw std::bad_alloc();
    // What a client says is judged by us: the library resets where a status is owed, and goes
    // on to decode, uncounted, what it has refused.
    nghttp2_option_set_no_http_messaging(raw, of_server ? 1 : 0);
    // The window is given back as the bytes leave towards the origin.
    nghttp2_option_set_no_auto_window_update(raw, 1);
    nghttp2_option_set_no_closed_streams(raw, 1);
    nghttp2_option_set_server_fallback_rfc7540_priorities(raw, 0);
    // The tracker counts the frames. The library counts how often it begins to wait for one,
    // which is as often as its header comes in pieces.
    nghttp2_option_set_max_continuations(
        raw, frame_header_size * (std::size_t{limits.floods.continuations} + 1));
    // What was received within the limits leaves, with what is added to it and 12 bytes for
    // each field. The library would leave a head above 64 KiB unsent without a word.
    nghttp2_option_set_max_send_header_block_length(raw,
                                                    2 * std::max(limits.head.head, sent_head_min));
    nghttp2_option_set_builtin_recv_extension_type(raw, NGHTTP2_PRIORITY_UPDATE);
}

library_options::~library_options() { nghttp2_option_del(raw); }

h2_code code_of_library(int library_error) noexcept {
    switch (library_error) {
        case NGHTTP2_ERR_FLOW_CONTROL:
            return h2_code::flow_control_error;
        case NGHTTP2_ERR_FRAME_SIZE_ERROR:
            return h2_code::frame_size_error;
        case NGHTTP2_ERR_HEADER_COMP:
            return h2_code::compression_error;
        case NGHTTP2_ERR_STREAM_CLOSED:
            return h2_code::stream_closed;
        case NGHTTP2_ERR_FLOODED:
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
            return h2_code::enhance_your_calm;
        default:
            return h2_code::protocol_error;
    }
}

h2_breach breach_of_library(int library_error) noexcept {
    if (library_error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        return h2_breach::continuation_flood;
    return library_error == NGHTTP2_ERR_FLOODED ? h2_breach::unread_replies : h2_breach::rules;
}

std::string_view h2_library_version() noexcept { return nghttp2_version(0)->version_str; }

}  // namespace penstock::http
