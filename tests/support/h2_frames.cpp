#include "support/h2_frames.hpp"

#include "support/wait.hpp"

#include <nghttp2/nghttp2.h>

namespace penstock::test::h2 {
namespace {

// RFC 7541 §5.1 with a prefix of seven bits, and no Huffman code.
std::string text_of(std::string_view text) {
    std::string out;
    if (text.size() < 127) {
        out += static_cast<char>(text.size());
    } else {
        out += static_cast<char>(127);
        std::size_t left = text.size() - 127;
        for (; left >= 128; left /= 128)
            out += static_cast<char>(left % 128 + 128);
        out += static_cast<char>(left);
    }
    return out.append(text);
}

field_list request(std::string_view method, std::string_view path, const field_list& more) {
    field_list fields{{":method", std::string(method)},
                      {":scheme", "http"},
                      {":authority", "a.test"},
                      {":path", std::string(path)}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

}  // namespace

std::string number(std::uint32_t value) {
    std::string out;
    for (unsigned shift = 32; shift > 0; shift -= 8)
        out += static_cast<char>(value >> (shift - 8) & 0xffU);
    return out;
}

std::string frame(type of, unsigned flags, std::uint32_t stream, std::string_view payload) {
    std::string out = number(static_cast<std::uint32_t>(payload.size())).substr(1);
    out += static_cast<char>(of);
    out += static_cast<char>(flags);
    return out.append(number(stream)).append(payload);
}

std::string block(const field_list& fields) {
    std::string out;
    for (const auto& [name, value] : fields)
        out.append(1, '\0').append(text_of(name)).append(text_of(value));
    return out;
}

field_list get(std::string_view path, const field_list& more) { return request("GET", path, more); }
field_list post(std::string_view path, const field_list& more) {
    return request("POST", path, more);
}

std::string head(std::uint32_t stream, const field_list& fields, bool end) {
    constexpr std::size_t most = 16384;
    const std::string whole = block(fields);
    const unsigned first = end ? 1U : 0U;
    if (whole.size() <= most)
        return frame(headers, end_headers | first, stream, whole);
    std::string out = frame(headers, first, stream, whole.substr(0, most));
    for (std::size_t at = most; at < whole.size(); at += most)
        out += frame(continuation, at + most < whole.size() ? none : end_headers, stream,
                     whole.substr(at, most));
    return out;
}

std::string body(std::uint32_t stream, std::string_view bytes, bool end) {
    return frame(data, end ? 1U : 0U, stream, bytes);
}

std::string rst(std::uint32_t stream) { return frame(rst_stream, none, stream, number(8)); }

std::string window(std::uint32_t stream, std::uint32_t by) {
    return frame(window_update, none, stream, number(by));
}

std::string setting(char id, std::uint32_t value) {
    return frame(settings, none, 0, std::string(1, '\0') + id + number(value));
}

std::string priority_on(std::uint32_t stream, std::uint32_t depends_on) {
    return frame(priority, none, stream, number(depends_on) + '\x10');
}

std::string head_on(std::uint32_t stream, std::uint32_t depends_on,
                    std::optional<std::uint8_t> padding) {
    const std::string before = padding ? std::string(1, static_cast<char>(*padding)) : "";
    const unsigned flags = end_stream | end_headers | has_priority | (padding ? padded : none);
    return frame(headers, flags, stream,
                 before + number(depends_on) + '\x10' + block(get()) +
                     std::string(padding.value_or(0), '\0'));
}

std::string hello() { return std::string(preface) + frame(settings, none, 0); }

std::uint32_t read_frame::number(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
        value = value << 8U | static_cast<unsigned char>(payload.at(i));
    return value;
}

bool next_frame(std::string& bytes, read_frame& into) {
    if (bytes.size() < 9)
        return false;
    read_frame header;
    header.payload = '\0' + bytes.substr(0, 3) + bytes.substr(5, 4);
    const std::size_t length = header.number();
    if (bytes.size() < 9 + length)
        return false;
    into.type = static_cast<std::uint8_t>(bytes[3]);
    into.flags = static_cast<std::uint8_t>(bytes[4]);
    into.stream = header.number(4) & 0x7fffffffU;
    into.payload = bytes.substr(9, length);
    bytes.erase(0, 9 + length);
    return true;
}

void inflater::free_inflater::operator()(nghttp2_hd_inflater* of) const noexcept {
    nghttp2_hd_inflate_del(of);
}

inflater::inflater() {
    nghttp2_hd_inflater* made = nullptr;
    if (nghttp2_hd_inflate_new(&made) != 0)
        throw test_error("no inflater");
    raw_.reset(made);
}

field_list inflater::decode(std::string_view block) {
    field_list found;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
        nghttp2_nv pair;
        int flags = 0;
        const ssize_t used = nghttp2_hd_inflate_hd2(raw_.get(), &pair, &flags, at, left, 1);
        if (used < 0)
            throw test_error("a header block that cannot be decoded");
        at += used;
        left -= static_cast<std::size_t>(used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            found.emplace_back(std::string(reinterpret_cast<char*>(pair.name), pair.namelen),
                               std::string(reinterpret_cast<char*>(pair.value), pair.valuelen));
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
    }
    nghttp2_hd_inflate_end_headers(raw_.get());
    return found;
}

std::string value(const field_list& of, std::string_view name) {
    for (const auto& [key, text] : of) {
        if (key == name)
            return text;
    }
    return "";
}

}  // namespace penstock::test::h2
