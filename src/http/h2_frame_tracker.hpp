// h2_frame_tracker: sees the nine-byte header of every frame that the peer sends, before the
// session does (RFC 9113 §4.1). The session's library passes over frames on streams that it has
// forgotten without a word, so the rules about those are kept here, and so are the caps on frames
// that cost the sender less than us.
//
// Of payloads it reads one thing: the stream that HEADERS or PRIORITY make theirs depend on.
//
//   a stream, as far as the peer may still send on it:
//     open ─► closed by the peer (END_STREAM or RST_STREAM): more on it is an error
//        └──► reset by us: what was under way is let through, to be ignored
#pragma once

#include "http/h2_rate.hpp"
#include "penstock/http/h2.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace penstock::http {

class h2_frame_tracker {
 public:
    static constexpr std::size_t frame_size_max = 16384;  // RFC 9113 §4.2, and we announce no more
    // Streams closed by the peer, or reset by us, of which we still know which it was.
    static constexpr std::size_t remembered = 128;
    // Streams that the peer has not ended; a read brings no more than this.
    static constexpr std::size_t open_max = 4096;

    // A client opens streams and begins with the preface; a server does neither.
    h2_frame_tracker(const h2_flood_limits& limits, bool of_client) noexcept;

    // Looks at what was received, in order, from the preface's first byte on. Returns how much of
    // it may be handed to the session; if that is not all, `fault` says why the connection ends.
    [[nodiscard]] std::size_t inspect(std::string_view received, time_point now);
    [[nodiscard]] h2_breach fault() const noexcept { return fault_; }

    // We opened it.
    void note_opened(h2_stream_id stream);
    // We sent these.
    void note_reset(h2_stream_id stream);
    void note_data() noexcept { ++data_sent_; }
    // A GOAWAY: streams of the peer above `last` are passed over.
    void note_goaway(h2_stream_id last) noexcept { last_ = last; }
    // The preface, a frame other than DATA, or a header block has begun and is not whole.
    [[nodiscard]] bool within_head() const noexcept {
        return in_block_ || header_bytes_ > 0 || (payload_left_ > 0 && !in_data_) ||
               (preface_left_ > 0 && preface_left_ < h2_preface.size());
    }
    [[nodiscard]] h2_stream_id highest_stream() const noexcept { return highest_; }

 private:
    struct frame {
        std::uint32_t length;
        std::uint8_t type;
        std::uint8_t flags;
        h2_stream_id stream;
    };
    // The last streams that something happened to.
    class memory {
     public:
        void add(h2_stream_id stream) noexcept { ring_[next_++ % remembered] = stream; }
        [[nodiscard]] bool has(h2_stream_id stream) const noexcept;

     private:
        std::array<h2_stream_id, remembered> ring_{};
        std::size_t next_ = 0;
    };

    [[nodiscard]] h2_breach judge(const frame& next, time_point now);
    [[nodiscard]] h2_breach judge_headers(const frame& next, time_point now);
    [[nodiscard]] h2_breach judge_continuation(const frame& next, time_point now);
    [[nodiscard]] bool ignore(const frame& block, time_point now) noexcept;
    [[nodiscard]] h2_breach judge_data(const frame& next, time_point now);
    [[nodiscard]] h2_breach judge_stream_use(h2_stream_id stream, h2_breach unknown) const noexcept;
    [[nodiscard]] h2_breach count_control(time_point now) noexcept;
    void expect_dependency(const frame& of) noexcept;
    [[nodiscard]] bool depends_on_itself(std::string_view payload) noexcept;
    [[nodiscard]] bool is_open(h2_stream_id stream) const noexcept;
    bool forget(h2_stream_id stream) noexcept;
    void close(h2_stream_id stream);

    h2_flood_limits limits_;
    std::array<unsigned char, 9> header_{};
    std::size_t header_bytes_ = 0;
    std::size_t preface_left_;
    std::uint32_t payload_left_ = 0;
    std::uint32_t dependency_left_ = 0;  // of the payload, up to the dependency's last byte
    std::uint32_t dependency_ = 0;       // the last four bytes of that part
    h2_stream_id dependent_ = 0;         // the stream of that frame
    h2_breach fault_ = h2_breach::none;
    bool of_client_;
    bool in_block_ = false;  // END_HEADERS has not come
    bool in_data_ = false;   // the present frame is DATA
    bool ignored_block_ = false;

    std::vector<h2_stream_id> open_;
    memory closed_;
    memory reset_;
    h2_stream_id highest_ = 0;
    std::size_t block_bytes_ = 0;
    std::uint32_t continuations_ = 0;
    h2_stream_id last_ = std::numeric_limits<h2_stream_id>::max();
    h2_rate control_;
    h2_rate ignored_;
    std::uint64_t streams_ = 0;
    std::uint64_t priorities_ = 0;
    std::uint64_t window_updates_ = 0;
    std::uint64_t data_sent_ = 0;
};

}  // namespace penstock::http
