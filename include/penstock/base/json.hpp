// Writes JSON into a string, piece by piece: access-log lines and the status page. Output is valid
// UTF-8 on one line whatever the values hold; a byte that is not UTF-8 shows as the code point of
// its value, so that nothing is lost.
//
// Flow: begin_object(), then key() and a value, or both at once by `member`, … end_object().
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

class json_writer {
 public:
    explicit json_writer(std::string& out) noexcept : out_(out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void key(std::string_view name);

    void value(std::string_view text);
    void value(const char* text) { value(std::string_view(text)); }
    void value(bool flag);
    void value(double number);  // null if it is not finite: JSON has no word for that
    template <std::unsigned_integral T>
    void value(T number) {
        put(static_cast<std::uint64_t>(number));
    }
    template <std::signed_integral T>
    void value(T number) {
        put(static_cast<std::int64_t>(number));
    }
    template <class T>
    void member(std::string_view name, const T& its_value) {
        key(name);
        value(its_value);
    }

 private:
    void separate();
    void open(char bracket);
    void close(char bracket);
    void put(std::uint64_t number);
    void put(std::int64_t number);
    void append_quoted(std::string_view text);

    std::string& out_;
    bool comma_ = false;  // something stands before in the same object or array
};

}  // namespace penstock
