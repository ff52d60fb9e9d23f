#include "penstock/http/h1_body.hpp"

#include "http/field_rules.hpp"
#include "http/grammar.hpp"
#include "penstock/base/check.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace penstock::http {
namespace {

constexpr std::uint8_t size_digits_max = 16;
// What is left of a chunk, to be copied and not sent by itself.
constexpr std::uint64_t small_chunk = 1024;
constexpr std::uint64_t chunk_max = std::uint64_t{1} << 62;

}  // namespace

h1_body_decoder::h1_body_decoder(framing how, const body_limits& limits) noexcept
    : limits_(limits) {
    switch (how.kind) {
        case framing_kind::none:
            break;
        case framing_kind::length:
            left_ = how.length;
            state_ = left_ > 0 ? state::data : state::done;
            break;
        case framing_kind::chunked:
            state_ = state::size;
            break;
        case framing_kind::until_close:
            state_ = state::until_close;
            break;
    }
}

result<h1_body_decoder::piece> h1_body_decoder::feed(std::string_view input, std::size_t max) {
    switch (state_) {
        case state::done:
            return piece{};
        case state::data: {
            const piece run = take_run(input, 0, max);
            if (left_ == 0)
                state_ = state::done;
            return run;
        }
        case state::until_close: {
            const std::string_view run = input.substr(0, max);
            return piece{run, run.size()};
        }
        default:
            return feed_chunked(input, max);
    }
}

h1_body_decoder::joined h1_body_decoder::read(std::span<char> bytes, std::size_t max) {
    joined all;
    while (all.used < bytes.size() && !finished()) {
        const std::uint64_t next = remaining_run();
        const bool joins = next <= small_chunk && all.data.size() < max;
        if (!all.data.empty() && next > 0 && !joins)
            break;
        const std::size_t room = all.data.empty() || next > 0 ? max - all.data.size() : 0;
        const std::span<char> rest = bytes.subspan(all.used);
        const result<piece> got = feed({rest.data(), rest.size()}, room);
        if (!got) {
            all.fault = got.error();
            break;
        }
        if (all.data.empty()) {
            all.data = got->data;
        } else if (!got->data.empty()) {
            const auto begin = static_cast<std::size_t>(all.data.data() - bytes.data());
            char* const end = bytes.data() + begin + all.data.size();
            std::memmove(end, got->data.data(), got->data.size());
            all.data = {all.data.data(), all.data.size() + got->data.size()};
        }
        all.used += got->used;
        if (got->used == 0)
            break;
    }
    return all;
}

h1_body_decoder::piece h1_body_decoder::take_run(std::string_view input, std::size_t used,
                                                 std::size_t max) noexcept {
    const std::uint64_t here = std::min(input.size() - used, max);
    const auto count = static_cast<std::size_t>(std::min(here, left_));
    left_ -= count;
    return {input.substr(used, count), used + count};
}

void h1_body_decoder::skip(std::uint64_t count) noexcept {
    PENSTOCK_CHECK(count <= remaining_run());
    if (state_ == state::until_close)
        return;
    left_ -= count;
    if (left_ == 0 && count > 0)
        state_ = state_ == state::data ? state::done : state::data_cr;
}

// Framing up to the next run of data, and that run. What follows the run is left for the next call:
// if it is faulty, these bytes are good all the same.
result<h1_body_decoder::piece> h1_body_decoder::feed_chunked(std::string_view input,
                                                             std::size_t max) {
    if (failed_)
        return failed_;
    std::size_t used = 0;
    while (state_ != state::chunk_data) {
        if (used == input.size() || state_ == state::done)
            return piece{{}, used};
        failed_ = step(input[used++]);
        if (failed_)
            return failed_;
    }
    const piece run = take_run(input, used, max);
    if (left_ == 0)
        state_ = state::data_cr;
    return run;
}

error h1_body_decoder::step(char c) {
    switch (state_) {
        case state::size:
            return step_size(c);
        case state::extension:
            return step_extension(c);
        case state::size_lf:
            if (c != '\n')
                return errc::bad_chunk;
            begin_chunk_data();
            return {};
        case state::data_cr:
            if (c != '\r')
                return errc::bad_chunk;
            state_ = state::data_lf;
            return {};
        case state::data_lf:
            if (c != '\n')
                return errc::bad_chunk;
            begin_size();
            return {};
        case state::trailer:
        case state::trailer_lf:
            return step_trailer(c);
        case state::done:
        case state::data:
        case state::until_close:
        case state::chunk_data:
            break;
    }
    PENSTOCK_CHECK(false);  // no framing in these
    return {};
}

error h1_body_decoder::step_size(char c) noexcept {
    const int digit = hex_value(c);
    if (digit >= 0) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        if (++digits_ > size_digits_max || left_ > chunk_max)
            return errc::bad_chunk;
        return {};
    }
    if (digits_ == 0)
        return errc::bad_chunk;
    if (c == '\r') {
        state_ = state::size_lf;
        return {};
    }
    state_ = state::extension;
    extension_ = extension::gap;
    return step_extension(c);
}

