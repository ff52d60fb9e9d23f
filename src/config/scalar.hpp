// Durations, sizes, ratios, integers and booleans: from their text, and back to it for messages and
// dumps. Pure functions; ranges are the reader's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::config {

// A value, or what is wrong with the text and what to write instead.
template <class T>
struct parsed {
    std::optional<T> value;
    std::string message;
    std::string hint;
};

template <class T>
[[nodiscard]] parsed<T> refusal(std::string message, std::string hint = {}) {
    return {std::nullopt, std::move(message), std::move(hint)};
}

// A decimal number and a unit: ms, s, m, h. The outcome is in whole milliseconds.
[[nodiscard]] parsed<std::int64_t> parse_duration(std::string_view text);
// A decimal number, bare or with B, KiB, MiB, GiB. The outcome is in whole bytes.
[[nodiscard]] parsed<std::int64_t> parse_size(std::string_view text);
// 0% … 100%, as 0 … 1.
[[nodiscard]] parsed<double> parse_ratio(std::string_view text);
// Decimal digits, perhaps with a minus sign; at most 18 digits.
[[nodiscard]] parsed<std::int64_t> parse_integer(std::string_view text);
// true or false.
[[nodiscard]] parsed<bool> parse_boolean(std::string_view text);

// In the largest unit that gives a whole number: 90000 → "90s", 3600000 → "1h".
[[nodiscard]] std::string format_duration(std::int64_t milliseconds);
[[nodiscard]] std::string format_size(std::int64_t bytes);
[[nodiscard]] std::string format_ratio(double ratio);

}  // namespace penstock::config
