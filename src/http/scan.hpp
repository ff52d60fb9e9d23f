// How far a text stays within a character class: the inner loops of everything that reads and
// checks heads. Each has a kernel for AVX2, chosen once at run time, and one for any machine that
// looks at eight bytes at a time; both give the answers of the tables in grammar.hpp.
#pragma once

#include "http/grammar.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::http::scan {

// A set of ASCII characters by their halves: bit h of entry l says that the character h * 16 + l is
// a member. What a shuffle of bytes looks up sixteen or more at a time.
struct ascii_set {
    std::array<std::uint8_t, 16> by_low{};
    grammar::char_class of{};
};

[[nodiscard]] consteval ascii_set make_ascii_set(grammar::char_class of) {
    ascii_set made;
    made.of = of;
    for (std::size_t c = 0; c < 128; ++c) {
        if ((grammar::classes[c] & of) != 0)
            made.by_low[c % 16] = static_cast<std::uint8_t>(made.by_low[c % 16] | 1U << (c / 16));
    }
    return made;
}

inline constexpr ascii_set token = make_ascii_set(grammar::token_char);
inline constexpr ascii_set target = make_ascii_set(grammar::target_char);
inline constexpr ascii_set query = make_ascii_set(grammar::query_char);
inline constexpr ascii_set path = make_ascii_set(grammar::path_char);
inline constexpr ascii_set host = make_ascii_set(grammar::host_char);

// The length of the longest front of `text` whose characters are all members.
[[nodiscard]] std::size_t prefix(const ascii_set& of, std::string_view text) noexcept;
// The same for field_char: no control byte but HTAB.
[[nodiscard]] std::size_t field_prefix(std::string_view text) noexcept;

[[nodiscard]] inline bool all(const ascii_set& of, std::string_view text) noexcept {
    return prefix(of, text) == text.size();
}
[[nodiscard]] inline bool all_field(std::string_view text) noexcept {
    return field_prefix(text) == text.size();
}

// The kernels, for tests and benchmarks; `avx2` is null where the processor has none.
struct kernels {
    using ascii_kernel = std::size_t (*)(const ascii_set&, const char*, std::size_t) noexcept;
    using field_kernel = std::size_t (*)(const char*, std::size_t) noexcept;
    ascii_kernel ascii;
    field_kernel field;
};
[[nodiscard]] const kernels& portable() noexcept;
[[nodiscard]] const kernels* avx2() noexcept;

}  // namespace penstock::http::scan