error h1_body_decoder::step_extension(char c) noexcept {
    const bool at_gap = extension_ == extension::gap || extension_ == extension::name_gap;
    extension_ =
        limits_.padded_sizes && at_gap && c == '\r' ? extension::over : follow(extension_, c);
    if (extension_ == extension::bad)
        return errc::bad_chunk;
    if (extension_ == extension::over) {
        state_ = state::size_lf;
        return {};
    }
    if (++line_extension_ > limits_.extension_line || ++total_extension_ > limits_.extension_total)
        return errc::chunk_extension_too_large;
    return {};
}

// RFC 9112 §7.1.1. White space is taken where the grammar has it, so not in front of the line's
// end, unless `padded_sizes` says so.
h1_body_decoder::extension h1_body_decoder::follow(extension at, char c) noexcept {
    using enum extension;
    switch (at) {
        case gap:
            if (is_space(c))
                return gap;
            return c == ';' ? name_start : bad;
        case name_start:
            if (is_space(c))
                return name_start;
            return is_token_char(c) ? name : bad;
        case name:
            if (is_token_char(c))
                return name;
            if (c == '\r')
                return over;
            [[fallthrough]];
        case name_gap:
            if (is_space(c))
                return name_gap;
            if (c == '=')
                return value_start;
            return c == ';' ? name_start : bad;
        case value_start:
            if (is_space(c))
                return value_start;
            if (c == '"')
                return quoted;
            return is_token_char(c) ? value : bad;
        case quoted:
            if (c == '"')
                return value_end;
            if (c == '\\')
                return escape;
            return is_field_char(c) ? quoted : bad;
        case escape:
            return is_field_char(c) ? quoted : bad;
        case value:
            if (is_token_char(c))
                return value;
            [[fallthrough]];
        case value_end:
            if (c == '\r')
                return over;
            if (is_space(c))
                return gap;
            return c == ';' ? name_start : bad;
        case over:
        case bad:
            break;
    }
    return bad;
}

void h1_body_decoder::begin_chunk_data() noexcept {
    state_ = left_ > 0 ? state::chunk_data : state::trailer;
}

void h1_body_decoder::begin_size() noexcept {
    state_ = state::size;
    digits_ = 0;
    line_extension_ = 0;
}

error h1_body_decoder::step_trailer(char c) {
    if (state_ == state::trailer_lf) {
        if (c != '\n')
            return errc::bad_trailer;
        if (line_.empty()) {
            state_ = state::done;
            return {};
        }
        state_ = state::trailer;
        return end_trailer_line();
    }
    if (c == '\r') {
        state_ = state::trailer_lf;
        return {};
    }
    if (!is_field_char(c))
        return errc::bad_trailer;
    if (++trailer_bytes_ > limits_.trailer_bytes)
        return errc::trailer_too_large;
    line_ += c;
    return {};
}

error h1_body_decoder::end_trailer_line() {
    const std::string_view line = line_;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return errc::bad_trailer;
    if (++trailer_count_ > limits_.trailer_count)
        return errc::trailer_too_large;
    const std::string_view name = line.substr(0, colon);
    // Asking for 100 after the content can only be meant for a reader that merges trailers.
    if (field_id_of(name) == field_id::expect)
        return errc::bad_expectation;
    if (!is_forbidden_trailer(name))
        trailers_.add(name, trim_space(line.substr(colon + 1)));
    line_.clear();
    return {};
}

error h1_body_decoder::end_of_input() noexcept {
    if (state_ == state::until_close)
        state_ = state::done;
    if (state_ == state::done)
        return {};
    return failed_ ? failed_ : errc::truncated;
}

std::uint64_t h1_body_decoder::remaining_run() const noexcept {
    if (state_ == state::until_close)
        return std::numeric_limits<std::uint64_t>::max();
    return state_ == state::data || state_ == state::chunk_data ? left_ : 0;
}

chunk_size_line encode_chunk_size(std::uint64_t size) noexcept {
    // A chunk of size 0 would end the message.
    PENSTOCK_CHECK(size > 0);
    chunk_size_line line{};
    char* const first = line.text.data();
    char* end = std::to_chars(first, first + line.text.size() - 2, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    line.size = static_cast<std::size_t>(end - first);
    return line;
}

result<void> encode_last_chunk(const fields& trailers, std::string& out) {
    for (const fields::field trailer : trailers) {
        if (!is_token(trailer.name) || !is_field_value(trailer.value))
            return error(errc::bad_field);
    }
    out += "0\r\n";
    for (const fields::field trailer : trailers) {
        out += trailer.name;
        out += ": ";
        out += trailer.value;
        out += "\r\n";
    }
    out += "\r\n";
    return {};
}

}  // namespace penstock::http
