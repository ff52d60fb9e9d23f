// Any bytes as a message body: the first says how it is framed and whose it is, the second how the
// rest is cut. A client's sizes stand alone, an origin's may have blanks behind them.
// Every cut gives the same verdict and the same data, no byte after the end is used, and what was
// decoded encodes to something that decodes to the same.
#include "penstock/base/check.hpp"
#include "penstock/http/h1_body.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

using namespace penstock;

namespace {

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

struct source {
    http::framing framing;
    http::body_limits limits;
};

struct outcome {
    std::string data;
    std::string trailers;
    error failed;
    std::size_t left = 0;
    bool finished = false;
    bool operator==(const outcome&) const = default;
};

// Gives `text` in steps of `step` bytes and asks for at most `max` bytes of data at once.
outcome decode(std::string_view text, const source& how, std::size_t step, std::size_t max) {
    http::h1_body_decoder decoder(how.framing, how.limits);
    outcome made;
    std::size_t used = 0;
    std::size_t given = 0;
    while (!decoder.finished() && !made.failed) {
        const std::string_view input = text.substr(used, given - used);
        const std::uint64_t sure = decoder.remaining_run();
        const auto piece = decoder.feed(input, max);
        if (!piece) {
            made.failed = piece.error();
            break;
        }
        PENSTOCK_CHECK(piece->used <= input.size() && piece->data.size() <= piece->used);
        PENSTOCK_CHECK(piece->data.size() <= max);
        PENSTOCK_CHECK(sure == 0 || piece->data.size() == std::min({sure, std::uint64_t{max},
                                                                    std::uint64_t{input.size()}}));
        made.data += piece->data;
        used += piece->used;
        if (!piece->data.empty())
            continue;
        PENSTOCK_CHECK(decoder.finished() || used == given);
        if (given == text.size())
            break;
        given += std::min(step, text.size() - given);
    }
    made.finished = decoder.finished();
    made.left = made.failed ? 0 : text.size() - used;
    for (const http::fields::field field : decoder.trailers())
        made.trailers += std::string(field.name) + ':' + std::string(field.value) + '\n';
    return made;
}

// As `decode`, with what small chunks are joined by.
outcome decode_joined(std::string text, const source& how, std::size_t max) {
    http::h1_body_decoder decoder(how.framing, how.limits);
    outcome made;
    std::size_t used = 0;
    while (!decoder.finished() && !made.failed) {
        const auto run = decoder.read(std::span<char>(text).subspan(used), max);
        PENSTOCK_CHECK(run.used <= text.size() - used && run.data.size() <= max);
        made.failed = run.fault;
        made.data += run.data;
        used += run.used;
        if (run.data.empty())
            break;
    }
    made.finished = decoder.finished();
    made.left = made.failed ? 0 : text.size() - used;
    for (const http::fields::field field : decoder.trailers())
        made.trailers += std::string(field.name) + ':' + std::string(field.value) + '\n';
    return made;
}

// A chunked message of `of`, in chunks of at most `size` bytes.
std::string encode(const outcome& of, const http::fields& trailers, std::size_t size) {
    std::string text;
    for (std::size_t at = 0; at < of.data.size(); at += size) {
        const std::string_view chunk = std::string_view(of.data).substr(at, size);
        const http::chunk_size_line line = http::encode_chunk_size(chunk.size());
        text.append(line.text.data(), line.size);
        text += chunk;
        text += "\r\n";
    }
    PENSTOCK_CHECK(http::encode_last_chunk(trailers, text));
    return text;
}

http::fields trailers_of(std::string_view text, const source& how) {
    http::h1_body_decoder decoder(how.framing, how.limits);
    while (!decoder.finished())
        text.remove_prefix(decoder.feed(text, all)->used);
    return decoder.trailers();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const http::framing_kind kinds[] = {http::framing_kind::chunked, http::framing_kind::chunked,
                                        http::framing_kind::length,
                                        http::framing_kind::until_close};
    const source how{{kinds[data[0] % 4], std::uint64_t{data[0]} / 4},
                     {.padded_sizes = data[0] % 4 == 1}};
    const std::size_t step = std::size_t{data[1]} % 16 + 1;
    const std::size_t max = std::size_t{data[1]} / 16 + 1;

    const outcome whole = decode(text, how, all, all);
    PENSTOCK_CHECK(decode(text, how, 1, all) == whole);
    PENSTOCK_CHECK(decode(text, how, step, max) == whole);
    PENSTOCK_CHECK(decode_joined(std::string(text), how, all) == whole);
    PENSTOCK_CHECK(decode_joined(std::string(text), how, max) == whole);
    PENSTOCK_CHECK(whole.data.size() <= text.size());
    if (how.framing.kind != http::framing_kind::chunked || !whole.finished)
        return 0;
    const std::string again = encode(whole, trailers_of(text, how), max);
    const outcome second = decode(again, how, all, all);
    PENSTOCK_CHECK(second.finished && second.left == 0);
    PENSTOCK_CHECK(second.data == whole.data && second.trailers == whole.trailers);
    return 0;
}
