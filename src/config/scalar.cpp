#include "config/scalar.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace penstock::config {

namespace {

struct unit {
    std::string_view name;
    std::int64_t factor;
};

// From the smallest to the largest.
constexpr std::array<unit, 4> duration_units{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<unit, 4> size_units{
    {{"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}}};

// With these bounds neither product in `exact` can overflow.
constexpr std::size_t whole_digits_max = 9;
constexpr int fraction_digits_max = 6;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// "12.5KiB" cut into "12", "5" and "KiB".
struct decimal {
    std::string_view whole;
    std::string_view fraction;
    std::string_view unit;
    bool valid = false;
};

std::string_view take_digits(std::string_view& text) noexcept {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

decimal cut_number(std::string_view text) noexcept {
    decimal out;
    out.whole = take_digits(text);
    out.valid = !out.whole.empty();
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        out.fraction = take_digits(text);
        out.valid = out.valid && !out.fraction.empty();
    }
    out.unit = text;
    return out;
}

// Digits only, at most 18 of them.
std::int64_t to_number(std::string_view digits) noexcept {
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

// number * factor, if that is a whole number.
std::optional<std::int64_t> exact(const decimal& number, std::int64_t factor) noexcept {
    std::int64_t scale = 1;
    for (std::size_t i = 0; i < number.fraction.size(); ++i) {
        scale *= 10;
    }
    const std::int64_t part = to_number(number.fraction) * factor;
    if (part % scale != 0) {
        return std::nullopt;
    }
    return to_number(number.whole) * factor + part / scale;
}

bool fits(const decimal& number) noexcept {
    return number.whole.size() <= whole_digits_max &&
           number.fraction.size() <= std::size_t{fraction_digits_max};
}

const unit* find_unit(std::span<const unit> units, std::string_view name) noexcept {
    const auto found =
        std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == name; });
    return found == units.end() ? nullptr : &*found;
}

std::string format(std::int64_t value, std::span<const unit> units, bool bare_smallest) {
    std::size_t i = units.size() - 1;
    while (i > 0 && (value == 0 || value % units[i].factor != 0)) {
        --i;
    }
    const std::string number = std::to_string(value / units[i].factor);
    return i == 0 && bare_smallest ? number : number + std::string(units[i].name);
}

// KB, K, kb, mib … mean the binary unit with that letter.
std::string size_hint(const decimal& number, std::string_view text) {
    const std::string first = lower(number.unit.substr(0, 1));
    const std::string_view digits = text.substr(0, text.size() - number.unit.size());
    for (const unit& u : size_units) {
        if (lower(u.name.substr(0, 1)) == first) {
            return "did you mean '" + std::string(digits) + std::string(u.name) + "'?";
        }
    }
    return "the units are B, KiB, MiB, GiB";
}

}  // namespace

parsed<std::int64_t> parse_duration(std::string_view text) {
    const decimal number = cut_number(text);
    if (!number.valid) {
        return refusal<std::int64_t>(in_quotes(text) + " is not a duration",
                                     "a number and a unit: 250ms, 5s, 1m, 1h");
    }
    if (number.unit.empty()) {
        return refusal<std::int64_t>(in_quotes(text) + " has no unit",
                                     "did you mean " + in_quotes(std::string(text) + "s") + "?");
    }
    const unit* const u = find_unit(duration_units, number.unit);
    if (u == nullptr) {
        return refusal<std::int64_t>(
            in_quotes(text) + " has an unknown unit " + in_quotes(number.unit),
            "the units are ms, s, m, h");
    }
    if (!fits(number)) {
        return refusal<std::int64_t>(in_quotes(text) + " has too many digits");
    }
    const std::optional<std::int64_t> value = exact(number, u->factor);
    if (!value.has_value()) {
        return refusal<std::int64_t>(in_quotes(text) + " is not a whole number of milliseconds");
    }
    return {value, {}, {}};
}

parsed<std::int64_t> parse_size(std::string_view text) {
    const decimal number = cut_number(text);
    if (!number.valid) {
        return refusal<std::int64_t>(in_quotes(text) + " is not a size",
                                     "bytes, or a number and a unit: 1024, 16KiB, 1MiB, 1GiB");
    }
    const unit* const u =
        number.unit.empty() ? size_units.data() : find_unit(size_units, number.unit);
    if (u == nullptr) {
        return refusal<std::int64_t>(
            in_quotes(text) + " has an unknown unit " + in_quotes(number.unit),
            size_hint(number, text));
    }
    // Bare bytes are written out, so they may take more digits than a number with a unit.
    const bool bare = u == size_units.data() && number.fraction.empty();
    if (bare ? number.whole.size() > 18 : !fits(number)) {
        return refusal<std::int64_t>(in_quotes(text) + " has too many digits");
    }
    const std::optional<std::int64_t> value = exact(number, u->factor);
    if (!value.has_value()) {
        return refusal<std::int64_t>(in_quotes(text) + " is not a whole number of bytes");
    }
    return {value, {}, {}};
}

parsed<double> parse_ratio(std::string_view text) {
    const decimal number = cut_number(text);
    if (!number.valid || (!number.unit.empty() && number.unit != "%") || !fits(number)) {
        return refusal<double>(in_quotes(text) + " is not a ratio", "a percentage: 20%, 12.5%");
    }
    const double value = static_cast<double>(to_number(number.whole)) +
                         static_cast<double>(to_number(number.fraction)) /
                             std::pow(10.0, static_cast<double>(number.fraction.size()));
    if (number.unit.empty()) {
        const bool share = !number.fraction.empty() && value <= 1;
        const std::string meant = share ? format_ratio(value) : std::string(text) + "%";
        return refusal<double>(in_quotes(text) + " has no unit",
                               "did you mean " + in_quotes(meant) + "?");
    }
    if (value > 100) {
        return refusal<double>(in_quotes(text) + " is too large: at most 100%");
    }
    return {value / 100, {}, {}};
}

parsed<std::int64_t> parse_integer(std::string_view text) {
    const bool negative = text.starts_with('-');
    std::string_view rest = text.substr(negative ? 1 : 0);
    const std::string_view digits = take_digits(rest);
    if (digits.empty() || !rest.empty()) {
        return refusal<std::int64_t>(in_quotes(text) + " is not a whole number");
    }
    if (digits.size() > 18) {
        return refusal<std::int64_t>(in_quotes(text) + " has too many digits");
    }
    return {negative ? -to_number(digits) : to_number(digits), {}, {}};
}

parsed<bool> parse_boolean(std::string_view text) {
    // As in YAML 1.2 §10.3.2, and so in editors.
    for (const std::string_view yes : {"true", "True", "TRUE"}) {
        if (text == yes) {
            return {true, {}, {}};
        }
    }
    for (const std::string_view no : {"false", "False", "FALSE"}) {
        if (text == no) {
            return {false, {}, {}};
        }
    }
    const std::string word = lower(text);
    std::string hint = "true or false";
    if (word == "yes" || word == "on" || word == "1" || word == "true") {
        hint = "did you mean 'true'?";
    } else if (word == "no" || word == "off" || word == "0" || word == "false") {
        hint = "did you mean 'false'?";
    }
    return refusal<bool>(in_quotes(text) + " is neither true nor false", std::move(hint));
}

std::string format_duration(std::int64_t milliseconds) {
    return format(milliseconds, duration_units, false);
}

std::string format_size(std::int64_t bytes) { return format(bytes, size_units, true); }

std::string format_ratio(double ratio) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), ratio * 100,
                                   std::chars_format::fixed, fraction_digits_max);
    std::string text(buffer.data(), end.ptr);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text + "%";
}

}  // namespace penstock::config
