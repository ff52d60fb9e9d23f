#include "http/h2_frame_tracker.hpp"

#include <algorithm>

namespace penstock::http {
namespace {

// RFC 9113 §6.
enum frame_type : std::uint8_t {
    data,
    headers,
    priority,
    rst_stream,
    settings,
    push_promise,
    ping,
    goaway,
    window_update,
    continuation
};
constexpr std::uint8_t end_stream = 0x1;
constexpr std::uint8_t ack = 0x1;
constexpr std::uint8_t end_headers = 0x4;
constexpr std::uint8_t padded = 0x8;
constexpr std::uint8_t has_priority = 0x20;
constexpr std::uint32_t priority_size = 5;  // dependency and weight

}  // namespace

h2_frame_tracker::h2_frame_tracker(const h2_flood_limits& limits, bool of_client) noexcept
    : limits_(limits),
      preface_left_(of_client ? h2_preface.size() : 0),
      of_client_(of_client),
      control_(limits.control, limits.window),
      ignored_(limits.ignored, limits.window) {}

bool h2_frame_tracker::memory::has(h2_stream_id stream) const noexcept {
    return std::find(ring_.begin(), ring_.end(), stream) != ring_.end();
}

std::size_t h2_frame_tracker::inspect(std::string_view received, time_point now) {
    std::size_t at = std::min(preface_left_, received.size());
    preface_left_ -= at;
    while (at < received.size() && fault_ == h2_breach::none) {
        if (payload_left_ > 0) {
            const std::string_view payload = received.substr(at, payload_left_);
            if (dependency_left_ > 0 && depends_on_itself(payload)) {
                fault_ = h2_breach::rules;
                return at;
            }
            payload_left_ -= static_cast<std::uint32_t>(payload.size());
            at += payload.size();
            continue;
        }
        header_[header_bytes_] = static_cast<unsigned char>(received[at]);
        if (++header_bytes_ < header_.size()) {
            ++at;
            continue;
        }
        header_bytes_ = 0;
        const auto byte = [this](std::size_t i) { return std::uint32_t{header_[i]}; };
        const frame next{byte(0) << 16U | byte(1) << 8U | byte(2), header_[3], header_[4],
                         (byte(5) & 0x7fU) << 24U | byte(6) << 16U | byte(7) << 8U | byte(8)};
        fault_ = judge(next, now);
        if (fault_ != h2_breach::none)
            return at;
        payload_left_ = next.length;
        in_data_ = next.type == frame_type::data;
        if (next.type == frame_type::headers || next.type == frame_type::continuation)
            in_block_ = (next.flags & end_headers) == 0;
        ++at;
    }
    return at;
}

h2_breach h2_frame_tracker::judge(const frame& next, time_point now) {
    if (next.length > frame_size_max)
        return h2_breach::frame_size;
    switch (next.type) {
        case frame_type::data:
            return judge_data(next, now);
        case frame_type::headers:
            return judge_headers(next, now);
        case frame_type::continuation:
            return judge_continuation(next, now);
        case frame_type::rst_stream:
            close(next.stream);
            return h2_breach::none;
        case frame_type::window_update:
            ++window_updates_;
            return window_updates_ >
                           limits_.window_updates + data_sent_ * limits_.window_updates_per_data
                       ? h2_breach::window_update_flood
                       : h2_breach::none;
        case frame_type::priority:
            // The library passes it over, since the scheme of RFC 7540 is off.
            if (next.stream == 0)
                return h2_breach::rules;
            if (next.length != 5)
                return h2_breach::frame_size;
            if (++priorities_ > (streams_ + 1) * limits_.priorities_per_stream)
                return h2_breach::priority_flood;
            expect_dependency(next);
            return count_control(now);
        case frame_type::settings:
            // As many as we ask for, and the library ends the connection for one that answers
            // nothing.
            return (next.flags & ack) != 0 ? h2_breach::none : count_control(now);
        default:
            return count_control(now);
    }
}

h2_breach h2_frame_tracker::count_control(time_point now) noexcept {
    return control_.add(now) ? h2_breach::none : h2_breach::control_flood;
}

// RFC 9113 §5.1, of a frame that belongs to a message of the peer. `unknown` is the fault of one
// that names a stream which was passed over (§5.1.1), or closed long ago.
h2_breach h2_frame_tracker::judge_stream_use(h2_stream_id stream,
                                             h2_breach unknown) const noexcept {
    if (is_open(stream) || reset_.has(stream))
        return h2_breach::none;
    if (closed_.has(stream))
        return h2_breach::closed_stream;
    // We may have reset more streams at a server than are remembered; it opens none itself.
    return of_client_ ? unknown : h2_breach::none;
}

// Of a block that the library decodes without a word. False if there was too much of that.
bool h2_frame_tracker::ignore(const frame& block, time_point now) noexcept {
    return !ignored_block_ ||
           ignored_.add(now, block.length + static_cast<std::uint32_t>(header_.size()));
}

h2_breach h2_frame_tracker::judge_headers(const frame& next, time_point now) {
    block_bytes_ = next.length;
    continuations_ = 0;
    ignored_block_ = next.stream > last_ || reset_.has(next.stream);
    if (!ignore(next, now))
        return h2_breach::header_bomb;
    if (next.stream <= highest_) {
        const h2_breach fault = judge_stream_use(next.stream, h2_breach::idle_stream);
        if (fault != h2_breach::none)
            return fault;
    } else {
        if (!of_client_)
            return h2_breach::idle_stream;
        if (open_.size() >= open_max)
            return h2_breach::refused_streams;
        highest_ = next.stream;
        ++streams_;
        open_.push_back(next.stream);
    }
    if ((next.flags & end_stream) != 0)
        close(next.stream);
    expect_dependency(next);
    return h2_breach::none;
}

// RFC 7540 §6.2, §6.3: the dependency is the first field, behind the length of a padding. The
// library answers a frame that is too short for it.
void h2_frame_tracker::expect_dependency(const frame& of) noexcept {
    const bool present = of.type == frame_type::priority || (of.flags & has_priority) != 0;
    const bool behind_padding = of.type == frame_type::headers && (of.flags & padded) != 0;
    const std::uint32_t before = behind_padding ? 1 : 0;
    dependency_left_ = present && of.length >= before + priority_size ? before + 4 : 0;
    dependent_ = of.stream;
}

// RFC 7540 §5.3.1. Nothing of such a frame reaches the session, and the connection ends: PRIORITY
// may name a stream that is idle or closed, on which no RST_STREAM may be sent (§5.1), and one
// fault has one answer, in whichever frame it comes (§5.4.1 allows to end the connection for the
// fault of a stream).
bool h2_frame_tracker::depends_on_itself(std::string_view payload) noexcept {
    for (const char each : payload.substr(0, dependency_left_)) {
        dependency_ = dependency_ << 8U | static_cast<unsigned char>(each);
        --dependency_left_;
    }
    return dependency_left_ == 0 && (dependency_ & 0x7fffffffU) == dependent_;
}

// A block that goes on for too long is not decoded to its end (CVE-2024-27316).
h2_breach h2_frame_tracker::judge_continuation(const frame& next, time_point now) {
    if (!ignore(next, now))
        return h2_breach::header_bomb;
    block_bytes_ += next.length;
    ++continuations_;
    return continuations_ > limits_.continuations || block_bytes_ > limits_.block
               ? h2_breach::continuation_flood
               : h2_breach::none;
}

h2_breach h2_frame_tracker::judge_data(const frame& next, time_point now) {
    const bool ends = (next.flags & end_stream) != 0;
    if (next.stream > highest_ || next.stream == 0)
        return h2_breach::idle_stream;
    const h2_breach fault = judge_stream_use(next.stream, h2_breach::closed_stream);
    if (fault != h2_breach::none)
        return fault;
    if (ends)
        close(next.stream);
    else if (next.length == 0)
        return count_control(now);
    return h2_breach::none;
}

bool h2_frame_tracker::is_open(h2_stream_id stream) const noexcept {
    return std::find(open_.begin(), open_.end(), stream) != open_.end();
}

bool h2_frame_tracker::forget(h2_stream_id stream) noexcept {
    const auto found = std::find(open_.begin(), open_.end(), stream);
    if (found == open_.end())
        return false;
    *found = open_.back();
    open_.pop_back();
    return true;
}

void h2_frame_tracker::note_opened(h2_stream_id stream) {
    highest_ = stream;
    ++streams_;
    open_.push_back(stream);
}

// By the peer.
void h2_frame_tracker::close(h2_stream_id stream) {
    if (forget(stream))
        closed_.add(stream);
}

// What the peer had sent before it saw the reset is no fault of its own (RFC 9113 §5.1).
void h2_frame_tracker::note_reset(h2_stream_id stream) {
    if (forget(stream))
        reset_.add(stream);
}

}  // namespace penstock::http
