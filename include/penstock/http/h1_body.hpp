// HTTP/1 message bodies: a decoder for every framing of RFC 9112 §6 and the chunked encoder (§7.1).
#pragma once

#include "penstock/http/error.hpp"
#include "penstock/http/fields.hpp"
#include "penstock/http/h1_head.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::http {

struct body_limits {
    std::size_t extension_line = 256;        // chunk extensions of one line
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
    // At most `max` bytes of data.
    [[nodiscard]] result<piece> feed(std::string_view input, std::size_t max);
    [[nodiscard]] bool finished() const noexcept { return state_ == state::done; }
    // The peer closed: success for until_close, else errc::truncated (nothing if finished).
    [[nodiscard]] error end_of_input() noexcept;
    // Trailers that may be passed on; forbidden names are dropped (RFC 9110 §6.5.1).
    [[nodiscard]] const fields& trailers() const noexcept { return trailers_; }
    // Bytes that surely still belong to the present run of data, for sizing reads and splicing; 0 if
    // framing comes next.
    [[nodiscard]] std::uint64_t remaining_run() const noexcept;

 private:
    // done ◄── data(length) / until_close
    // size ─► extension ─► size_lf ─► data ─► data_cr ─► data_lf ─► size …
    // size_lf (size 0) ─► trailer_line … ─► done
    enum class state : std::uint8_t {
        done, data, until_close, size, extension, size_lf, chunk_data, data_cr, data_lf, trailer
    };
    result<piece> feed_chunked(std::string_view input, std::size_t max);
    result<void> step_framing(char c);
    result<void> end_trailer_line();

    state state_ = state::done;
    body_limits limits_;
    std::uint64_t left_ = 0;
    std::uint8_t digits_ = 0;
    std::size_t line_extension_ = 0;
    std::size_t total_extension_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::string line_;  // extension or trailer line in progress
    fields trailers_;
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
