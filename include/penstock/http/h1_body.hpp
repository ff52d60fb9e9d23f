// HTTP/1 message bodies: a decoder for every framing of RFC 9112 §6 and the chunked encoder (§7.1).
#pragma once

#include "penstock/http/error.hpp"
#include "penstock/http/fields.hpp"
#include "penstock/http/h1_head.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace penstock::http {

struct body_limits {
    // Blanks may stand behind a chunk's size and its extensions, as some origins pad them.
    bool padded_sizes = false;
    std::size_t extension_line = 256;  // chunk extensions of one line
    std::size_t extension_total = 16 * 1024;
    std::size_t trailer_count = 32;
    std::size_t trailer_bytes = 8 * 1024;
};

// Flow: `feed` what was received until `finished`; each call returns at most one run of body bytes
// (a view into its input) and how much of the input it used, framing included. Empty data with all
// input used means: more is needed. Bytes after the message's end are never used.
class h1_body_decoder {
 public:
    h1_body_decoder() = default;  // no body: finished at once
    explicit h1_body_decoder(framing how, const body_limits& limits = {}) noexcept;

    struct piece {
        std::string_view data;
        std::size_t used = 0;
    };
    // At most `max` bytes of data; 0 takes framing only. After an error, every call repeats it.
    [[nodiscard]] result<piece> feed(std::string_view input, std::size_t max);
    // The next run of data and the framing behind it, so that a body's end shows with its last
    // bytes. Small chunks are moved together within `bytes` and come as one run: each by itself may
    // cost the next hop more than it is.
    struct joined {
        std::string_view data;
        std::size_t used = 0;
        error fault;  // of what stands behind `data`, which is good
    };
    [[nodiscard]] joined read(std::span<char> bytes, std::size_t max);
    // Data that went past this object, at most remaining_run().
    void skip(std::uint64_t count) noexcept;
    [[nodiscard]] bool finished() const noexcept { return state_ == state::done; }
    // The peer closed: success for until_close, else errc::truncated (nothing if finished).
    [[nodiscard]] error end_of_input() noexcept;
    // Trailers that may be passed on; forbidden names are dropped (RFC 9110 §6.5.1), Expect is
    // errc::bad_expectation.
    [[nodiscard]] const fields& trailers() const noexcept { return trailers_; }
    // Bytes that surely still belong to the present run of data, for sizing reads and splicing; 0
    // if framing comes next, the largest number for until_close.
    [[nodiscard]] std::uint64_t remaining_run() const noexcept;

 private:
    // done ◄── data(length) / until_close
    // size ─► extension ─► size_lf ─► chunk_data ─► data_cr ─► data_lf ─► size …
    // size_lf (size 0) ─► trailer ─► trailer_lf ─► trailer … ─► done
    enum class state : std::uint8_t {
        done,
        data,
        until_close,
        size,
        extension,
        size_lf,
        chunk_data,
        data_cr,
        data_lf,
        trailer,
        trailer_lf
    };
    // Where an extension list stands: *( BWS ";" BWS name [ BWS "=" BWS value ] ), then CR.
    enum class extension : std::uint8_t {
        gap,
        name_start,
        name,
        name_gap,
        value_start,
        value,
        quoted,
        escape,
        value_end,
        over,
        bad
    };
    [[nodiscard]] static extension follow(extension at, char c) noexcept;
    [[nodiscard]] piece take_run(std::string_view input, std::size_t used,
                                 std::size_t max) noexcept;
    [[nodiscard]] result<piece> feed_chunked(std::string_view input, std::size_t max);
    // Each takes one byte of framing. An error leaves the decoder where it is.
    [[nodiscard]] error step(char c);
    [[nodiscard]] error step_size(char c) noexcept;
    [[nodiscard]] error step_extension(char c) noexcept;
    [[nodiscard]] error step_trailer(char c);
    [[nodiscard]] error end_trailer_line();
    void begin_chunk_data() noexcept;
    void begin_size() noexcept;

    state state_ = state::done;
    extension extension_ = extension::gap;
    std::uint8_t digits_ = 0;
    body_limits limits_;
    std::uint64_t left_ = 0;  // of the body or the chunk; while its size is read, the size so far
    std::size_t line_extension_ = 0;
    std::size_t total_extension_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::size_t trailer_count_ = 0;  // dropped ones too
    std::string line_;               // trailer line in progress
    fields trailers_;
    error failed_;
};

// The chunk-size line of a chunk of `size` bytes (never 0), at most 18 bytes.
struct chunk_size_line {
    std::array<char, 20> text;
    std::size_t size;
};
[[nodiscard]] chunk_size_line encode_chunk_size(std::uint64_t size) noexcept;
// "0\r\n", the trailers and the final CRLF; appended to `out`.
[[nodiscard]] result<void> encode_last_chunk(const fields& trailers, std::string& out);

}  // namespace penstock::http
