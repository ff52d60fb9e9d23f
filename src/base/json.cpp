#include "penstock/base/json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace penstock {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) noexcept {
    return static_cast<unsigned char>(text[i]);
}

std::size_t announced_length(unsigned lead) noexcept {
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

// Length of the well-formed UTF-8 sequence at the front, 0 if there is none (RFC 3629 §4).
std::size_t sequence_length(std::string_view text) noexcept {
    const unsigned lead = byte_at(text, 0);
    const std::size_t size = announced_length(lead);
    if (size > text.size())
        return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, i) & 0xc0) != 0x80)
            return 0;
    }
    if (size > 2) {
        const unsigned second = byte_at(text, 1);
        const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
        const bool beyond = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
        if (overlong || beyond)
            return 0;
    }
    return size;
}

void append_escape(unsigned byte, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u00";
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
}

template <class Number>
void append_number(Number number, std::string& out) {
    std::array<char, 32> digits;
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

}  // namespace

void json_writer::append_quoted(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
        const unsigned byte = byte_at(text, 0);
        const std::size_t size = sequence_length(text);
        if (byte == '"' || byte == '\\') {
            out_ += '\\';
            out_ += text.front();
        } else if (size == 0 || byte < 0x20 || byte == 0x7f) {
            append_escape(byte, out_);
        } else {
            out_.append(text.substr(0, size));
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    out_ += '"';
}

void json_writer::separate() {
    if (comma_)
        out_ += ',';
    comma_ = true;
}

void json_writer::open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
}

void json_writer::close(char bracket) {
    out_ += bracket;
    comma_ = true;
}

void json_writer::key(std::string_view name) {
    separate();
    append_quoted(name);
    out_ += ':';
    comma_ = false;
}

void json_writer::value(std::string_view text) {
    separate();
    append_quoted(text);
}

void json_writer::value(bool flag) {
    separate();
    out_ += flag ? "true" : "false";
}

void json_writer::value(double number) {
    separate();
    if (std::isfinite(number)) {
        append_number(number, out_);
    } else {
        out_ += "null";
    }
}

void json_writer::put(std::uint64_t number) {
    separate();
    append_number(number, out_);
}

void json_writer::put(std::int64_t number) {
    separate();
    append_number(number, out_);
}

}  // namespace penstock
