#include "penstock/http/h2.hpp"

#include <array>

namespace penstock::http {

std::string_view name(h2_code code) noexcept {
    constexpr std::array<std::string_view, 14> names{"NO_ERROR",
                                                     "PROTOCOL_ERROR",
                                                     "INTERNAL_ERROR",
                                                     "FLOW_CONTROL_ERROR",
                                                     "SETTINGS_TIMEOUT",
                                                     "STREAM_CLOSED",
                                                     "FRAME_SIZE_ERROR",
                                                     "REFUSED_STREAM",
                                                     "CANCEL",
                                                     "COMPRESSION_ERROR",
                                                     "CONNECT_ERROR",
                                                     "ENHANCE_YOUR_CALM",
                                                     "INADEQUATE_SECURITY",
                                                     "HTTP_1_1_REQUIRED"};
    const auto at = static_cast<std::size_t>(code);
    return at < names.size() ? names[at] : std::string_view();
}

std::string_view name(h2_breach breach) noexcept {
    constexpr std::array<std::string_view, h2_breach_count> names{"none",
                                                                  "rules",
                                                                  "frame_size",
                                                                  "closed_stream",
                                                                  "idle_stream",
                                                                  "control_flood",
                                                                  "continuation_flood",
                                                                  "window_update_flood",
                                                                  "priority_flood",
                                                                  "reset_flood",
                                                                  "faulty_heads",
                                                                  "refused_streams",
                                                                  "header_bomb",
                                                                  "unread_replies",
                                                                  "settings_timeout",
                                                                  "head_timeout",
                                                                  "window_overflow",
                                                                  "stalled",
                                                                  "inadequate_security"};
    return names[static_cast<std::size_t>(breach)];
}

h2_code code_of(h2_breach breach) noexcept {
    switch (breach) {
        case h2_breach::none:
            return h2_code::no_error;
        case h2_breach::rules:
        case h2_breach::idle_stream:
            return h2_code::protocol_error;
        case h2_breach::frame_size:
            return h2_code::frame_size_error;
        case h2_breach::closed_stream:
            return h2_code::stream_closed;
        case h2_breach::window_overflow:
            return h2_code::flow_control_error;
        case h2_breach::settings_timeout:
            return h2_code::settings_timeout;
        case h2_breach::inadequate_security:
            return h2_code::inadequate_security;
        default:
            return h2_code::enhance_your_calm;
    }
}

}  // namespace penstock::http
